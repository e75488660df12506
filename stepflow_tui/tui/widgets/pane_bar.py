"""The scroll bar of a pane: drawn cell by cell, of which most are what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.scrollbar import ScrollBar
from textual.strip import Strip

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
        self._strips: dict[Segment, Strip] = {}

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        self._strips.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the bar; it has no frame, so it needs nothing of what draws one."""
        start, stop = crop.column_span
        cells = self._draw()[crop.y : crop.bottom]
        return [self._strip(cell).crop(start, stop) for cell in cells]

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
            strip = Strip([segment], segment.cell_length)
            for one in self.get_line_filters():
                strip = strip.apply_filter(one, self.background_colors[1])
            self._strips[segment] = strip
        return strip
