"""The list of executions, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style

from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_age
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.clock import execution_time
from stepflow_tui.tui.columns import BAR_CELLS, bar, fit, fit_right
from stepflow_tui.tui.messages import ExecutionHighlighted
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.models import Execution
    from stepflow_tui.tui.pages import ExecutionPages
    from stepflow_tui.tui.widgets.rows import Cell

_STATUS, _PROGRESS, _TIME, _AGE = 11, 5, 7, 4
_MIN_NAME, _ROOM_FOR_BAR = 12, 28
_PLAIN = Style.null()


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths of the columns in cells; 0 leaves a column out."""

    number: int
    name: int
    status: int
    progress: int
    time: int
    age: int


@lru_cache
def _columns(width: int, newest: int) -> _Columns:
    """What fits: where it is narrow, age goes first, then progress, then the status word."""
    number = max(3, len(str(newest)))
    status, progress, age = _STATUS, _PROGRESS, _AGE

    def name() -> int:
        shown = [number, status, progress, _TIME, age]
        return width - 2 - sum(shown) - sum(1 for column in shown if column)

    if name() >= _ROOM_FOR_BAR:
        progress += BAR_CELLS
    if name() < _MIN_NAME:
        age = 0
    if name() < _MIN_NAME:
        progress = 0
    if name() < _MIN_NAME:
        status = 1
    return _Columns(number, max(1, name()), status, progress, _TIME, age)


class Executions(Rows):
    """All executions, of which the current one is shown in the other panes."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.border_title = "Executions"
        self._pages: ExecutionPages | None = None
        self._awaits_row = False

    def show(self, pages: ExecutionPages, number: int | None) -> None:
        """Show what is loaded, with the cursor on execution `number`."""
        if pages is not self._pages:
            self._pages, self.cursor = pages, None
            self.set_count(0)
        arrived = pages.total - self.count
        if arrived > 0:
            self._make_room(arrived)
        elif arrived < 0:
            self._close_ranks(pages.total)
        self._place_cursor(pages, number)
        self.repaint()

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

    def _place_cursor(self, pages: ExecutionPages, number: int | None) -> None:
        row = None if self.cursor is None else pages.row(self.cursor)
        if self._awaits_row:
            if row is not None:
                self._awaits_row = False
                self.post_message(ExecutionHighlighted(row.number))
        elif number is not None and (row is None or row.number != number):
            index = pages.index_of(number)
            self.cursor = self.cursor if index is None else index
            self.show_cursor()

    def cursor_moved(self) -> None:
        """Turn to the execution under the cursor, or as soon as it is read."""
        row = self._row(self.cursor)
        self._awaits_row = row is None
        if row is not None:
            self.post_message(ExecutionHighlighted(row.number))

    def _row(self, index: int | None) -> Execution | None:
        return None if self._pages is None or index is None else self._pages.row(index)

    @property
    def _columns(self) -> _Columns:
        return _columns(self.width, self._pages.newest if self._pages else 0)

    @property
    def clock_column(self) -> int:
        """Duration and age stand at the right."""
        columns = self._columns
        return self.width - columns.time - 2 - (columns.age + 1 if columns.age else 0)

    def row_key(self, index: int) -> tuple[object, object]:
        """The record and the texts of its clocks."""
        row = self._row(index)
        key = (row.number, row.rev) if row else None
        return (key, index == self.cursor), self._clocks(row) if row else None

    def _clocks(self, row: Execution) -> tuple[str, str]:
        instant = now()
        return execution_time(row, instant), format_age(instant.wall_ms - row.created_at)

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """Number, name, status, progress, duration, age."""
        row, columns = self._row(index), self._columns
        if row is None:
            return [(fit(" …", width), self.look("rows--faint"))]
        dim = self.look("rows--dim")
        time, age = self._clocks(row)
        status = GLYPHS[row.status] + (f" {row.status.word}" if columns.status > 1 else "")
        cells = [
            (" " + fit_right(str(row.number), columns.number) + " ", dim),
            (fit(clean_line(row.name), columns.name) + " ", self._name_style(row)),
            (fit(status, columns.status) + " ", self.look(f"status--{row.status}")),
        ]
        if columns.progress:
            cells += self._progress(row, columns.progress)
        cells.append((fit_right(time, columns.time) + " ", dim))
        if columns.age:
            cells.append((fit_right(age, columns.age) + " ", self.look("rows--faint")))
        return cells

    def _progress(self, row: Execution, width: int) -> list[Cell]:
        """What the script says of its progress, else its steps; with a bar if there is room."""
        text, share = _progress(row)
        dim = self.look("rows--dim")
        if width == _PROGRESS or share is None:
            return [(fit_right(text, width) + " ", dim)]
        full, empty = bar(share)
        return [
            (full, self.look("status--running")),
            (empty, self.look("rows--faint")),
            (fit_right(text, width - BAR_CELLS) + " ", dim),
        ]

    def _name_style(self, row: Execution) -> Style:
        return self.look("rows--strong") if row.status is Status.RUNNING else _PLAIN


def _progress(row: Execution) -> tuple[str, float | None]:
    """A text, and for what runs the share that is done."""
    runs = row.status is Status.RUNNING
    if runs and row.progress is not None:
        return f"{row.progress:.0%}", row.progress
    if not row.step_count:
        return "", None
    return f"{row.steps_done}/{row.step_count}", row.steps_done / row.step_count if runs else None
