"""Keeps the rows of a pane with their frame around them, wherever in it they stand.

While a log is followed each row moves up again and again. Textual keeps what it has drawn by the
place where it stands, so it would put every row together anew for each line that comes. This is
private to Textual; if it is not as we know it, rows are kept as Textual keeps them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual._styles_cache import StylesCache

from stepflow_tui.tui.terminal.known import parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.terminal_theme import TerminalTheme
    from textual.color import Color
    from textual.content import Content
    from textual.css.styles import StylesBase
    from textual.geometry import Size, Spacing
    from textual.strip import Strip
    from textual.style import Style

    Label = tuple[Content, Color, Color, Style]

_KEPT = 500


class FramedRows(StylesCache):
    """Puts a row into its frame once, for as long as the widget hands out the same strip."""

    def __init__(self) -> None:
        super().__init__()
        self._framed: dict[int, tuple[Strip, Strip]] = {}

    def clear(self) -> None:
        """The frame may be another: forget all."""
        super().clear()
        self._framed.clear()

    def framed(self, content: Strip) -> Strip | None:
        """What became of a row's content when it was framed last; None if it was not."""
        found = self._framed.get(id(content))
        return None if found is None else found[1]

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
        return found[1]


def framed_rows() -> StylesCache:
    """What keeps the rows of a pane."""
    ours, theirs = parameters(FramedRows.render_line), parameters(StylesCache.render_line)
    return FramedRows() if ours == theirs else StylesCache()
