"""Drawing the lines of a log; what was drawn is kept as long as nothing about it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip

from stepflow_tui.tui.log_line import (
    Palette,
    Timestamps,
    cells,
    characters,
    cuts,
    line_strip,
    paint,
    timestamp,
)

if TYPE_CHECKING:
    import re

    from textual.selection import Selection

    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.chunks import LogLine

KEPT = 1000
_AFTER_END = "┆ "
_MORE = "→"


@dataclass(slots=True)
class Look:
    """How lines are drawn.

    Attributes:
        width: cells of a row.
        wrap: long lines go on in the next row; else they are cut at the right.
        shift: cells that are cut off at the left.
        timestamps: what stands before each line.
        pattern: what is highlighted.
    """

    width: int = 80
    wrap: bool = False
    shift: int = 0
    timestamps: Timestamps = Timestamps.OFF
    pattern: re.Pattern[str] | None = None


class LogPainter:
    """Makes rows of lines.

    Attributes:
        look: how; call `forget` after changing it.
        execution: whose log it is.
    """

    def __init__(self) -> None:
        self.look = Look()
        self.execution: Execution | None = None
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(KEPT)
        self._starts: LRUCache[tuple[int, int], list[int]] = LRUCache(KEPT)

    def forget(self) -> None:
        """Draw everything anew: the look, the log or the theme is another."""
        self._strips.clear()
        self._starts.clear()

    def _is_after_end(self, line: LogLine) -> bool:
        end = self.execution.end_line if self.execution else None
        return end is not None and line.number > end

    def _text_width(self, line: LogLine) -> int:
        prefix = self.look.timestamps.value + (len(_AFTER_END) if self._is_after_end(line) else 0)
        return max(1, self.look.width - prefix)

    def strip(self, line: LogLine, palette: Palette) -> Strip:
        """The whole line in one row, without what stands before it."""
        key = (line.number, line.size)
        strip = self._strips.get(key)
        if strip is None:
            after_end = self._is_after_end(line)
            strip = line_strip(line, palette, self.look.pattern, after_end=after_end)
            self._strips[key] = strip
        return strip

    def starts(self, line: LogLine, palette: Palette) -> list[int]:
        """The indexes of the characters that its rows begin with."""
        if not self.look.wrap:
            return [0]
        key = (line.number, line.size)
        starts = self._starts.get(key)
        if starts is None:
            starts = cuts(self.strip(line, palette).text, self._text_width(line))
            self._starts[key] = starts
        return starts

    def row(self, line: LogLine, row: int, palette: Palette, selection: Selection | None) -> Strip:
        """One row of a line, `look.width` cells wide, without a background.

        Args:
            line: what to draw.
            row: which of its rows.
            palette: styles of its parts.
            selection: characters that the mouse has marked.
        """
        strip, width = self.strip(line, palette), self._text_width(line)
        if self.look.wrap:
            starts = self.starts(line, palette)
            row = min(row, len(starts) - 1)  # a line that is redrawn may have become shorter
            start = starts[row]
            stop = starts[row + 1] if row + 1 < len(starts) else None
            part = characters(strip, start, stop)
        else:
            part, start = cells(strip, self.look.shift, width)
        if selection is not None:
            part = _with_selection(part, start, selection.get_span(line.number - 1), palette)
        if not self.look.wrap and strip.cell_length > self.look.shift + width:
            more = Strip([Segment(_MORE, palette.prefix)])
            part = Strip.join([part.crop(0, width - 1).adjust_cell_length(width - 1), more])
        part = part.adjust_cell_length(width).apply_offsets(start, line.number - 1)
        return Strip.join([self._prefix(line, row, palette), part])

    def _prefix(self, line: LogLine, row: int, palette: Palette) -> Strip:
        mode = self.look.timestamps
        started_at = self.execution.started_at if self.execution else None
        text = timestamp(line, mode, started_at) if row == 0 else " " * mode.value
        segments = [Segment(text, palette.prefix)] if text else []
        if self._is_after_end(line):
            segments.append(Segment(_AFTER_END, palette.after_end))
        return Strip(segments)


def _with_selection(
    part: Strip, start: int, span: tuple[int, int] | None, palette: Palette
) -> Strip:
    if span is None:
        return part
    length = len(part.text)
    low = max(0, span[0] - start)
    high = length if span[1] == -1 else min(length, span[1] - start)
    return paint(part, [(low, high)], palette.selection) if low < high else part
