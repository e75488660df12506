"""Frames: lines that a program draws anew, by going up with the cursor and writing over them.

A frame is some lines of output, each ended by a newline. The line that begins the next one goes up
to where the last one began (`ESC[4A`). So each line stands in a row, or in several, and is written
over once none of them shows it any more. Rows are counted from where the cursor was at first, down.

Written over is a row that is erased as a whole, or that something is written into from its first
column on. What is written further right stands beside what was there. Lines that begin a step, or
tell of its error, are never written over.
"""

from __future__ import annotations

from collections import deque

from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.markers import StepError, StepStart, parse_line
from stepflow_tui.core.visible import TOKEN, decoded

MAX_ROWS = 100
"""Rows above the lowest one that the cursor can go back to."""

_NONE = -1
_UP = lazy_pattern(rb"\x1b(?:\[[0-9]{0,9}[AF]|M)")
_C1_UP = lazy_pattern(rb"\x9b[0-9]{0,9}[AF]")


def moves_up(data: bytes) -> bool:
    """Whether the cursor may go up in these lines; where it never does all of them stay."""
    return _UP.search(data) is not None or (b"\x9b" in data and _C1_UP.search(data) is not None)


class Rows:
    """What adjoining lines have left in the rows that they wrote to.

    Attributes:
        row: where the cursor is.
        bottom: the lowest row that it has been in.
        at_start: no lines come before these.
        shown: the lines that each row shows.
        replaced: rows near the first one of which nothing is left that was there before.
    """

    def __init__(self, *, at_start: bool) -> None:
        self.row = self.bottom = 0
        self.at_start = at_start
        self.shown: dict[int, list[int]] = {}
        self.replaced: set[int] = set()
        self._count: dict[int, int] = {}
        """In how many rows each line is shown."""
        self._over: list[int] = []

    def copy(self) -> Rows:
        """One that goes on from here by itself."""
        twin = Rows(at_start=self.at_start)
        twin.row, twin.bottom, twin.replaced = self.row, self.bottom, self.replaced.copy()
        for row, lines in self.shown.items():
            for line in lines:
                twin.put(line, row)
        return twin

    @property
    def highest(self) -> int:
        """The row that the cursor can go up to."""
        return max(self.bottom - MAX_ROWS, 0 if self.at_start else -MAX_ROWS)

    def put(self, line: int, row: int) -> None:
        """Have the row show this line too."""
        lines = self.shown.setdefault(row, [])
        if line not in lines:
            lines.append(line)
            self._count[line] = self._count.get(line, 0) + 1

    def let_go(self, row: int) -> list[int]:
        """Have the row show nothing; returns the lines that no row shows any more."""
        gone = []
        for line in self.shown.pop(row, ()):
            self._count[line] -= 1
            if not self._count[line]:
                del self._count[line]
                gone.append(line)
        return gone

    def clear(self, row: int) -> None:
        """Take note that the row was written over."""
        self._over += self.let_go(row)
        if abs(row) <= MAX_ROWS:
            self.replaced.add(row)

    def clear_from(self, row: int) -> None:
        """Take note that all rows from this one down were erased."""
        for below in [below for below in self.shown if below >= row]:
            self.clear(below)
        self.replaced.update(range(max(row, -MAX_ROWS), MAX_ROWS + 1))

    def go_down(self, count: int) -> None:
        """Go on further down, and let go of rows that the cursor can not go back to."""
        self.row += count
        before, self.bottom = self.bottom, max(self.bottom, self.row)
        if self.bottom - before == 1:
            self.let_go(self.bottom - MAX_ROWS - 1)
        elif self.bottom > before:
            for row in [row for row in self.shown if row < self.bottom - MAX_ROWS]:
                self.let_go(row)

    def keep(self, line: int) -> None:
        """Have this line never be written over."""
        for row in [row for row, lines in self.shown.items() if line in lines]:
            self.shown[row].remove(line)
        self._count.pop(line, None)

    def hide(self, line: int) -> None:
        """Take note of a line that has left nothing."""
        self._over.append(line)

    def written_over(self) -> list[int]:
        """The lines that were written over since this was asked, in order."""
        over, self._over = self._over, []
        return sorted(over)


