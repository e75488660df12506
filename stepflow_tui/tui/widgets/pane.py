"""What the panes have in common: a scrolled view of rows that are drawn line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from stepflow_tui.tui.terminal.parts import redraw
from stepflow_tui.tui.theme.looks import Looks
from stepflow_tui.tui.widgets.framed_rows import framed_rows
from stepflow_tui.tui.widgets.pane_bar import PaneBar

if TYPE_CHECKING:
    from rich.style import Style
    from textual.geometry import Region
    from textual.reactive import Reactive
    from textual.strip import Strip


T = TypeVar("T")


class Pane(ScrollView, can_focus=True, inherit_bindings=False):
    """A `ScrollView` that can grow at any rate without a new layout of the screen."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._styles_cache = framed_rows()
        self._looks = Looks(self)
        self._base: Style | None = None
        self._measured: object = None
        self._view_size = Size()
        self._content_offset = Offset()

    @property
    def base(self) -> Style:
        """The pane's own style; reckoned once for each frame, as that is dear."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the pane."""
        self._base = None
        return self._render_rows(crop)

    def _render_rows(self, crop: Region) -> list[Strip]:
        return super().render_lines(crop)

    def look(self, name: str) -> Style:
        """The style of a part; see `theme.looks`."""
        return self._looks.of(name)

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        self._looks.forget()
        self._measured = None
        super().notify_style_update()

    def on_hide(self) -> None:
        """Nothing can be seen any more."""
        self._measured = None

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Our own, made where Textual makes its own."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = PaneBar(thickness=self.scrollbar_size_vertical)
            bar.display = False
            self.app._start_widget(self, bar)  # noqa: SLF001
        return self._vertical_scrollbar

    def _measure(self) -> None:
        """Reckon what is asked for all the time and seldom changes."""
        known = self._size, self.show_vertical_scrollbar
        if known != self._measured or not self._view_size:  # none while it is out of sight
            self._measured = known
            self._view_size = self.scrollable_content_region.size
            self._content_offset = super().content_offset

    @property
    def view_size(self) -> Size:
        """What can be seen."""
        self._measure()
        return self._view_size

    @property
    def content_offset(self) -> Offset:
        """Where the content begins in the widget."""
        self._measure()
        return self._content_offset

    @property
    def height(self) -> int:
        """Rows that can be seen."""
        return self.view_size.height

    @property
    def width(self) -> int:
        """Cells of a row."""
        return self.view_size.width

    def set_extent(self, rows: int) -> None:
        """Set how many rows there are; only the scroll bar is drawn anew."""
        if rows == self.virtual_size.height:
            return
        # Assigning the reactive attribute would lay out the whole screen.
        self.set_reactive(ScrollView.virtual_size, Size(self.width, rows))
        self._set_bar(ScrollBar.window_virtual_size, rows)
        if self.scroll_y > self.max_scroll_y:
            self.place(self.max_scroll_y)

    def place(self, row: int) -> None:
        """Have this row at the top, without drawing anything but the scroll bar."""
        self.scroll_target_y = row
        self.set_reactive(ScrollView.scroll_y, float(row))
        self._set_bar(ScrollBar.position, float(row))

    def scroll_bar_to(self, rows: int, top: int) -> None:
        """Set how many rows there are and which is at the top, and draw the scroll bar anew."""
        self.scroll_target_y = top
        self.set_reactive(ScrollView.scroll_y, float(top))
        self.set_reactive(ScrollView.virtual_size, Size(self.width, rows))
        self.vertical_scrollbar.set_reactive(ScrollBar.window_virtual_size, rows)
        self.vertical_scrollbar.set_reactive(ScrollBar.position, float(top))
        self._redraw_bar()

    def _set_bar(self, attribute: Reactive[T], value: T) -> None:
        """Change the scroll bar, and draw it once its thumb has moved by a whole cell."""
        bar, before = self.vertical_scrollbar, self._thumb()
        bar.set_reactive(attribute, value)
        if self._thumb() != before:
            self._redraw_bar()

    def _redraw_bar(self) -> None:
        bar = self.vertical_scrollbar
        redraw(bar, bar.size.region)

    def _thumb(self) -> tuple[int, int]:
        """Where the thumb of the scroll bar begins and how long it is, in whole cells."""
        bar = self.vertical_scrollbar
        size, window, whole = bar.size.height, bar.window_size, bar.window_virtual_size
        if not 0 < window < whole:
            return 0, 0
        thumb = max(1.0, window * size / whole)
        start = (size - thumb) * bar.position / (whole - window)
        return round(start), round(thumb)
