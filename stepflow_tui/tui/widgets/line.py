"""One line of text that is cheap to change."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from stepflow_tui.tui.terminal.parts import redraw
from stepflow_tui.tui.theme.looks import Looks
from stepflow_tui.tui.widgets.framed_rows import FramedRows, framed_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

Part: TypeAlias = tuple[str, str]
"""A text and the name of its look; an empty one for the line's own style."""

Version: TypeAlias = tuple[tuple[Part, ...], tuple[Part, ...]]
"""What stands at the left end of a line and what at its right end."""


class Line(Widget):
    """A line with parts at both ends; drawn only when they change.

    It may be given in several versions, of which the first that fits is shown.
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._versions: list[Version] = [((), ())]
        self._looks = Looks(self)
        self._made: tuple[int, Strip] | None = None
        self._base: Style | None = None
        self._styles_cache = framed_rows()

    def set_parts(self, left: Sequence[Part], right: Sequence[Part] = ()) -> None:
        """Show these parts."""
        self.set_versions([(tuple(left), tuple(right))])

    def set_versions(self, versions: list[Version]) -> None:
        """Show the first of these that fits, or else the last, cut at its left part."""
        if versions == self._versions:
            return
        if not self.size:
            self._versions, self._made = versions, None
            self.refresh()
            return
        before = self._strip_now()
        self._versions, self._made = versions, None
        changed = _changed_cells(before, self._strip_now())
        if changed:  # and not more: Textual draws all that lies above or below what is named
            redraw(self, Region(changed.start, 0, len(changed), 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the line; with what stands beside it, as that was the last time."""
        cache = self._styles_cache
        strip = None
        if isinstance(cache, FramedRows) and crop.height == 1:
            strip = cache.put_in(self._strip_now(), self.get_line_filters())
        return super().render_lines(crop) if strip is None else [strip.crop(*crop.column_span)]

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is only one
        """The line, as wide as the widget."""
        return self._strip_now()

    def _strip_now(self) -> Strip:
        width = self.size.width
        if self._made is None or self._made[0] != width:
            self._base = self._base or self.rich_style
            self._made = width, self._make(width).apply_style(self._base)
        return self._made[1]

    def _make(self, width: int) -> Strip:
        left, right = self._version(width)
        end = self._strip(right)
        room = max(0, width - end.cell_length)
        return Strip.join([self._strip(left).adjust_cell_length(room), end]).crop(0, width)

    def _version(self, width: int) -> Version:
        for left, right in self._versions:
            if parts_width(left) + parts_width(right) <= width:
                return left, right
        return self._versions[-1]

    def _strip(self, parts: Sequence[Part]) -> Strip:
        return Strip([Segment(text, self._looks.of(name)) for text, name in parts if text])

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        self._looks.forget()
        self._made = self._base = None
        super().notify_style_update()


def _changed_cells(before: Strip, after: Strip) -> range:
    """From where to where two lines of the same width differ, by whole segments."""
    start = _common_cells(before, after)
    stop = after.cell_length - _common_cells(reversed(before), reversed(after))
    return range(start, stop)


def _common_cells(before: Iterable[Segment], after: Iterable[Segment]) -> int:
    """The cells of the segments that both begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    return sum(segment.cell_length for segment, _ in same)


def parts_width(parts: Sequence[Part]) -> int:
    """The cells that these parts take."""
    return sum(cell_len(text) for text, _ in parts)
