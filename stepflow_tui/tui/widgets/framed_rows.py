"""Keeps the rows of a pane with their frame around them, wherever in it they stand.

While a log is followed each row moves up again and again. Textual keeps what it has drawn by the
place where it stands, so it would put every row together anew for each line that comes. This is
private to Textual; if it is not as we know it, rows are kept as Textual keeps them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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


class Frame(NamedTuple):
    """What stands beside each row: border and padding. Panes have no other effects of style.

    Attributes:
        width: of the content, in cells.
        background: what is behind all of it.
    """

    left: Strip
    right: Strip
    width: int
    background: Color

    @classmethod
    def of(cls, framed: Strip, start: int, content: Strip, background: Color) -> Frame:
        """What stands beside the content of a row, which begins in column `start`."""
        width = content.cell_length
        return cls(framed.crop(0, start), framed.crop(start + width), width, background)

    def around(self, content: Strip) -> Strip:
        """Another row, as wide."""
        return Strip.join([self.left, content, self.right])


class FramedRows(StylesCache):
    """Puts a row into its frame once, for as long as the widget hands out the same strip.

    Attributes:
        drawn: rows as they go to the screen, by their place; for whoever knows when they change.
    """

    def __init__(self) -> None:
        super().__init__()
        self._framed: dict[int, tuple[Strip, Strip]] = {}
        self._frame: Frame | None = None
        self.drawn: dict[int, Strip] = {}

    def clear(self) -> None:
        """The frame may be another: forget all."""
        super().clear()
        self._framed.clear()
        self._frame = None
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
        """A row as it goes to the screen, framed as one before it was; None if none was."""
        if self._frame is None or self._frame.width != content.cell_length:
            return None
        strip = self._frame.around(content)
        for one in filters:
            strip = strip.apply_filter(one, self._frame.background)
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
            if self._frame is None or self._frame.width != content.cell_length:
                framed = frame(lambda _: content)
                self._frame = Frame.of(framed, styles.gutter.left, content, background)
            else:
                framed = self._frame.around(content)
            # With the content, so that its id is not given to another strip.
            found = self._framed[id(content)] = (content, framed)
        return found[1]


def framed_rows() -> StylesCache:
    """What keeps the rows of a pane."""
    ours, theirs = parameters(FramedRows.render_line), parameters(StylesCache.render_line)
    return FramedRows() if ours == theirs else StylesCache()
