"""Where a view of wrapped lines stands: at a row of a line, so that it needs no total height.

Lines above and below may be of any number and unknown height; only those in view are measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Viewport:
    """A window of `height` rows on `count` lines.

    Attributes:
        count: number of lines.
        height: rows that can be seen.
        top: the line at the top.
        skip: rows of it that are above the view.
    """

    def __init__(self, rows_of: Callable[[int], int]) -> None:
        """Makes an empty view.

        Args:
            rows_of: how many rows a line takes, at least 1.
        """
        self._rows_of = rows_of
        self.count = 0
        self.height = 0
        self.top = 0
        self.skip = 0

    def rows(self) -> Iterator[tuple[int, int]]:
        """The line and the row of that line for each row in view, from the top."""
        left, line, row = self.height, self.top, self.skip
        while left > 0 and line < self.count:
            if row < self._rows_of(line):
                yield line, row
                left -= 1
                row += 1
            else:
                line, row = line + 1, 0

    @property
    def bottom(self) -> int:
        """The line behind the last one in view."""
        last = self.top
        for line, _ in self.rows():
            last = line + 1
        return last

    @property
    def end(self) -> tuple[int, int]:
        """The `top` and `skip` with which the last line ends at the bottom."""
        return self._with_bottom(self.count - 1)

    def _with_bottom(self, line: int) -> tuple[int, int]:
        """The `top` and `skip` with which this line ends at the bottom, or (0, 0)."""
        left = self.height
        while line >= 0:
            rows = self._rows_of(line)
            if rows >= left:
                return line, rows - left
            left -= rows
            line -= 1
        return 0, 0

    def scroll(self, rows: int) -> None:
        """Move by this many rows, down if positive, within bounds."""
        self.skip += rows
        while self.skip < 0 and self.top > 0:
            self.top -= 1
            self.skip += self._rows_of(self.top)
        while self.top < self.count - 1 and self.skip >= (here := self._rows_of(self.top)):
            self.skip -= here
            self.top += 1
        self.clamp()

    def clamp(self) -> None:
        """Stay within the lines that there are."""
        self.top, self.skip = max((0, 0), min((self.top, self.skip), self.end))

    def to_end(self) -> None:
        """Show the last rows."""
        self.top, self.skip = self.end

    def put(self, line: int) -> None:
        """Show this line at the top, or as near to it as there are lines below."""
        self.top, self.skip = line, 0
        self.clamp()

    def reveal(self, line: int) -> None:
        """Scroll as little as needed to show this line, its beginning at any rate."""
        if (line, 0) <= (self.top, self.skip):
            self.top, self.skip = line, 0
            return
        lowest = min(self._with_bottom(line), (line, 0))
        self.top, self.skip = max((self.top, self.skip), lowest)
