"""The lines that match, each alone or with the lines around it; read only where it is in view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from stepflow_tui.core.glyphs import ELLIPSIS
from stepflow_tui.tui.log.line import Palette, cells, line_strip
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

    from stepflow_tui.store.chunks import LogLine
    from stepflow_tui.tui.log.interleaved import Interleaved
    from stepflow_tui.tui.log.search import LogSearch
    from stepflow_tui.tui.log.source import LogPages
    from stepflow_tui.tui.widgets.rows import Cell

_ROWS_WITH_CONTEXT = 4  # the line before, the match, the line behind, an empty one
_CONTEXT_ROWS = 3


class MatchList(Rows):
    """One row for each match, or with context four.

    Attributes:
        has_context: the lines before and behind each match are shown.
    """

    def __init__(self, log: LogPages | Interleaved, search: LogSearch, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._log = log
        self._search = search
        self._palette: Palette | None = None
        self.has_context = False

    @property
    def _rows(self) -> int:
        return _ROWS_WITH_CONTEXT if self.has_context else 1

    @property
    def index(self) -> int | None:
        """Which of the matches the cursor is on."""
        return None if self.cursor is None else self.cursor // self._rows

    @property
    def line(self) -> int | None:
        """The index of the line that the cursor is on."""
        return None if self.index is None else self._search.matches[self.index]

    @property
    def wanted_lines(self) -> list[int]:
        """The lines in view."""
        found = {self._line_of(row) for row in self.visible_rows}
        return sorted(line for line in found if line is not None)

    def show(self) -> None:
        """Show what was found by now."""
        if self.cursor is None and self._search.matches:
            self.cursor = self._row_of(0)
        self.set_count(len(self._search.matches) * self._rows)
        self.repaint()

    def go_to(self, place: int) -> None:
        """Put the cursor on a match."""
        self.move_cursor(self._row_of(place))

    def toggle_context(self) -> None:
        """Show or hide the lines around each match; the cursor stays on its one."""
        place = self.index or 0
        self.has_context = not self.has_context
        self.cursor = self._row_of(place) if self.count else None
        self.count = 0
        self.show()
        self.show_cursor()

    def _row_of(self, place: int) -> int:
        return place * self._rows + self.has_context

    def _line_of(self, row: int) -> int | None:
        """The line in a row; None if there is none, as before the first one."""
        place, part = divmod(row, self._rows)
        if part == _CONTEXT_ROWS or place >= len(self._search.matches):
            return None
        line = self._search.matches[place] + part - self.has_context
        return line if 0 <= line < self._log.line_count else None

    def _is_match(self, row: int) -> bool:
        return row % self._rows == self.has_context

    def move_cursor(self, index: int) -> None:
        """Put the cursor on the match in or around this row."""
        index = max(0, min(index, self.count - 1))
        super().move_cursor(self._row_of(index // self._rows))

    def show_cursor(self) -> None:
        """Scroll as little as needed to have the match in view, with what stands around it."""
        if self.cursor is None or self.height == 0:
            return
        top, around = round(self.scroll_y), int(self.has_context)
        low, high = self.cursor + around - self.height + 1, self.cursor - around
        if not low <= top <= high:
            self.scroll_row(low if top < low else high)

    def action_cursor_down(self) -> None:
        """To the next match."""
        self.move_cursor((self.cursor or 0) + self._rows)

    def action_cursor_up(self) -> None:
        """To the match before."""
        self.move_cursor((self.cursor or 0) - self._rows)

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        super().notify_style_update()
        self._palette = None

    @property
    def palette(self) -> Palette:
        """The styles of a log line's parts."""
        if self._palette is None:
            self._palette = Palette(
                marker=self.look("log--marker"),
                step=self.look("log--step"),
                match=self.look("log--match"),
                after_end=self.look("log--after-end"),
                prefix=self.look("log--prefix"),
                selection=self.look("log--match"),
            )
        return self._palette

    def row_key(self, index: int) -> tuple[object, object]:
        """What it depends on how a row looks."""
        line = self._line_of(index)
        shown = None if line is None else self._log.line(line)
        return (line, shown, index == self.cursor), None

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """The number of a line, and of its text the part with the match."""
        number = self._line_of(index)
        if number is None:
            return ()
        digits = len(f"{self._log.line_count:,}")
        is_match = self._is_match(index)
        style = self.look("rows--strong" if is_match else "rows--faint")
        row: list[tuple[str, Style]] = [
            (f"{number + 1:>{digits},}", style),
            (": " if is_match else "  ", self.look("rows--faint")),
        ]
        line = self._log.line(number)
        if line is not None:
            strip = self._strip_of(line, width - digits - 2, is_match=is_match)
            row += [(text, style) for text, style, _ in strip if style is not None]
        return row

    def _strip_of(self, line: LogLine, width: int, *, is_match: bool) -> Strip:
        pattern = self._search.needle if is_match else None
        strip = line_strip(line, self.palette, pattern, after_end=False)
        start = self._shift(strip.text, width) if is_match else 0
        if not start:
            return cells(strip, 0, width)[0]
        part, _ = cells(strip, start, width - len(ELLIPSIS))
        return Strip.join([Strip([Segment(ELLIPSIS, self.look("rows--faint"))]), part])

    def _shift(self, text: str, width: int) -> int:
        """How much of a line is cut off at its left, for the match to be in view."""
        match = next(iter(self._search.needle.finditer(text)), None)
        if match is None or match.end() <= width:
            return 0
        return max(0, match.start() - width // 3)
