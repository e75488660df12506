"""What is in the selected artifact, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from stepflow_tui.core.glyphs import MORE, is_ascii
from stepflow_tui.tui import keymap
from stepflow_tui.tui.log.line import cells, paint
from stepflow_tui.tui.previews.page import Frame, Looks, notes_page
from stepflow_tui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from rich.style import Style
    from textual.binding import BindingType
    from textual.selection import Selection

    from stepflow_tui.tui.previews.page import Page

_LOOKS = {
    "dim": "rows--dim",
    "faint": "rows--faint",
    "strong": "rows--strong",
    "name": "preview--name",
    "string": "preview--string",
    "number": "preview--number",
    "word": "preview--word",
}


class FrameChanged(Message):
    """The view of a preview has another size."""

    def can_replace(self, message: Message) -> bool:
        """One of them is enough."""
        return isinstance(message, FrameChanged)


class PreviewPane(Pane):
    """Shows a page, of which some rows may stay at the top."""

    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.MOVE.bindings, *keymap.SIDEWAYS.bindings]

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._page: Page[Any] = notes_page()
        self._shift = 0
        self._frame: tuple[int, int] | None = None

    @property
    def frame(self) -> Frame:
        """The view that a page is made for."""
        colours = not self.app.native_ansi_color and not is_ascii()
        background = self.background_colors[1] if colours else None
        return Frame(self.width, self.height, None if background is None else background.rgb)

    def show(self, title: str, page: Page[Any], *, again: bool = False) -> None:
        """Show a page from its top; with `again` the same one, made for another size of the view.

        Args:
            title: what it is, already cleaned.
            page: its rows.
            again: keep the place.
        """
        self.border_title = Content(title)
        self._page = page
        if not again:
            self._shift = 0
        self.set_extent(len(page))
        if not again:
            self.place(0)
        self.refresh()

    def set_extent(self, rows: int) -> None:
        """Set how many rows there are, also where there are as many as before."""
        if self.virtual_size.width != self.width:
            self.set_reactive(ScrollView.virtual_size, Size(self.width, -1))
        super().set_extent(rows)

    def on_resize(self) -> None:
        """What was laid out for the old size has to be laid out anew."""
        self.set_extent(len(self._page))
        if self._frame != (self.width, self.height):
            self._frame = (self.width, self.height)
            self.post_message(FrameChanged())

    # Drawing

    @property
    def _looks_of_parts(self) -> Looks:
        return Looks(**{part: self.look(name) for part, name in _LOOKS.items()})

    def _index(self, y: int) -> int:
        """The row of the page at a row of the view."""
        return y if y < self._page.head else y + round(self.scroll_y)

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        index, width, base = self._index(y), self.width, self.base
        if index >= len(self._page):
            return Strip.blank(width, base)
        whole = self._page.strip(index, self._looks_of_parts)
        part, start = cells(whole, self._shift, width)
        part = self._with_selection(part, start, index)
        if whole.cell_length > self._shift + width:
            part = _with_arrow(part, width, self.look("rows--faint"))
        return part.adjust_cell_length(width).apply_style(base).apply_offsets(start, index)

    def _with_selection(self, part: Strip, start: int, index: int) -> Strip:
        span = self.text_selection.get_span(index) if self.text_selection else None
        if span is None:
            return part
        low, length = max(0, span[0] - start), len(part.text)
        high = length if span[1] == -1 else min(length, span[1] - start)
        style = self.screen.get_component_rich_style("screen--selection", partial=True)
        return paint(part, [(low, high)], style) if low < high else part

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The marked text, and what ends it."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else len(self._page) - 1
        texts = []
        for index in range(first, min(last + 1, len(self._page))):
            span = selection.get_span(index)
            if span is not None:
                text = self._page.strip(index, Looks()).text
                texts.append(text[span[0] : None if span[1] == -1 else span[1]])
        return "\n".join(texts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - Textual's
        """Draw what is marked."""
        self.refresh()

    # Moving

    def _scroll(self, rows: int) -> None:
        top = max(0, min(round(self.scroll_y) + rows, self.max_scroll_y))
        if top != round(self.scroll_y):
            self.place(top)
            self.refresh()

    def action_cursor_down(self) -> None:
        """One row down."""
        self._scroll(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._scroll(-1)

    def action_half_page_down(self) -> None:
        """Half a view down."""
        self._scroll(max(1, self.height // 2))

    def action_half_page_up(self) -> None:
        """Half a view up."""
        self._scroll(-max(1, self.height // 2))

    def action_page_down(self) -> None:
        """A view down."""
        self._scroll(max(1, self.height - self._page.head - 1))

    def action_page_up(self) -> None:
        """A view up."""
        self._scroll(-max(1, self.height - self._page.head - 1))

    def action_first(self) -> None:
        """To the first row."""
        self._scroll(-len(self._page))

    def action_last(self) -> None:
        """To the last row."""
        self._scroll(len(self._page))

    def action_sideways(self, by: int) -> None:
        """Scroll to the side, as far as the longest row in view goes."""
        rows = {self._index(y) for y in range(self.height)}
        looks = self._looks_of_parts
        longest = max(
            (self._page.strip(row, looks).cell_length for row in rows if row < len(self._page)),
            default=0,
        )
        furthest = max(self._shift if by > 0 else 0, longest - self.width)
        self._shift = max(0, min(self._shift + by, furthest))
        self.refresh()


def _with_arrow(part: Strip, width: int, style: Style) -> Strip:
    """The row with a sign at its end that it goes on."""
    from rich.segment import Segment

    room = part.crop(0, width - 1).adjust_cell_length(width - 1)
    return Strip.join([room, Strip([Segment(MORE, style)])])
