"""What stands on the terminal, cell by cell, and the fewest bytes that turn it into something else.

Nothing here knows of Textual: rows of cells go in, control sequences come out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.tui.terminal import sgr
from stepflow_tui.tui.terminal.alphabet import HALF, UNKNOWN, is_sure
from stepflow_tui.tui.terminal.row import Row
from stepflow_tui.tui.terminal.scrolling import find_scroll

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stepflow_tui.tui.terminal.alphabet import Alphabet

_KEPT_GAP = 4
"""So many cells between two changes are rather written again than jumped over."""

_ALIKE = re.compile(r"(.)\1*", re.DOTALL)

_WORTH_SCROLLING = 400
"""Bytes of an update from which on it is looked whether rows have only moved."""


class TerminalCells:
    """The cells of a terminal, as far as they are known.

    Attributes:
        width: columns.
        height: rows.
    """

    def __init__(self, width: int, height: int, alphabet: Alphabet, *, is_thrifty: bool) -> None:
        """Makes a terminal of which nothing is known.

        Args:
            width: columns.
            height: rows.
            alphabet: that all its rows are written in.
            is_thrifty: look for what need not be sent, and for rows that have only moved: fewer
                bytes for more work.
        """
        self.width = width
        self.height = height
        self._alphabet = alphabet
        self._is_thrifty = is_thrifty
        self.forget()

    def forget(self) -> None:
        """Know nothing any more: somebody else may have written to the terminal."""
        self._rows = [Row.unknown(self.width) for _ in range(self.height)]
        self._is_pen_known = False

    def row(self, y: int) -> Row:
        """A copy of a row, to be changed and handed to `update`."""
        return self._rows[y].copy()

    def update(self, rows: Mapping[int, Row]) -> Update:
        """What is to be sent so that these rows stand on the terminal; nothing is noted yet."""
        sequences = self._sequences(self._rows, rows)
        if self._is_thrifty and len(sequences) > _WORTH_SCROLLING:
            scrolled = self._scrolled(rows)
            # What stands beside the rows jumps and is put back, so it must be worth while.
            if scrolled is not None and 2 * len(scrolled) < len(sequences):
                sequences = scrolled
        if sequences and not self._is_pen_known:
            sequences = sgr.RESET + sequences
        return Update(self, rows, sequences)

    def _scrolled(self, rows: Mapping[int, Row]) -> str | None:
        """The same by moving rows, and by writing what does not move with them."""
        scroll = find_scroll(self._rows, rows)
        if scroll is None:
            return None
        wanted = dict(enumerate(self._rows)) | dict(rows)
        return scroll.sequences + self._sequences(scroll.apply(self._rows), wanted)

    def _sequences(self, before: Sequence[Row], after: Mapping[int, Row]) -> str:
        pen = _Pen(self._alphabet)
        for y, row in sorted(after.items()):
            for start, stop in self._stretches(before[y], row):
                pen.write(y, start, stop, row)
        return pen.finish()

    def _stretches(self, before: Row, after: Row) -> Iterable[tuple[int, int]]:
        """From where to where cells are to be written."""
        if self._is_thrifty:
            return _small_stretches(before, after)
        span = after.span(before)
        if span is None:
            return ()
        is_known = UNKNOWN not in after.chars[slice(*span)]
        return (span,) if is_known else _small_stretches(before, after)

    def take(self, rows: Mapping[int, Row]) -> None:
        """Note that these rows stand on the terminal now."""
        self._is_pen_known = True
        for y, row in rows.items():
            self._rows[y] = row


class Update(Struct, frozen=True):
    """Something to be sent.

    Attributes:
        cells: what it changes.
        rows: what stands on the terminal then.
        sequences: what is to be sent; empty if all of that stands there already.
    """

    cells: TerminalCells
    rows: Mapping[int, Row]
    sequences: str

    def send(self) -> str:
        """The sequences, noted as sent."""
        self.cells.take(self.rows)
        return self.sequences


def _small_stretches(before: Row, after: Row) -> Iterator[tuple[int, int]]:
    """The same without cells that stand there already, but for a few between others."""
    start = stop = 0
    for first, behind in after.changes(before):
        if not stop:
            start = first
        elif not _may_be_rewritten(after, stop, first):
            yield start, stop
            start = first
        stop = behind
    if stop:
        yield start, stop


def _may_be_rewritten(row: Row, start: int, stop: int) -> bool:
    """Whether it is cheaper to write these cells again than to jump over them."""
    if stop - start > _KEPT_GAP or UNKNOWN in row.chars[start:stop]:
        return False
    return _is_uniform(row.looks[start - 1 : stop])


def _is_uniform(looks: str) -> bool:
    return looks == looks[0] * len(looks)


class _Pen:
    """Writes cells, and knows where it stands and how it draws."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet
        self._out: list[str] = []
        self._look = self._code = ""
        self._place: tuple[int, int] | None = None

    def write(self, y: int, start: int, stop: int, row: Row) -> None:
        """Write some cells of a row."""
        chars, looks = row.chars, row.looks
        while start and chars[start] == HALF:
            start -= 1
        while stop < len(chars) and chars[stop] == HALF:
            stop += 1
        for first, behind in _by_look(looks, start, stop):
            if looks[first] != self._code:
                self._code = looks[first]
                self._use(self._alphabet.sequence(self._code))
            text = chars[first:behind]
            if is_sure(text):
                self._put(y, first, text.replace(HALF, ""), behind)
            else:
                self._write_each(y, first, behind, chars)
            if behind == len(chars):
                self._place = None  # terminals differ in where that leaves the cursor

    def _write_each(self, y: int, start: int, stop: int, chars: str) -> None:
        """Write characters of which some may be wider or narrower than we think."""
        for x in range(start, stop):
            char = chars[x]
            if char == HALF:
                continue
            is_wide = x + 1 < len(chars) and chars[x + 1] == HALF
            if is_sure(char):
                self._put(y, x, char, x + 1 + is_wide)
                continue
            if is_wide:
                self._put(y, x, "  ", x + 2)  # else the old half may shine through
                self._place = None
            self._put(y, x, self._alphabet.text(char), x + 1)
            self._place = None

    def _use(self, look: str) -> None:
        self._out.append(sgr.change(self._look, look))
        self._look = look

    def _put(self, y: int, x: int, text: str, behind: int) -> None:
        if self._place != (y, x):
            self._out.append(self._move(y, x))
        self._out.append(text)
        self._place = (y, behind)

    def _move(self, y: int, x: int) -> str:
        if self._place is not None and self._place[0] == y and self._place[1] < x:
            cells = x - self._place[1]
            return f"\x1b[{cells}C" if cells > 1 else "\x1b[C"
        return f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"

    def finish(self) -> str:
        """All that was written, with a reset pen at the end."""
        self._use("")
        return "".join(self._out)


def _by_look(looks: str, start: int, stop: int) -> Sequence[tuple[int, int]]:
    """Cells that are drawn alike, from where to where."""
    if _is_uniform(looks[start:stop]):  # as most are
        return ((start, stop),)
    return [alike.span() for alike in _ALIKE.finditer(looks, start, stop)]