class Frames:
    """Tells which lines later ones have written over.

    Lines are fed in order, in pieces of any size; a stretch without such movements costs next to
    nothing. Of what comes before the first line nothing needs to be known: see `join`.

    Attributes:
        rows: as the lines have left them.
    """

    def __init__(self, *, at_start: bool = True) -> None:
        """Makes a model without lines.

        Args:
            at_start: no lines come before those that are fed.
        """
        self.rows = Rows(at_start=at_start)
        self._next = _NONE
        self._waiting: deque[tuple[int, int, bytes]] = deque()
        """Stretches without movements: the first line, the line behind, the text."""

    def __copy__(self) -> Frames:
        twin = Frames()
        twin.rows, twin._next, twin._waiting = self.rows.copy(), self._next, self._waiting.copy()
        return twin

    @property
    def is_at_rest(self) -> bool:
        """Of lines that follow and do not move up only the last `MAX_ROWS` need to be fed."""
        return self.rows.row == self.rows.bottom > MAX_ROWS

    def feed(self, first: int, data: bytes, *, is_plain: bool = False) -> list[int]:
        """Goes on with some lines.

        Args:
            first: number of the first one; rows are left free for lines that are missing before.
            data: the lines as they were written, with newlines between them.
            is_plain: there are surely no control characters among them.

        Returns:
            The lines that were written over by these, in order; a line that only moved over what
            is there counts as such.
        """
        if is_plain or not moves_up(data):
            self._go_to_rest(first, data)
        else:
            self.catch_up()
            self._add_all(first, data.split(b"\n"))
        return self.rows.written_over()

    def join(self, before: Frames) -> list[int]:
        """Takes in those lines that come before the first one of these; the other one is used up.

        Returns:
            Which of them were written over by these, in order.
        """
        before.catch_up()
        self.catch_up()
        own, rows = self.rows, before.rows
        by = rows.row
        for row in own.replaced:
            rows.clear(row + by)
        for row, lines in own.shown.items():
            for line in lines:
                rows.put(line, row + by)
        rows.replaced |= {row + by for row in own.replaced if abs(row + by) <= MAX_ROWS}
        rows.go_down(own.bottom)
        rows.row = own.row + by
        self.rows = rows
        return rows.written_over()

    def _go_to_rest(self, first: int, data: bytes) -> None:
        """Go on with lines none of which moves up, as far as they need to be looked at."""
        if self.is_at_rest:
            self._wait(first, data)
            return
        count = max(self.rows.bottom, MAX_ROWS + 1) - self.rows.row
        *lines, rest = data.split(b"\n", count)
        if len(lines) < count:
            self._add_all(first, [*lines, rest])
        else:
            self._add_all(first, lines)
            self._wait(first + count, rest)

    def _wait(self, first: int, data: bytes) -> None:
        """Keep the last lines, should they be written over."""
        stop = first + data.count(b"\n") + 1
        self._waiting.append((first, stop, data))
        while stop - self._waiting[0][1] > MAX_ROWS:
            self._waiting.popleft()

    def catch_up(self) -> None:
        """Go over the lines that were put off."""
        waiting, self._waiting = self._waiting, deque()
        for first, _, data in waiting:
            start = max(first, waiting[-1][1] - MAX_ROWS)
            self._add_all(start, data.split(b"\n")[start - first :])

    def _add_all(self, first: int, lines: list[bytes]) -> None:
        if self._next not in (_NONE, first):
            self.rows.go_down(first - self._next)
        for number, line in enumerate(lines, first):
            self._add(number, line)
        self._next = first + len(lines)

    def _add(self, number: int, line: bytes) -> None:
        rows = self.rows
        if rows.row == rows.bottom and rows.row not in rows.shown and not moves_up(line):
            if line.strip(b"\r") and abs(rows.row) <= MAX_ROWS:
                rows.replaced.add(rows.row)
            rows.put(number, rows.row)
        else:
            played = _Played(rows)
            played.play(decoded(line.rstrip(b"\r")))
            played.leave(number, rows)
        if b"STEP_" in line and isinstance(parse_line(line), StepStart | StepError):
            rows.keep(number)
        rows.go_down(1)


