"""Drawing the lines of a log; what was drawn is kept as long as nothing about it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from rich.segment import Segment
from textual.cache import LRUCache
from textual.strip import Strip

from stepflow_tui.core.glyphs import AFTER_END, MORE
from stepflow_tui.tui.log.heading import Heading, Markers, heading_strip
from stepflow_tui.tui.log.line import (
    Highlight,
    Palette,
    Timestamps,
    cells,
    characters,
    cuts,
    highlighted,
    line_strip,
    paint,
    timestamp,
)
from stepflow_tui.tui.log.marks import Severity, severity

if TYPE_CHECKING:
    from rich.style import Style
    from textual.selection import Selection

    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.chunks import LogLine

KEPT = 1000
GUTTER = 2
"""Cells before each line: a sign and a blank."""


class Look(Struct):
    """How lines are drawn.

    Attributes:
        width: cells of a row.
        wrap: long lines go on in the next row; else they are cut at the right.
        shift: cells that are cut off at the left.
        timestamps: what stands before each line.
        highlight: what stands out.
        markers: how marker lines are shown.
    """

    width: int = 80
    wrap: bool = False
    shift: int = 0
    timestamps: Timestamps = Timestamps.OFF
    highlight: Highlight | None = None
    markers: Markers = Markers.HEADINGS


class Row(NamedTuple):
    """What stands in a row of the view; equal ones look the same.

    Attributes:
        line: index of the line.
        row: which of its rows.
        text: the line itself; None if it was not read.
        heading: what is shown in its place.
        cursor: it is the current line, and drawn as such.
        selected: it belongs to the selected lines.
    """

    line: int
    row: int
    text: LogLine | None
    heading: Heading | None = None
    cursor: bool = False
    selected: bool = False


class LogPainter:
    """Makes rows of lines.

    Attributes:
        look: how; call `forget` after changing it.
        execution: whose log it is.
    """

    def __init__(self) -> None:
        self.look = Look()
        self.execution: Execution | None = None
        self._strips: LRUCache[tuple[int, int, Heading | None], Strip] = LRUCache(KEPT)
        self._starts: LRUCache[tuple[int, int, Heading | None], list[int]] = LRUCache(KEPT)
        self._rows: LRUCache[tuple[object, ...], Strip] = LRUCache(KEPT)

    def forget(self) -> None:
        """Draw everything anew: the look, the log or the theme is another."""
        self._strips.clear()
        self._starts.clear()
        self._rows.clear()

    def forget_rows(self) -> None:
        """Draw the rows anew, of the same lines."""
        self._rows.clear()

    @property
    def room(self) -> int:
        """Cells of a row for the text of a line."""
        return max(1, self.look.width - GUTTER - self.look.timestamps.value)

    def _is_after_end(self, line: LogLine) -> bool:
        end = self.execution.end_line if self.execution else None
        return end is not None and line.number > end

    def _text_width(self, line: LogLine) -> int:
        mark = len(AFTER_END) + 1 if self._is_after_end(line) else 0
        return max(1, self.room - mark)

    def strip(self, line: LogLine, palette: Palette, heading: Heading | None = None) -> Strip:
        """The whole line in one row, without what stands before it."""
        key = (line.number, line.size, heading)
        strip = self._strips.get(key)
        if strip is None:
            if heading is None:
                strip = line_strip(
                    line, palette, self.look.highlight, after_end=self._is_after_end(line)
                )
            else:
                strip = highlighted(heading_strip(heading, palette), self.look.highlight, palette)
            self._strips[key] = strip
        return strip

    def starts(self, line: LogLine, palette: Palette, heading: Heading | None = None) -> list[int]:
        """The indexes of the characters that its rows begin with."""
        if not self.look.wrap:
            return [0]
        key = (line.number, line.size, heading)
        starts = self._starts.get(key)
        if starts is None:
            text = self.strip(line, palette, heading).text
            starts = self._starts[key] = cuts(text, self._text_width(line))
        return starts

    def row(
        self,
        row: Row,
        palette: Palette,
        cursor: Style | None,
        selection: Selection | None,
        *,
        places: bool = False,
    ) -> Strip:
        """One row, `look.width` cells wide.

        Args:
            row: what to draw; its line was read.
            palette: styles of its parts.
            cursor: added to the row if it is the current line's.
            selection: characters that the mouse has marked.
            places: say of each piece of the text where it stands in it, as Textual has it, for the
                mouse to know; as dear as all the rest.
        """
        line = row.text
        assert line is not None  # noqa: S101 - as the caller promises
        span = None if selection is None else selection.get_span(row.line)
        key = (line.number, line.size, row.row, row.heading, row.selected, cursor)
        is_usual = span is None and not places
        strip = self._rows.get(key) if is_usual else None
        if strip is None:
            style = palette.base
            if cursor is not None:
                style += cursor
            if row.selected:
                style += palette.selection
            text, start = self._text(row, line, palette, span)
            if places:
                text = text.apply_offsets(start, row.line)
            parts = [*self._prefix(line, row, palette), *text]
            drawn = [Segment(text, style + own if own else style) for text, own, _ in parts]
            strip = Strip(drawn).adjust_cell_length(self.look.width)
            if is_usual:
                self._rows[key] = strip
        return strip

    def _text(
        self, row: Row, line: LogLine, palette: Palette, span: tuple[int, int] | None
    ) -> tuple[Strip, int]:
        """What is to be seen of the line in this row, and the first character of it."""
        strip = self.strip(line, palette, row.heading)
        width, look = self._text_width(line), self.look
        if look.wrap:
            part, start = self._wrapped(strip, self.starts(line, palette, row.heading), row.row)
            is_cut = False
        else:
            is_cut = strip.cell_length > look.shift + width
            part, start = cells(strip, look.shift, width - is_cut)
        if span is not None:
            part = _with_selection(part, start, span, palette)
        if is_cut:
            more = Strip([Segment(MORE, palette.prefix)])
            part = Strip.join([part.adjust_cell_length(width - 1), more])
        return part.adjust_cell_length(width), start

    def _wrapped(self, strip: Strip, starts: list[int], row: int) -> tuple[Strip, int]:
        row = min(row, len(starts) - 1)  # a line that is redrawn may have become shorter
        stop = starts[row + 1] if row + 1 < len(starts) else None
        return characters(strip, starts[row], stop), starts[row]

    def _prefix(self, line: LogLine, row: Row, palette: Palette) -> list[Segment]:
        mode = self.look.timestamps
        started_at = self.execution.started_at if self.execution else None
        text = timestamp(line, mode, started_at) if row.row == 0 else " " * mode.value
        is_plain = row.row == 0 and row.heading is None
        segments = [self._gutter(line, palette) if is_plain else Segment(" " * GUTTER)]
        if text:
            segments.append(Segment(text, palette.prefix))
        if self._is_after_end(line):
            segments.append(Segment(AFTER_END + " ", palette.after_end))
        return segments

    def _gutter(self, line: LogLine, palette: Palette) -> Segment:
        kind = severity(self.strip(line, palette).text)
        if kind is None:
            return Segment(" " * GUTTER)
        style = palette.error if kind is Severity.ERROR else palette.warning
        return Segment(kind.value.ljust(GUTTER), style)


def _with_selection(part: Strip, start: int, span: tuple[int, int], palette: Palette) -> Strip:
    length = len(part.text)
    low = max(0, span[0] - start)
    high = length if span[1] == -1 else min(length, span[1] - start)
    return paint(part, [(low, high)], palette.selection) if low < high else part
