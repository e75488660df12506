"""Keeps the rows of a pane with their frame around them, wherever in it they stand.

While a log is followed each row moves up again and again. Textual keeps what it has drawn by the
place where it stands, so it would put every row together anew for each line that comes. This is
private to Textual; if it is not as we know it, rows are kept as Textual keeps them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual._styles_cache import StylesCache
from textual.strip import Strip

from stepflow_tui.tui.terminal.known import parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.terminal_theme import TerminalTheme
    from textual.color import Color
    from textual.content import Content
    from textual.css.styles import StylesBase
    from textual.filter import LineFilter
    from textual.geometry import Size, Spacing
    from textual.style import Style

    Label = tuple[Content, Color, Color, Style]

_KEPT = 500


class FramedRows(StylesCache):
    """Puts a row into its frame once, for as long as the widget hands out the same strip.

    Attributes:
        drawn: rows as they go to the screen, by their place; for whoever knows when they change.
    """

    def __init__(self) -> None:
        super().__init__()
        self._framed: dict[int, tuple[Strip, Strip]] = {}
        self._sides: tuple[Strip, Strip, Color] | None = None
        self.drawn: dict[int, Strip] = {}

    def clear(self) -> None:
        """The frame may be another: forget all."""
        super().clear()
        self._framed.clear()
        self._sides = None
        self.drawn.clear()

    def move(self, rows: Mapping[int, int], top: int) -> None:
        """Keep only these rows as they were drawn.

        Args:
            rows: where each stands now, and where it stood, in the widget's content.
            top: rows above the content.
        """
        before = self.drawn
        self.drawn = {
            new + top: before[old + top] for new, old in rows.items() if old + top in before
        }

    def put_in(self, content: Strip, filters: Sequence[LineFilter]) -> Strip | None:
        """A row as it goes to the screen, framed as the one before it was; None if none was.

        Every row that is put in is as wide as the others.
        """
        if self._sides is None:
            return None
        left, right, background = self._sides
        strip = Strip.join([left, content, right])
        for one in filters:
            strip = strip.apply_filter(one, background)
        return strip

    def render_line(  # noqa: PLR0917 - Textual's signature
        self,
        styles: StylesBase,
        y: int,
        size: Size,
        content_size: Size,
        padding: Spacing,
        base_background: Color,
        background: Color,
        render_content_line: Callable[[int], Strip],
        border_title: Label | None,
        border_subtitle: Label | None,
        opacity: float,
        ansi_theme: TerminalTheme,
        native_ansi: bool,
    ) -> Strip:
        """A row with what stands at its left and right."""

        def frame(content: Callable[[int], Strip]) -> Strip:
            return super(FramedRows, self).render_line(
                styles,
                y,
                size,
                content_size,
                padding,
                base_background,
                background,
                content,
                border_title,
                border_subtitle,
                opacity,
                ansi_theme,
                native_ansi,
            )

        row = y - styles.gutter.top
        if not 0 <= row < content_size.height:
            return frame(render_content_line)
        content = render_content_line(row)
        found = self._framed.get(id(content))
        if found is None:
            if len(self._framed) >= _KEPT:
                self._framed.clear()
            # With the content, so that its id is not given to another strip.
            found = self._framed[id(content)] = (content, frame(lambda _: content))
            start = styles.gutter.left
            stop = start + content.cell_length
            self._sides = found[1].crop(0, start), found[1].crop(stop), background
        return found[1]


def framed_rows() -> StylesCache:
    """What keeps the rows of a pane."""
    ours, theirs = parameters(FramedRows.render_line), parameters(StylesCache.render_line)
    return FramedRows() if ours == theirs else StylesCache()
