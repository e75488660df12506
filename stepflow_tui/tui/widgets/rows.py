"""A list with a cursor, of any length: only the rows in view are asked for and drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from stepflow_tui.tui import keymap
from stepflow_tui.tui.messages import Wanted
from stepflow_tui.tui.terminal.parts import redraw
from stepflow_tui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType

    Cell = tuple[str, Style]


class Rows(Pane):
    """Base of the lists. A subclass says what stands in a row and what follows from a move.

    Attributes:
        count: number of rows.
        cursor: index of the current row; None before there is one.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.MOVE.bindings)

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.count = 0
        self.cursor: int | None = None
        self._painted: dict[int, tuple[object, object]] = {}

    def row_key(self, index: int) -> tuple[object, object]:
        """What a row looks like: all but its clocks, and the clocks. Equal means not drawn anew."""
        raise NotImplementedError

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """The texts of a row, which fill `width` cells, with their styles."""
        raise NotImplementedError

    def cursor_moved(self) -> None:
        """The user has put the cursor on another row."""

    @property
    def clock_column(self) -> int:
        """The column from which on a row changes as time goes by."""
        return 0

    @property
    def cursor_look(self) -> str:
        """The look of the current row."""
        return "rows--cursor" if self.has_focus else "rows--cursor-blurred"

    @property
    def heads(self) -> int:
        """Lines above the rows, which are not scrolled."""
        return 0

    def head_cells(self, width: int) -> Sequence[Cell]:
        """The texts of the line above the rows, which fill `width` cells."""
        raise NotImplementedError

    @property
    def height(self) -> int:
        """Rows that can be seen."""
        return max(0, super().height - self.heads)

    @property
    def visible_rows(self) -> range:
        """The rows in view."""
        top = round(self.scroll_y)
        return range(top, min(self.count, top + self.height))

    def repaint(self) -> None:
        """Draw what has changed of the rows in view, and nothing else."""
        for index in self.visible_rows:
            before, now = self._painted.get(index), self.row_key(index)
            if before == now:
                continue
            self._painted[index] = now
            same_text = before is not None and before[0] == now[0]
            start = self.clock_column if same_text else 0
            y = index - round(self.scroll_y) + self.heads
            redraw(self, Region(start, y, self.width - start, 1))

    def repaint_all(self) -> None:
        """Draw every row in view."""
        self._painted.clear()
        self.refresh()

    def set_count(self, count: int) -> None:
        """Change the number of rows."""
        if count != self.count:
            self.count = count
            self.set_extent(count + self.heads)
            self.repaint_all()

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        index, width = round(self.scroll_y) + y - self.heads, self.width
        if y < self.heads:
            return self._strip(self.head_cells(width), self.base)
        if index >= self.count:
            return Strip.blank(width, self.base)
        self._painted[index] = self.row_key(index)
        base = self.base
        if index == self.cursor:
            base += self.look(self.cursor_look)
        return self._strip(self.row_cells(index, width), base)

    def _strip(self, cells: Sequence[Cell], base: Style) -> Strip:
        strip = Strip([Segment(text, base + style) for text, style in cells])
        return strip.adjust_cell_length(self.width, base)

    def move_cursor(self, index: int) -> None:
        """Put the cursor on a row, in bounds, and bring it into view."""
        index = max(0, min(index, self.count - 1))
        if self.count == 0 or index == self.cursor:
            return
        self.cursor = index
        self.show_cursor()
        self.repaint()
        self.cursor_moved()

    def show_cursor(self) -> None:
        """Scroll as little as needed to have the cursor in view."""
        if self.cursor is None or self.height == 0:
            return
        top = round(self.scroll_y)
        low, high = self.cursor - self.height + 1, self.cursor
        if not low <= top <= high:
            self.scroll_row(low if top < low else high)

    def scroll_row(self, row: int) -> None:
        """Have this row at the top."""
        row = max(0, min(row, self.max_scroll_y))
        if row != round(self.scroll_y):
            self.place(row)
            self.repaint_all()
            self.post_message(Wanted())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in view."""
        super().watch_scroll_y(old_value, new_value)
        self._painted.clear()
        self.post_message(Wanted())

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._painted.clear()
        self.set_extent(self.count + self.heads)
        self.show_cursor()
        self.post_message(Wanted())

    def on_focus(self) -> None:
        """The cursor is drawn differently."""
        self.repaint_all()

    def on_blur(self) -> None:
        """The cursor is drawn differently."""
        self.repaint_all()

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self.heads:
            self.head_clicked(offset.x)
        elif (index := round(self.scroll_y) + offset.y - self.heads) < self.count:
            self.move_cursor(index)

    def head_clicked(self, x: int) -> None:
        """The user has clicked on a cell of the line above the rows."""

    def _step(self, rows: int) -> None:
        self.move_cursor((self.cursor if self.cursor is not None else -1) + rows)

    def action_cursor_down(self) -> None:
        """One row down."""
        self._step(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._step(-1)

    def action_half_page_down(self) -> None:
        """Half a view down."""
        self._step(max(1, self.height // 2))

    def action_half_page_up(self) -> None:
        """Half a view up."""
        self._step(-max(1, self.height // 2))

    def action_page_down(self) -> None:
        """A view down."""
        self._step(max(1, self.height - 1))

    def action_page_up(self) -> None:
        """A view up."""
        self._step(-max(1, self.height - 1))

    def action_first(self) -> None:
        """To the first row."""
        self.move_cursor(0)

    def action_last(self) -> None:
        """To the last row."""
        self.move_cursor(self.count - 1)
