"""The list of executions, or of their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from rich.style import Style
from textual.content import Content

from stepflow_tui.core.clock import now
from stepflow_tui.core.config import COLUMNS
from stepflow_tui.store.listing import Order, Sort
from stepflow_tui.tui import keymap
from stepflow_tui.tui.executions import cells
from stepflow_tui.tui.executions.columns import Columns, execution_columns, fit
from stepflow_tui.tui.executions.groups import Groups
from stepflow_tui.tui.executions.view import PLAIN, View
from stepflow_tui.tui.messages import GroupChosen, ViewWanted
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.binding import BindingType
    from textual.strip import Strip

    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.listing import Group
    from stepflow_tui.tui.executions.cells import Clocks
    from stepflow_tui.tui.executions.listing import ExecutionList
    from stepflow_tui.tui.executions.usual import Past, Usual
    from stepflow_tui.tui.widgets.line import Part
    from stepflow_tui.tui.widgets.rows import Cell

_ROOM_FOR_HEADS = 5
_PLAIN = Style.null()
_NOTHING = " nothing passes the filter; esc shows all"
_GROUP_SORTS = (Sort.NUMBER, Sort.NAME)


class Executions(Rows):
    """Executions, of which the current one is shown in the other panes.

    Attributes:
        selected: numbers of those that were selected, to do something with all of them.
        columns: which are shown if there is room, from left to right.
    """

    BINDINGS: ClassVar[list[BindingType]] = list(keymap.LIST.bindings)

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - Textual's name for it
        turned_to: Callable[[int], None],
        columns: tuple[str, ...] = COLUMNS,
    ) -> None:
        """Makes an empty list.

        Args:
            id: Textual's name for it.
            turned_to: called with its number when the cursor comes to stand on an execution. Not a
                message, which the keys that follow could overtake on its way up to the screen.
            columns: which are shown if there is room, from left to right.
        """
        super().__init__(id=id)
        self._turned_to = turned_to
        self.border_title = "Executions"
        self.selected: set[int] = set()
        self.columns = columns
        self._pages: ExecutionList | None = None
        self._usual: Usual | None = None
        self._version = 0
        self._awaits_row = False

    def show(self, pages: ExecutionList, number: int | None, usual: Usual | None = None) -> None:
        """Show what is loaded, with the cursor on execution `number`."""
        if not pages.is_read and self._pages is not None and pages.view != PLAIN:
            return  # what was shown so far stays until it is read
        self._usual = usual
        if pages is not self._pages:
            self._turn_to(pages, number)
        elif pages.version != self._version:
            self._rearrange(pages, number)
        else:
            self._take_in(pages)
        self._place_cursor(pages, number)
        self._show_title()
        self.repaint()

    def _turn_to(self, pages: ExecutionList, number: int | None) -> None:
        """Another list: the cursor goes to its first row unless the current one is in it."""
        self._pages, self._version = pages, pages.version
        self.cursor, self._awaits_row = None, False
        self.set_count(0)
        self.set_count(pages.total)
        self.repaint_all()
        is_listed = number is not None and pages.index_of(number) is not None
        if pages.view != PLAIN and pages.total and not is_listed:
            self.cursor, self._awaits_row = 0, True

    def _rearrange(self, pages: ExecutionList, number: int | None) -> None:
        """Rows have moved: the cursor stays on its execution, and at its place in the view."""
        self._version = pages.version
        top = round(self.scroll_y)
        before = self.cursor
        self.set_count(pages.total)
        index = None if number is None else pages.index_of(number)
        if index is not None and before is not None:
            self.cursor = index
            if before in range(top, top + self.height) and (top or index >= self.height):
                self.scroll_row(index - (before - top))
        elif self.cursor is not None:
            self.cursor = min(self.cursor, pages.total - 1) if pages.total else None
        self.repaint_all()

    def _take_in(self, pages: ExecutionList) -> None:
        arrived = pages.total - self.count
        if arrived > 0:
            self._make_room(arrived)
        elif arrived < 0:
            self._close_ranks(pages.total)

    def _make_room(self, arrived: int) -> None:
        """New rows at the top: the cursor stays on its execution, the view at its place."""
        top = round(self.scroll_y)
        self.set_count(self.count + arrived)
        if self.cursor is not None:
            self.cursor = max(0, min(self.cursor + arrived, self.count - 1))
            out_of_view = self.cursor >= top + self.height
            if top or out_of_view:
                self.scroll_row(max(0, top + arrived))
        self.repaint_all()

    def _close_ranks(self, total: int) -> None:
        """Rows are gone: what stands below moves up, and the view stays where it is."""
        self.set_count(total)
        if self.cursor is not None:
            self.cursor = min(self.cursor, total - 1) if total else None

    def _place_cursor(self, pages: ExecutionList, number: int | None) -> None:
        row = None if self.cursor is None else pages.row(self.cursor)
        if self._awaits_row:
            if row is not None:
                self._awaits_row = False
                self._turned_to(row.number)
        elif number is not None and (row is None or row.number != number):
            index = pages.index_of(number)
            if index is not None and index != self.cursor:
                self.cursor = index
                self.show_cursor()

    def cursor_moved(self) -> None:
        """Turn to the execution under the cursor, or as soon as it is read."""
        row = self._row(self.cursor)
        self._awaits_row = row is None
        if row is not None:
            self._turned_to(row.number)

    def _row(self, index: int | None) -> Execution | None:
        return None if self._pages is None or index is None else self._pages.row(index)

    @property
    def view(self) -> View:
        """What is listed, and how."""
        return PLAIN if self._pages is None else self._pages.view

    def _show_title(self) -> None:
        title = "Executions by name" if self.view.grouped else "Executions"
        if self._pages is not None and self._pages.is_cut:
            title += f" · the first {self._pages.total:,}"
        if self.selected:
            title += f" · {len(self.selected):,} selected"
        if str(self.border_title) != title:
            self.border_title = Content(title)

    # Actions

    def action_select(self) -> None:
        """Add the current execution to those that are selected, or take it out."""
        row = self._row(self.cursor)
        if row is not None and not self.view.grouped:
            self.selected ^= {row.number}
            self._show_title()
            self.repaint()

    def action_select_none(self) -> None:
        """Let go of all that are selected."""
        self.selected = set()
        self._show_title()
        self.repaint()

    def forget(self, numbers: Iterable[int]) -> None:
        """These are not selected any more; they may not even exist."""
        self.selected.difference_update(numbers)
        self._show_title()
        self.repaint()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort_by(self._sorts[(self._place_of_sort + 1) % len(self._sorts)])

    @property
    def _sorts(self) -> Sequence[Sort]:
        """What the list can be sorted by: the columns that are shown."""
        return _GROUP_SORTS if self.view.grouped else [Sort(name) for name in self._layout.shown]

    @property
    def _place_of_sort(self) -> int:
        sort, sorts = self.view.order.sort, list(self._sorts)
        return sorts.index(sort) if sort in sorts else -1

    def _sort_by(self, sort: Sort) -> None:
        self.post_message(ViewWanted(replace(self.view, order=Order(sort))))

    def action_reverse(self) -> None:
        """Turn the order round."""
        order = self.view.order
        turned = replace(order, reverse=not order.reverse)
        self.post_message(ViewWanted(replace(self.view, order=turned)))

    def action_groups(self) -> None:
        """A row for each name, or again for each execution."""
        view = self.view
        self.post_message(ViewWanted(View(view.wanted, grouped=not view.grouped)))

    def action_open_group(self) -> None:
        """List the executions of the current name."""
        group = self._group
        if group is not None:
            self.post_message(GroupChosen(group.name))

    @property
    def _group(self) -> Group | None:
        return self._pages.group(self.cursor or 0) if isinstance(self._pages, Groups) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a group to open only where the rows are groups."""
        if action == "open_group" and self._group is None:
            return False
        return super().check_action(action, parameters)

    def head_clicked(self, x: int) -> None:
        """Sort by the column under the mouse, or turn its order round."""
        column = next((name for name in self._layout.shown if x < self._end_of(name)), None)
        if column is None or self.view.grouped:
            return
        if column == self.view.order.sort:
            self.action_reverse()
        else:
            self._sort_by(Sort(column))

    def _end_of(self, column: str) -> int:
        return self._layout.start_of(column) + self._layout.width_of(column) + 1

    # Drawing

    @property
    def _layout(self) -> Columns:
        newest = self._pages.newest if self._pages else 0
        return execution_columns(self.width, newest, self.columns)

    @property
    def heads(self) -> int:
        """The names of the columns, where there is room."""
        return int(self.view_size.height >= _ROOM_FOR_HEADS)

    @property
    def clock_column(self) -> int:
        """Progress, duration and age change by themselves."""
        if self.view.grouped:
            return 0
        return min(self.width, self._layout.start_of("progress", "time", "age"))

    def row_key(self, index: int) -> tuple[object, object]:
        """The record and the texts of its clocks."""
        row = self._row(index)
        if row is None:
            return (None, index == self.cursor), None
        key = (row.number, row.rev, row.number in self.selected, self._group_key(index, row))
        return (key, index == self.cursor), self._clocks(row)

    def _group_key(self, index: int, row: Execution) -> object:
        if not isinstance(self._pages, Groups):
            return None
        return self._pages.group(index), self._past(row)

    def _past(self, row: Execution) -> Past | None:
        return None if self._usual is None else self._usual.of(row.name)

    def _clocks(self, row: Execution) -> Clocks:
        return cells.clocks(row, self._past(row), now())

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """What fits of the chosen columns."""
        row = self._row(index)
        if row is None:
            return [(fit(" …", width), self.look("rows--faint"))]
        clocks = self._clocks(row)
        group = self._pages.group(index) if isinstance(self._pages, Groups) else None
        if group is not None:
            columns = cells.group_columns(width)
            parts = cells.group_cells(group, row, self._past(row), columns, clocks.age)
        else:
            chosen = row.number in self.selected
            parts = cells.execution_cells(row, clocks, self._layout, is_chosen=chosen)
        return self._styled(parts)

    def render_line(self, y: int) -> Strip:
        """One row of the view, or in an empty list why it is empty."""
        if self.count == 0 and y == self.heads and self.view != PLAIN:
            return self._strip([(_NOTHING, self.look("rows--dim"))], self.base)
        return super().render_line(y)

    def head_cells(self, width: int) -> Sequence[Cell]:
        """The names of the columns."""
        order = self.view.order
        if self.view.grouped:
            return self._styled(cells.group_heads(cells.group_columns(width), order))
        return self._styled(cells.execution_heads(self._layout, order))

    def _styled(self, parts: Iterable[Part]) -> list[Cell]:
        return [(text, self.look(name) if name else _PLAIN) for text, name in parts]
