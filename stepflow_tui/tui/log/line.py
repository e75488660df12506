"""Turning a log line into what stands on the screen: colours, tabs, matches, wrapped rows."""

from __future__ import annotations

import time
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field
from rich.cells import cell_len, split_graphemes
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.markers import MARKER_HINT, StepError, StepStart, parse_line
from stepflow_tui.core.text import Style as TextStyle
from stepflow_tui.core.text import spans
from stepflow_tui.core.visible import visible_line
from stepflow_tui.tui.log.contrast import colour_of, legible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stepflow_tui.core.models import Status
    from stepflow_tui.store.chunks import LogLine
    from stepflow_tui.tui.log.contrast import Ground

TAB = 8
_BLACK, _BRIGHT_BLACK = 0, 8
_HINT_BYTES = 256
_PLAIN = Style.null()
_JOINS = lazy_pattern(
    "[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]"
)
"""Characters that make one with their neighbours: marks, joiners, variants, flags, skins."""


class Place(Protocol):
    """Where something stands in a text; a match of a pattern is one."""

    def span(self) -> tuple[int, int]:
        """From which character to which."""


class Highlight(Protocol):
    """What is to stand out in a line."""

    def finditer(self, text: str, /) -> Iterable[Place]:
        """Where it stands in this text."""


class Timestamps(Enum):
    """What stands before each line; the value is its width in cells."""

    OFF = 0
    ELAPSED = 11
    CLOCK = 14

    @property
    def next(self) -> Timestamps:
        """The one that the key for timestamps turns to."""
        modes = list(Timestamps)
        return modes[(modes.index(self) + 1) % len(modes)]


class Palette(Struct, frozen=True):
    """Styles of a line's parts that do not come from the script.

    Attributes:
        base: of all that has no other.
        cursor: of the current line.
        ground: what the script's colours must be legible on; None if nobody knows, because the
            terminal's own colours are taken.
    """

    marker: Style
    step: Style
    match: Style
    after_end: Style
    prefix: Style
    selection: Style
    error: Style = _PLAIN
    warning: Style = _PLAIN
    base: Style = _PLAIN
    cursor: Style = _PLAIN
    statuses: Mapping[Status, Style] = field(default_factory=dict)
    ground: Ground | None = None


def line_strip(
    line: LogLine, palette: Palette, highlight: Highlight | None, *, after_end: bool
) -> Strip:
    """The whole line as one row, as long as it may be.

    Args:
        line: what the script wrote.
        palette: styles to use.
        highlight: what is to stand out.
        after_end: it came after the end of its execution.
    """
    base = palette.after_end if after_end else _marker_style(line, palette)
    strip = Strip(_segments(visible_line(line.text, line.style), base, palette.ground))
    if line.truncated:
        more = f" … {format_size(line.size - len(line.text))} more"
        strip = Strip.join([strip, Strip([Segment(more, palette.after_end)])])
    return highlighted(strip, highlight, palette)


def highlighted(strip: Strip, highlight: Highlight | None, palette: Palette) -> Strip:
    """The strip, with what is to stand out in it."""
    if highlight is None:
        return strip
    matches = [match.span() for match in highlight.finditer(strip.text)]
    return paint(strip, matches, palette.match)


def paint(strip: Strip, ranges: Sequence[tuple[int, int]], style: Style) -> Strip:
    """The strip with these ranges of its characters, apart and in order, in another style."""
    text, column, position = strip.text, 0, 0
    edges = []
    for edge in (*(edge for part in ranges for edge in part), len(text)):
        column += cell_len(text[position:edge])
        position = edge
        edges.append(column)
    parts = strip.divide(edges) if ranges else [strip]
    return Strip.join(
        Strip([Segment(text, (old or _PLAIN) + style) for text, old, _ in part]) if i % 2 else part
        for i, part in enumerate(parts)
    )


def cuts(text: str, width: int) -> list[int]:
    """Where rows of at most `width` cells begin, as indexes of characters; the first is 0."""
    if text.isascii():
        return list(range(0, max(1, len(text)), width))
    starts, used = [0], 0
    graphemes, _ = split_graphemes(text)  # as `cell_len` measures them: 👨‍👩‍👧 is one of two cells
    for start, _, cells in graphemes:
        if used + cells > width and used:
            starts.append(start)
            used = 0
        used += cells
    return starts


def characters(strip: Strip, start: int, stop: int | None) -> Strip:
    """The strip's characters `start:stop`; costs no more than these, however long the line is."""
    segments, position = [], 0
    for segment in strip:
        low, high = max(start - position, 0), len(segment.text)
        if stop is not None:
            high = min(high, stop - position)
        if low < high:
            segments.append(Segment(segment.text[low:high], segment.style))
        position += len(segment.text)
    return Strip(segments)


