"""Where a view of wrapped lines stands: at a row of a line, so that it needs no total height.

Lines above and below may be of any number and unknown height; only those in view are measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.log.line_map import LineMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Viewport:
    """A window of `height` rows on the lines that a map shows.

    Attributes:
        lines: which are shown.
        height: rows that can be seen.
        top: the line at the top.
        skip: rows of it that are above the view.
    """

    def __init__(self, rows_of: Callable[[int], int], lines: LineMap | None = None) -> None:
        """Makes an empty view.

        Args:
            rows_of: how many rows a line takes, at least 1.
            lines: which are shown; without it all of `count`.
        """
        self._rows_of = rows_of
        self.lines = lines or LineMap()
        self.height = 0
        self.top = 0
        self.skip = 0

    @property
    def count(self) -> int:
        """Number of lines, those that are not shown included."""
        return self.lines.count

    @count.setter
    def count(self, count: int) -> None:
        self.lines.count = count

    def rows(self) -> Iterator[tuple[int, int]]:
        """The line and the row of that line for each row in view, from the top."""
        left, line = self.height, self.lines.after(self.top)
        row = self.skip if line == self.top else 0
        while left > 0 and line is not None:
            if row < self._rows_of(line):
                yield line, row
                left -= 1
                row += 1
            else:
                line, row = self.lines.after(line + 1), 0

    @property
    def bottom(self) -> int:
        """The line behind the last one in view."""
        last = self.top
        for line, _ in self.rows():
            last = line + 1
        return last

    @property
    def first(self) -> tuple[int, int]:
        """The `top` and `skip` of the very first row."""
        return self.lines.after(0) or 0, 0

    @property
    def end(self) -> tuple[int, int]:
        """The `top` and `skip` with which the last line ends at the bottom."""
        return self._with_bottom(self.count - 1)

    def _with_bottom(self, last: int) -> tuple[int, int]:
        """The `top` and `skip` with which this line ends at the bottom, or `first`."""
        left, line = self.height, self.lines.before(last)
        while line is not None:
            rows = self._rows_of(line)
            if rows >= left:
                return line, rows - left
            left -= rows
            line = self.lines.before(line - 1)
        return self.first

    def scroll(self, rows: int) -> None:
        """Move by this many rows, down if positive, within bounds."""
        self.skip += rows
        while self.skip < 0 and (above := self.lines.before(self.top - 1)) is not None:
            self.top = above
            self.skip += self._rows_of(above)
        while self.skip >= (here := self._rows_of(self.top)):
            below = self.lines.after(self.top + 1)
            if below is None:
                break
            self.skip -= here
            self.top = below
        self.clamp()

    def clamp(self) -> None:
        """Stay within the lines that there are and are shown."""
        top = self.lines.nearest(self.top)
        if top != self.top:
            self.top, self.skip = top, 0
        self.top, self.skip = max(self.first, min((self.top, self.skip), self.end))

    def to_end(self) -> None:
        """Show the last rows."""
        self.top, self.skip = self.end

    def put(self, line: int, *, above: int = 0) -> None:
        """Show this line with so many rows above it, or as near to that as there are rows."""
        self.top, self.skip = self.lines.nearest(line), 0
        self.scroll(-above)

    def reveal(self, line: int) -> None:
        """Scroll as little as needed to show this line, its beginning at any rate."""
        line = self.lines.nearest(line)
        if (line, 0) <= (self.top, self.skip):
            self.top, self.skip = line, 0
            return
        lowest = min(self._with_bottom(line), (line, 0))
        self.top, self.skip = max((self.top, self.skip), lowest)
