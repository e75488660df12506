"""Draws of each widget only what has changed, as long as nothing lies over it.

Textual draws the smallest rectangle around all changes, with every widget that it touches: a line
in the log and a count at the bottom are nearly the whole screen. Here each change is drawn by the
one widget that is to be seen there, and what comes from the database at once, without the messages
and timers on Textual's way. Where a change lies under several widgets, Textual draws it.
"""
# ruff: noqa: SLF001 - this is the place where what is private to Textual is used

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from stepflow_tui.tui.terminal.known import are_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, RenderableType
    from textual.geometry import Size
    from textual.strip import Strip

_KNOWN_SHAPES = (
    (App._display, ("self", "screen", "renderable")),
    (Widget.refresh, ("self",)),
    (Compositor.render_full_update, ("self", "simplify")),
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


class WholeUpdate(PartsUpdate):
    """All of the screen.

    Attributes:
        size: of the screen.
    """

    def __init__(self, parts: Sequence[Part], size: Size) -> None:
        super().__init__(parts)
        self.size = size


class PartsCompositor(Compositor):
    """Composes a screen out of what has changed, where Textual composes what lies around it."""

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate | WholeUpdate:  # type: ignore[override]
        """Every widget, those that lie over others after them: nothing has to be cut for it.

        What is all covered, as screens and containers mostly are, is not drawn.
        """
        if simplify:  # for a picture
            return super().render_full_update(simplify)
        self._dirty_regions.clear()
        seen: list[tuple[Widget, Region, Region]] = []
        covered = [0] * self.size.height
        for widget, (region, clip) in self.visible_widgets.items():  # the uppermost first
            visible = region.intersection(clip)
            if _cover(covered, visible):
                seen.append((widget, region, visible))
        parts = [part for one in reversed(seen) for part in _parts(*one)]
        return WholeUpdate(parts, self.size)

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

    def draw(self, widget: Widget, region: Region) -> list[Part] | None:
        """A part of a widget; None if not all of it is to be seen, or something lies over it.

        Args:
            widget: one that is on the screen.
            region: from its upper left corner.
        """
        found = self.visible_widgets.get(widget)
        if found is None:
            return None
        dirty = region.translate(found[0].offset)
        owner = self._owner(dirty)
        if owner is None or owner[0] is not widget:
            return None
        widget._styles_cache.set_dirty(region)
        return list(_parts(*owner, dirty))

    def _owner(self, dirty: Region) -> tuple[Widget, Region] | None:
        """The widget that is to be seen in all of a region, and where it stands; if it is one."""
        for widget, (region, clip) in self.visible_widgets.items():  # the uppermost first
            seen = region.intersection(clip)
            if seen.overlaps(dirty):
                return (widget, region) if seen.contains_region(dirty) else None
        return None


def _cover(covered: list[int], region: Region) -> bool:
    """Cover a region; whether any of it was not.

    Args:
        covered: for each row of the screen the columns that are, as bits of a number.
        region: of the screen.
    """
    columns = (1 << region.width) - 1 << region.x
    rows = range(*region.line_span)
    was_seen = any(columns & ~covered[y] for y in rows)
    for y in rows:
        covered[y] |= columns
    return was_seen


def _parts(widget: Widget, region: Region, dirty: Region) -> Iterator[Part]:
    rows = Region(0, dirty.y - region.y, region.width, dirty.height)
    for y, strip in enumerate(widget.render_lines(rows), dirty.y):
        yield Part(y, region.x, strip, dirty.x, dirty.right)


class PartsScreen(Screen[None]):
    """A screen that is composed so, if Textual is as we know it, and can be drawn at once."""

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, classes=classes)
        self._wanted: list[tuple[Widget, Region]] | None = None
        if are_known(_KNOWN_SHAPES):
            self._compositor = PartsCompositor()

    def draw_together(self, change: Callable[[], None]) -> None:
        """Make a change, and draw what is to be drawn anew for it, at once and in one piece."""
        self._wanted = []
        try:
            change()
        finally:
            wanted, self._wanted = self._wanted, None
            self._draw(wanted)

    def draw(self, widget: Widget, region: Region) -> None:
        """Draw a part of a widget's content anew."""
        if self._wanted is None:
            widget.refresh(region)
        elif (widget, region) not in self._wanted:
            self._wanted.append((widget, region))

    def _draw(self, wanted: Sequence[tuple[Widget, Region]]) -> None:
        parts = self._parts(wanted) if wanted and self._is_settled else None
        if parts is not None:
            self.app._display(self, cast("RenderableType", PartsUpdate(parts)))
            return
        for widget, region in wanted:
            widget.refresh(region)

    @property
    def _is_settled(self) -> bool:
        """Whether everything stands where the compositor takes it to be, and we are to be seen."""
        app = self.app
        is_ours = app.screen is self and not app._batch_count and not app.is_headless
        return is_ours and not (self._layout_required or self._scroll_required)

    def _parts(self, wanted: Sequence[tuple[Widget, Region]]) -> list[Part] | None:
        """All that is wanted; None if some of it is for Textual to draw."""
        compositor = self._compositor
        if not isinstance(compositor, PartsCompositor):
            return None
        parts: list[Part] = []
        for widget, region in wanted:
            drawn = compositor.draw(widget, region.translate(widget.content_offset))
            if drawn is None:
                return None
            parts += drawn
        return parts


def redraw(widget: Widget, region: Region) -> None:
    """Draw a part of a widget's content anew, as soon as its screen allows."""
    # Not `screen`: there may be none yet, or none any more.
    screen = next((node for node in widget.ancestors if isinstance(node, PartsScreen)), None)
    if screen is None:
        widget.refresh(region)
    else:
        screen.draw(widget, region)