def cells(strip: Strip, start: int, width: int) -> tuple[Strip, int]:
    """The part of the strip in `width` cells from `start` on, and the index of its first character.

    Of what is wider than a cell and lies over an edge a blank is left at the left, which counts as
    the character that it stands for, and at the right a blank or nothing.
    """
    if strip.text.isascii():
        is_whole = start == 0 and len(strip.text) <= width
        return strip if is_whole else characters(strip, start, start + width), start
    # No need to measure the whole of a long line, but characters that join others take no cell.
    count, length = 2 * (start + width) + TAB, len(strip.text)
    head = characters(strip, 0, count)
    while head.cell_length < start + width and count < length:
        count *= 2
        head = characters(strip, 0, count)
    if _JOINS.search(head.text):
        return _clusters(head, start, start + width)
    before = head.crop(0, start).text
    is_cut = not head.text.startswith(before)  # it ends with a blank for half of a character
    return head.crop(start, start + width), len(before) - is_cut


def _clusters(strip: Strip, start: int, stop: int) -> tuple[Strip, int]:
    """The clusters of characters that lie in the cells `start:stop`; none of them is cut."""
    column, first, last, blanks = 0, None, 0, 0
    for low, high, size in split_graphemes(strip.text)[0]:
        if column + size > stop:
            break
        if column >= start:
            if first is None:
                first, blanks = low, column - start
            last = high
        column += size
    if first is None:
        return Strip([]), len(strip.text)
    part = characters(strip, first, last)
    if not blanks:
        return part, first
    return Strip.join([Strip([Segment(" " * blanks)]), part]), first - blanks


def timestamp(line: LogLine, mode: Timestamps, started_at: int | None) -> str:
    """When the line arrived: since the start, or by the clock of this place."""
    if mode is Timestamps.OFF:
        return ""
    if mode is Timestamps.CLOCK:
        seconds, millis = divmod(line.arrived_at, 1000)
        text = time.strftime("%H:%M:%S", time.localtime(seconds)) + f".{millis:03}"
    else:
        elapsed = max(0, line.arrived_at - (started_at or line.arrived_at))
        minutes, millis = divmod(elapsed, 60_000)
        text = f"{minutes // 60}:{minutes % 60:02}:{millis // 1000:02}.{millis % 1000 // 100}"
    return text.rjust(mode.value - 2) + "  "


def _marker_style(line: LogLine, palette: Palette) -> Style:
    is_redrawn = b"\r" in line.text or b"\x1b" in line.text
    end = len(line.text) if is_redrawn else _HINT_BYTES
    if MARKER_HINT.search(line.text, 0, end) is None:
        return _PLAIN
    marker = parse_line(line.text)
    if marker is None:
        return _PLAIN
    if isinstance(marker, StepError):
        return palette.error
    return palette.step if isinstance(marker, StepStart) else palette.marker


def _segments(text: str, base: Style, ground: Ground | None) -> Iterable[Segment]:
    column = 0
    for run, style in spans(text):
        shown, column = _expanded(run, column)
        yield Segment(shown, base + rich_style(style, ground))


def _expanded(text: str, column: int) -> tuple[str, int]:
    """The text without tabs, and the column behind it."""
    first, *rest = text.split("\t")
    parts = [first]
    column += cell_len(first)
    for part in rest:
        blanks = TAB - column % TAB
        parts.append(" " * blanks + part)
        column += blanks + cell_len(part)
    return "".join(parts), column


@lru_cache(maxsize=1024)
def rich_style(style: TextStyle, ground: Ground | None = None) -> Style:
    """A style of the script's own, kept from hiding its text.

    Args:
        style: what the script asked for.
        ground: what it is to be legible on, if that is known.
    """
    foreground, background = _known_colours(style) if ground is None else _colours(style)
    if ground is not None and (foreground or background):
        foreground, background = _legible(foreground, background, ground, style.reverse)
    return Style(
        color=foreground,
        bgcolor=background,
        bold=style.bold or None,
        dim=style.dim or None,
        italic=style.italic or None,
        underline=style.underline or None,
        reverse=style.reverse or None,
        strike=style.strike or None,
    )


def _colours(style: TextStyle) -> tuple[Color | None, Color | None]:
    return colour_of(style.foreground), colour_of(style.background)


def _known_colours(style: TextStyle) -> tuple[Color | None, Color | None]:
    """The colours, without what hides the text in any terminal."""
    foreground, background = style.foreground, style.background
    if background is None and foreground == _BLACK:
        foreground = _BRIGHT_BLACK
    if foreground is not None and foreground == background:
        foreground = background = None
    return colour_of(foreground), colour_of(background)


def _legible(
    foreground: Color | None, background: Color | None, ground: Ground, reverse: bool
) -> tuple[Color | None, Color | None]:
    """The colours with contrast; reversed ones were swapped for it, and are swapped back."""
    if not reverse:
        return legible(foreground, background, ground)
    below = foreground or Color.from_triplet(ground.foreground)
    above = background or Color.from_triplet(ground.background)
    repaired = legible(above, below, ground)
    return (foreground, background) if repaired == (above, below) else repaired[::-1]