class _Played:
    """One line on its way over the rows.

    Attributes:
        row: where the cursor is.
        replaced: rows that were erased, or written from the first column on.
        cleared_from: from this row down all were erased, and `written` tells what came then.
        written: rows that something was written into.
    """

    def __init__(self, rows: Rows) -> None:
        self.row = rows.row
        self._highest, self._lowest = rows.highest, rows.bottom
        self._column = 0
        self._is_elsewhere = False
        self._saved = (self.row, 0)
        self.replaced: dict[int, None] = {}
        self.cleared_from: int | None = None
        self.written: set[int] = set()

    def play(self, text: str) -> None:
        """Go through the whole line."""
        for token in TOKEN.finditer(text):
            kind = token.lastgroup
            if kind == "text":
                self._write(token[0])
            elif kind == "final":
                self._sequence(token["final"], token["codes"])
            elif kind == "escape":
                self._escape(token["escape"])
            elif kind == "control":
                self._control(token["control"])

    def leave(self, number: int, rows: Rows) -> None:
        """Give the line its rows, in place of what stood there."""
        for row in self.replaced:
            rows.clear(row)
        if self.cleared_from is not None:
            rows.clear_from(self.cleared_from)
        for row in self.written:
            rows.put(number, row)
        if not self.written:  # an empty line takes a row that shows nothing
            free = [row for row in (self.row, *self.replaced) if not rows.shown.get(row)]
            if free:
                rows.put(number, free[0])
            else:
                rows.hide(number)
        rows.row = self.row

    def _write(self, text: str) -> None:
        if not self._is_elsewhere:
            if self._column == 0:
                self.replaced[self.row] = None
            self.written.add(self.row)
        self._column += len(text)

    def _control(self, control: str) -> None:
        if control == "\r":
            self._column = 0
        else:
            self._column = max(0, self._column + (1 if control == "\t" else -1))

    def _escape(self, final: str) -> None:
        if final == "7":
            self._saved = (self.row, self._column)
        elif final == "8":
            self._restore()
        elif final == "M":
            self._move(-1)
        else:
            self._move(1)
            self._column = 0 if final == "E" else self._column

    def _restore(self) -> None:
        self.row, self._column = self._saved
        self._is_elsewhere = False

    def _sequence(self, final: str, codes: str) -> None:
        first = codes.partition(";")[0]
        count = max(1, int(first[:9])) if first.isdecimal() else 1
        if final in "ABEF":
            self._move(count if final in "BE" else -count)
            self._column = 0 if final in "EF" else self._column
        elif final in "CDG`":
            self._to_column(final, count)
        elif final in "JK":
            self._erase(final, first)
        elif final in "Hfd":  # anywhere on the screen, and nobody knows where that is
            self._is_elsewhere = True
        elif final == "r":  # apt goes up by the row that it sets aside, not over what is there
            self._highest = self.row
        elif final == "s":
            self._saved = (self.row, self._column)
        elif final == "u":
            self._restore()

    def _move(self, count: int) -> None:
        if not self._is_elsewhere:
            self.row = max(self._highest, min(self.row + count, self._lowest))

    def _to_column(self, final: str, count: int) -> None:
        if final in "G`":
            self._column = count - 1
        else:
            self._column = max(0, self._column + (count if final == "C" else -count))

    def _erase(self, final: str, which: str) -> None:
        if self._is_elsewhere:
            return
        if which == "2" or (which in ("", "0") and self._column == 0):
            self._erase_row(self.row)
        if final == "J" and which in ("", "0"):
            self._erase_below(self.row + (self._column > 0))
        elif final == "J" and which in ("1", "2"):
            for row in range(self._highest, self.row):
                self._erase_row(row)
            if which == "2":
                self._erase_below(self.row)

    def _erase_row(self, row: int) -> None:
        self.replaced[row] = None
        self.written.discard(row)

    def _erase_below(self, row: int) -> None:
        if self.cleared_from is None or row < self.cleared_from:
            self.cleared_from = row
        self.written = {written for written in self.written if written < row}
