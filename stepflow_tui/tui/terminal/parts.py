"""Draws of each widget only what has changed, as long as nothing lies over it.

Textual draws the smallest rectangle around all changes, with every widget that it touches: a line
in the log and a count at the bottom are nearly the whole screen. Here each change is drawn by the
one widget that is to be seen there. Where a change lies under several widgets, Textual draws it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate
from textual.geometry import Region

from stepflow_tui.tui.terminal.known import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from textual.screen import Screen
    from textual.strip import Strip
    from textual.widget import Widget

_KNOWN_SHAPES = (
    (Compositor.render_partial_update, ("self",)),
    (Compositor.update_widgets, ("self", "widgets")),
    (CompositorUpdate.render_segments, ("self", "console")),
)


class Part(NamedTuple):
    """Some cells of a row of the screen.

    Attributes:
        y: the row.
        x: the column in which the strip begins.
        strip: what a widget has drawn, which may be more than is to be seen.
        start, stop: the columns that are to be drawn.
    """

    y: int
    x: int
    strip: Strip
    start: int
    stop: int


class PartsUpdate(CompositorUpdate):
    """What has changed on the screen.

    Attributes:
        parts: in the order in which they are to be drawn.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    def render_segments(self, console: Console) -> str:
        """Everything, for a terminal of which nothing is known."""
        return "".join(
            f"\x1b[{part.y + 1};{part.start + 1}H"
            + part.strip.crop(part.start - part.x, part.stop - part.x).render(console)
            for part in self.parts
        )


class PartsCompositor(Compositor):
    """Composes a screen out of what has changed, where Textual composes what lies around it."""

    def render_partial_update(self) -> ChopsUpdate | PartsUpdate | None:  # type: ignore[override]
        """What has changed since the last time; None if nothing has."""
        parts: list[Part] = []
        for dirty in self._dirty_regions:
            found = self._owner(dirty)
            if found is None:
                return super().render_partial_update()
            parts += _parts(*found, dirty)
        self._dirty_regions.clear()
        return PartsUpdate(parts) if parts else None

    def _owner(self, dirty: Region) -> tuple[Widget, Region] | None:
        """The widget that is to be seen in all of a region, and where it stands; if it is one."""
        for widget, (region, clip) in self.visible_widgets.items():  # the uppermost first
            seen = region.intersection(clip)
            if seen.overlaps(dirty):
                return (widget, region) if seen.contains_region(dirty) else None
        return None


def _parts(widget: Widget, region: Region, dirty: Region) -> Iterator[Part]:
    rows = Region(0, dirty.y - region.y, region.width, dirty.height)
    for y, strip in enumerate(widget.render_lines(rows), dirty.y):
        yield Part(y, region.x, strip, dirty.x, dirty.right)


def compose_in_parts(screen: Screen[Any]) -> None:
    """Have a screen composed so, if Textual is as we know it."""
    if all(parameters(function) == names for function, names in _KNOWN_SHAPES):
        screen._compositor = PartsCompositor()  # noqa: SLF001 - the one place to put it
