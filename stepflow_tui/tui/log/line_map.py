"""Which lines of a log are shown: all, those that a filter leaves, and not what is folded away.

Lines go by their index in the whole log, from 0; the place of a shown line is the number of shown
lines before it. Each layer answers with a few bisections, however long the log is.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence

END = sys.maxsize
"""Behind every line; where the lines of an open step end."""


class Lines(Protocol):
    """Some lines of a log, in order."""

    def below(self, line: int) -> int:
        """How many of them come before this line, which need not be one of them."""

    def at(self, place: int) -> int:
        """The one with so many before it, which there must be."""


class Scanned(Protocol):
    """What a scan has found by now; it may go on while it is looked at.

    Attributes:
        low, high: the lines `low:high` were looked through.
        lines: what was found among them, in order.
    """

    low: int
    high: int

    @property
    def lines(self) -> array[int]:
        """What was found."""


_NOTHING: array[int] = array("Q")
_FEW = 8


class Whole(Struct):
    """A log as if it was scanned as a whole; `lines` are those that are hidden."""

    low: int = 0
    high: int = 0
    lines: array[int] = field(default_factory=lambda: _NOTHING)


class Only:
    """The lines that a scan has found."""

    def __init__(self, scanned: Scanned) -> None:
        self._scanned = scanned

    def below(self, line: int) -> int:
        """How many of them come before this line."""
        return bisect_left(self._scanned.lines, line)

    def at(self, place: int) -> int:
        """The one with so many before it."""
        return self._scanned.lines[place]


class Except:
    """The lines that a scan has looked through and left."""

    def __init__(self, scanned: Scanned) -> None:
        self._scanned = scanned

    def below(self, line: int) -> int:
        """How many of them come before this line."""
        scanned = self._scanned
        line = max(scanned.low, min(line, scanned.high))
        return line - scanned.low - bisect_left(scanned.lines, line)

    def at(self, place: int) -> int:
        """The one with so many before it."""
        low, lines = self._scanned.low, self._scanned.lines
        if not lines:
            return low + place
        skipped = bisect_right(
            range(len(lines)), place, key=lambda index: lines[index] - low - index
        )
        return low + place + skipped


class With:
    """Some lines, and a few more that are shown in any case."""

    def __init__(self, lines: Lines, extra: Sequence[int]) -> None:
        self._lines = lines
        self._extra = [line for line in extra if lines.below(line) == lines.below(line + 1)]
        self._places = [lines.below(line) + index for index, line in enumerate(self._extra)]

    def below(self, line: int) -> int:
        """How many of them come before this line."""
        return self._lines.below(line) + bisect_left(self._extra, line)

    def at(self, place: int) -> int:
        """The one with so many before it."""
        index = bisect_left(self._places, place)
        if index < len(self._places) and self._places[index] == place:
            return self._extra[index]
        return self._lines.at(place - index)


class Folded:
    """Some lines, without those in ranges that are apart and in order."""

    def __init__(self, lines: Lines, ranges: Sequence[range]) -> None:
        self._lines = lines
        self._ranges = ranges
        self._starts = [hidden.start for hidden in ranges]
        self._hidden: list[int] = []
        """Lines that are hidden before each range."""
        self._shown: list[int] = []
        """Lines that are shown before each range."""
        total = 0
        for hidden in ranges:
            self._hidden.append(total)
            self._shown.append(lines.below(hidden.start) - total)
            total += self._size(hidden)

    def _size(self, hidden: range) -> int:
        return self._lines.below(hidden.stop) - self._lines.below(hidden.start)

    def below(self, line: int) -> int:
        """How many of them come before this line."""
        index = bisect_left(self._starts, line) - 1
        if index < 0:
            return self._lines.below(line)
        last = self._ranges[index]
        if line <= last.stop:
            return self._shown[index]
        return self._lines.below(line) - self._hidden[index] - self._size(last)

    def at(self, place: int) -> int:
        """The one with so many before it."""
        index = bisect_right(self._shown, place) - 1
        if index < 0:
            return self._lines.at(place)
        return self._lines.at(place + self._hidden[index] + self._size(self._ranges[index]))


class LineMap:
    """The lines that are shown, in layers: a filter, headings that stay, and what is folded."""

    def __init__(self) -> None:
        self._whole = Whole()
        self._all = Except(self._whole)
        self._sifted: Lines = self._all
        self._headings: Sequence[int] = ()
        self._revealed: int | None = None
        self._hidden: Sequence[range] = ()
        self._lines: Lines = self._all

    @property
    def is_whole(self) -> bool:
        """Whether every line is shown."""
        return self._lines is self._all and not self._whole.lines

    @property
    def count(self) -> int:
        """Lines of the whole log."""
        return self._whole.high

    @count.setter
    def count(self, count: int) -> None:
        self._whole.high = count

    @property
    def size(self) -> int:
        """Lines that are shown."""
        return self._lines.below(END)

    def sift(self, lines: Lines | None) -> None:
        """Show only these; None for all."""
        self._sifted = lines or self._all
        self.refresh()

    def hide(self, lines: array[int] = _NOTHING) -> None:
        """Leave out these, which are in order, where no other lines are chosen by `sift`."""
        self._whole.lines = lines
        self.refresh()

    def reveal(self, line: int | None) -> None:
        """Show this one whether or not it is hidden or sifted out, and no other one such."""
        if line != self._revealed:
            self._revealed = line
            self.refresh()

    def fold(self, headings: Sequence[int], hidden: Sequence[range]) -> None:
        """Hide these ranges, which are apart and in order, and show the headings at any rate."""
        self._headings, self._hidden = headings, hidden
        self.refresh()

    def refresh(self) -> None:
        """Take note that a scan has gone on."""
        self._lines = self._sifted
        extra = self._headings
        if self._revealed is not None and not _has(self._sifted, self._revealed):
            extra = sorted({*extra, self._revealed})
        if extra:
            self._lines = With(self._lines, extra)
        if self._hidden:
            self._lines = Folded(self._lines, self._hidden)

    def below(self, line: int) -> int:
        """How many shown lines come before this line."""
        return self._lines.below(line)

    def at(self, place: int) -> int:
        """The shown line with so many before it, or the nearest there is; 0 if there is none."""
        size = self.size
        return self._lines.at(max(0, min(place, size - 1))) if size else 0

    def passing(self, lines: range) -> int:
        """How many of these lines the filter leaves, folded or not."""
        return self._sifted.below(lines.stop) - self._sifted.below(lines.start)

    def next_passing(self, line: int) -> int | None:
        """The first line from this one on that the filter leaves."""
        place = self._sifted.below(line)
        return self._sifted.at(place) if place < self._sifted.below(END) else None

    def last_passing(self, line: int) -> int | None:
        """The last line up to this one that the filter leaves."""
        place = self._sifted.below(line + 1)
        return self._sifted.at(place - 1) if place else None

    def has(self, line: int) -> bool:
        """Whether it is shown."""
        return _has(self._lines, line)

    def after(self, line: int) -> int | None:
        """The first line shown from this one on."""
        if self._lines is self._all:  # by far the most frequent case
            near = _nearest(self._whole.lines, max(0, line), 1)
            if near is not None:
                return near if near < self._whole.high else None
        place = self._lines.below(line)
        return self._lines.at(place) if place < self._lines.below(END) else None

    def before(self, line: int) -> int | None:
        """The last line shown up to this one."""
        if self._lines is self._all:
            near = _nearest(self._whole.lines, min(line, self._whole.high - 1), -1)
            if near is not None:
                return near if near >= 0 else None
        place = self._lines.below(line + 1)
        return self._lines.at(place - 1) if place else None

    def nearest(self, line: int) -> int:
        """This line if it is shown, else the next, else the one before; 0 if there is none."""
        after = self.after(line)
        if after is not None:
            return after
        return self.before(line) or 0


def _has(lines: Lines, line: int) -> bool:
    return lines.below(line) < lines.below(line + 1)


def _nearest(hidden: array[int], line: int, step: int) -> int | None:
    """The next line, up or down, that is not hidden; None if that is too far to go by steps."""
    place = bisect_left(hidden, line)
    for _ in range(_FEW):
        if not 0 <= place < len(hidden) or hidden[place] != line:
            return line
        line += step
        place += step
    return None
