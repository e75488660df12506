"""A scroll bar that is also a map: where in the log matches, errors, warnings and steps are."""

from __future__ import annotations

from bisect import bisect_left
from math import ceil
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

from stepflow_tui.tui.log.line_map import END

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from stepflow_tui.tui.log.line_map import LineMap

MATCH, STEP = "◆", "─"
_EIGHTHS = 8
_PRECISION = 7


class Kind(Struct, frozen=True):
    """A kind of lines to be shown.

    Attributes:
        sign: one cell.
        style: of the sign.
        lines: indexes of such lines, in order.
    """

    sign: str
    style: Style
    lines: Sequence[int]


Mark = tuple[str, Style]


class Minimap:
    """What stands in each cell of the bar; of several kinds of lines the first one counts.

    Attributes:
        marks: a sign for each cell, from the top.
    """

    def __init__(self) -> None:
        self.marks: list[Mark | None] = []
        self._made_of: object = None
        self._thumb: tuple[int, int] | None = None

    def update(
        self,
        lines: LineMap,
        height: int,
        top: int,
        version: object,
        kinds: Callable[[], Sequence[Kind]],
    ) -> bool:
        """Take note of how things stand; returns whether the bar looks another way now.

        Args:
            lines: which lines of the log are shown.
            height: of the bar, and of the view, in cells.
            top: shown lines above the view.
            version: another one whenever there is something else to mark.
            kinds: what to mark, the most important one first; asked for only then.
        """
        size = lines.size
        thumb = _thumb(size, height, top)
        # So that a line more of a million is no reason to reckon.
        about = size >> max(0, size.bit_length() - _PRECISION)
        made_of = (height, size.bit_length(), about, version)
        marks = self.marks
        if made_of != self._made_of:
            self._made_of = made_of
            marks = _marks(lines, size, height, kinds()) if size > height else []
        if (marks, thumb) == (self.marks, self._thumb):
            return False
        self.marks, self._thumb = marks, thumb
        return True

    def forget(self) -> None:
        """Reckon anew: other lines are shown, or the theme is another."""
        self._made_of = None


def _thumb(size: int, height: int, top: int) -> tuple[int, int]:
    """Where the thumb begins and how long it is, in eighths of a cell."""
    if size <= height or height == 0:
        return 0, 0
    length = max(1.0, height * height / size)
    return int((height - length) * top / (size - height) * _EIGHTHS), ceil(length * _EIGHTHS)


def _marks(lines: LineMap, size: int, height: int, kinds: Sequence[Kind]) -> list[Mark | None]:
    edges = [lines.at(size * y // height) for y in range(height)] + [END]
    places = [[bisect_left(kind.lines, edge) for edge in edges] for kind in kinds]
    return [
        next(
            (
                (kind.sign, kind.style)
                for kind, counts in zip(kinds, places, strict=True)
                if counts[y] < counts[y + 1]
            ),
            None,
        )
        for y in range(height)
    ]


class MinimapRender(ScrollBarRender):
    """Draws a scroll bar with the marks of a map on it."""

    minimap: ClassVar[Minimap]

    @classmethod
    def of(cls, minimap: Minimap) -> type[MinimapRender]:
        """A renderer for the scroll bar of this map; Textual takes a class."""
        return type("MinimapRenderOfOne", (cls,), {"minimap": minimap})

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The bar, and over it the marks."""
        for bar in super().__rich_console__(console, options):
            if not isinstance(bar, Segments):
                yield bar
                continue
            marks = self.minimap.marks
            marked = [
                _marked(segment, marks[y]) if y < len(marks) else segment
                for y, segment in enumerate(bar.segments)
            ]
            yield Segments(marked, new_lines=True)


def _marked(segment: Segment, mark: Mark | None) -> Segment:
    """A cell of the bar with a mark on it; the mouse finds what it found before."""
    if mark is None or segment.style is None:
        return segment
    sign, style = mark
    below = segment.style.color if segment.style.reverse else segment.style.bgcolor
    return Segment(sign, Style(color=style.color, bgcolor=below, meta=segment.style.meta))
