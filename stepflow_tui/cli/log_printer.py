"""Log lines on standard output, and notices of our own between them."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.cli.log_cursor import MAX_LINE
from stepflow_tui.cli.long_line import LongLine
from stepflow_tui.cli.terminal import BOLD, draw_state, flush, standard_output, write
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.frames import MAX_ROWS, Frames
from stepflow_tui.core.markers import MARKER_HINT, is_marker_line
from stepflow_tui.core.text import PLAIN, plain, with_reset
from stepflow_tui.core.visible import style_after, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.cli.log_cursor import Lines


AFTER_END = "the run has ended; this came after its end:"

_LAST_RANK = 2**31
"""Higher than that of any notice."""


class Place(Struct, frozen=True, order=True):
    """Where a notice stands: before or after a line, and among others at that line.

    Attributes:
        line: number of the line.
        after: behind the line, not before it.
        rank: lower ones come first.
    """

    line: int
    after: bool
    rank: int = 0

    @property
    def lines_before(self) -> int:
        """Number of the last line that comes before the notice."""
        return self.line if self.after else self.line - 1


class LogPrinter:
    """Prints the lines of one log in order, and each notice at its place among them.

    Attributes:
        style: the colours that the lines before the next one have set.
    """

    def __init__(
        self, *, markers: bool, timestamps: bool = False, reads_ahead: bool = False
    ) -> None:
        """Makes a printer that has printed nothing.

        Args:
            markers: print marker lines too.
            timestamps: print when each line arrived.
            reads_ahead: leave out lines that later ones have written over; for that lines wait
                until some more have come, or until `end` is called.
        """
        self._markers = markers
        self._timestamps = timestamps
        self._colours = standard_output().colours
        self.style = PLAIN
        self._notices: dict[object, tuple[Place, str]] = {}
        self._end_marked = False
        self._position = 0  # number of the last line that was printed
        self._long: LongLine | None = None  # the line that goes on
        self._reads_ahead = reads_ahead
        self._frames: Frames | None = None
        self._waiting: deque[Lines] = deque()
        self._over: set[int] = set()  # numbers of waiting lines that were written over

    def put(self, key: object, place: Place, text: str) -> None:
        """Have a notice printed as soon as its place is reached; it replaces one of that key."""
        self._notices[key] = (place, text)

    def mark_end(self, line: int) -> None:
        """Have it shown that the execution ended with this line, if more lines follow."""
        if not self._end_marked:
            self._end_marked = True
            place = Place(line + 1, after=False)
            self.put("end", place, standard_output().paint(AFTER_END, BOLD))

    def print(self, lines: Lines) -> None:
        """Print the next lines, and the notices up to the last of them."""
        if not self._reads_ahead:
            self._print(lines)
            return
        if self._frames is None:
            self._frames = Frames(at_start=lines.first == 1)
        self._over.update(_written_over(self._frames, lines))
        self._waiting.append(lines)
        while lines.last - self._waiting[0].last >= MAX_ROWS:
            self._print_waiting()

    def end(self) -> None:
        """Print the lines that wait."""
        while self._waiting:
            self._print_waiting()

    def _print_waiting(self) -> None:
        lines = self._waiting.popleft()
        self._print(lines)
        self._over = {number for number in self._over if number > lines.last_whole}

    def _print(self, lines: Lines) -> None:
        parts = []
        position = lines.first - 1
        if lines.continues:  # no notice may come between the parts of a line
            position = lines.first
            parts.append(self._text(lines.between(position, position)))
        if self._long is None:
            for place, text in self._take_due(Place(lines.last, not lines.open, _LAST_RANK)):
                parts.append(self._text(lines.between(position + 1, place.lines_before)))
                parts.append(f"{text}\n")
                position = max(position, place.lines_before)
            parts.append(self._text(lines.between(position + 1, lines.last)))
        self._position = max(self._position, lines.last_whole)
        if parts := [part for part in parts if part]:
            write("".join(parts))
        flush()

    def show_state(self, unfinished: Lines) -> None:
        """Show the line that has no end yet on the terminal, until more of it comes."""
        if self._long is not None or unfinished.continues or not unfinished.texts:
            return
        line = unfinished.texts[-1]
        if self._markers or not is_marker_line(line):
            draw_state(visible_line(line, self.style))

    def print_due(self) -> None:
        """Print the notices of lines that were printed already."""
        if self._long is None:
            for _, text in self._take_due(Place(self._position, after=True, rank=_LAST_RANK)):
                write(f"{text}\n")
            flush()

    def _take_due(self, until: Place) -> list[tuple[Place, str]]:
        due = {key: notice for key, notice in self._notices.items() if notice[0] <= until}
        for key in due:
            del self._notices[key]
        return sorted(due.values())

    def _text(self, lines: Lines) -> str:
        texts = lines.texts
        if not texts:
            return ""
        if self._over and not self._over.isdisjoint(range(lines.first, lines.last + 1)):
            return "".join(self._rows(lines))
        if self._timestamps or lines.continues or lines.open or max(map(len, texts)) > MAX_LINE:
            return "".join(self._rows(lines))
        if not self._markers and MARKER_HINT.search(b"\n".join(texts)):
            return "".join([f"{self._show(t)}\n" for t in texts if not self._passes_over(t)])
        return "".join([f"{shown}\n" for shown in map(self._show, texts)])

    def _passes_over(self, text: bytes, number: int = 0) -> bool:
        """Whether the line is not to be printed; its colours last nevertheless."""
        is_over = number in self._over
        if not is_over and (self._markers or not is_marker_line(text)):
            return False
        if self._colours and b"\x1b[" in text:
            self.style = style_after(text, self.style)
        return True

    def _show(self, text: bytes) -> str:
        if not self._colours:
            return plain(text)
        shown = with_reset(visible_line(text, self.style))
        self.style = style_after(text, self.style)
        return shown

    def _rows(self, lines: Lines) -> Iterator[str]:
        """The lines one by one."""
        starts = [line for line, _ in lines.arrivals]
        for number, text in enumerate(lines.texts, lines.first):
            is_open = lines.open and number == lines.last
            if self._long is None and self._passes_over(text, number):
                continue
            if self._long is None:
                _, arrived_at = lines.arrivals[max(0, bisect_right(starts, number) - 1)]
                stamp = f"{_local_time(arrived_at)} " if self._timestamps else ""
                if len(text) <= MAX_LINE:
                    yield f"{stamp}{self._show(text)}\n"
                    continue
                self._long = LongLine(stamp)
            yield self._long.text(text, final=not is_open)
            self._long = self._long if is_open else None


def _written_over(frames: Frames, lines: Lines) -> list[int]:
    """Which of the lines that were given by now these have written over."""
    start = int(lines.continues)
    if frames.is_at_rest and not lines.moves_up:
        start = max(start, len(lines.texts) - MAX_ROWS)
    texts = lines.texts[start:]
    return frames.feed(lines.first + start, b"\n".join(texts)) if texts else []


@lru_cache(maxsize=1024)
def _local_time(moment_ms: int) -> str:
    """UTC milliseconds as local time with its offset, in ISO 8601.

    Raises:
        UsageProblem: no such offset can be written.
    """
    try:
        moment = datetime.fromtimestamp(moment_ms / 1000).astimezone()
    except ValueError as error:
        zone = os.environ.get("TZ", "")
        raise UsageProblem(
            f"TZ is {zone}, which is a day or more from UTC; set it to a zone such as Europe/Berlin"
        ) from error
    return moment.isoformat(timespec="milliseconds")
