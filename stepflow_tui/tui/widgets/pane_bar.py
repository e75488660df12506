"""The scroll bar of a pane: drawn cell by cell, of which most are what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.scrollbar import ScrollBar
from textual.strip import Strip

from stepflow_tui.tui.widgets.framed_rows import framed_rows

if TYPE_CHECKING:
    from rich.segment import Segment
    from textual.geometry import Region

_KEPT = 200


class PaneBar(ScrollBar):
    """A scroll bar that hands out the same strip for the same cell.

    While a log is followed its bar changes with nearly each line.
    """

    def __init__(self, *, thickness: int) -> None:
        super().__init__(vertical=True, name="vertical", thickness=thickness)
        self._styles_cache = framed_rows()
        self._strips: dict[Segment, Strip] = {}
        self._drawn: list[Segment] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what has changed of the bar."""
        self._drawn = None
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One cell of the bar, or more if it is thicker."""
        if self._drawn is None:
            self._drawn = self._draw()
        return self._strip(self._drawn[y]) if y < len(self._drawn) else Strip.blank(self.thickness)

    def _draw(self) -> list[Segment]:
        width, height = self.size
        options = self.app.console_options.update(width=width, height=height)
        lines = self.app.console.render(self.render(), options)
        return [segment for segment in lines if segment.text != "\n"]

    def _strip(self, segment: Segment) -> Strip:
        strip = self._strips.get(segment)
        if strip is None:
            if len(self._strips) >= _KEPT:
                self._strips.clear()
            strip = self._strips[segment] = Strip([segment], segment.cell_length)
        return strip
