"""The last look at what goes to a terminal that shows nothing but ASCII."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from rich.cells import split_graphemes
from rich.segment import Segment
from textual.filter import LineFilter
from textual.scrollbar import ScrollBarRender

from stepflow_tui.core.glyphs import ascii_twin

if TYPE_CHECKING:
    from textual.color import Color


class AsciiOnly(LineFilter):
    """Puts in the place of every other character one of ASCII, in as many cells."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments, which keep their styles and widths."""
        return [
            segment
            if segment.text.isascii()
            else Segment(in_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=4096)
def in_ascii(text: str) -> str:
    """The text in ASCII, as wide as it was."""
    graphemes, _ = split_graphemes(text)
    return "".join(
        text[start:stop] if text[start:stop].isascii() else ascii_twin(text[start:stop], cells)
        for start, stop, cells in graphemes
    )


class WholeCells(ScrollBarRender):
    """A scroll bar without the eighths of a block at its ends."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8
