"""What stands in a row of the list of executions, with the component class of its style."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.durations import format_age, format_duration
from stepflow_tui.core.glyphs import GLYPHS, MARK
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line
from stepflow_tui.store.listing import RECENT, Sort
from stepflow_tui.tui.clock import execution_time
from stepflow_tui.tui.executions.columns import MOST_NAME, bar, fit, fit_right
from stepflow_tui.tui.executions.outlook import outlook

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Instant
    from stepflow_tui.store.listing import Group, Order
    from stepflow_tui.tui.executions.columns import Columns
    from stepflow_tui.tui.executions.usual import Past
    from stepflow_tui.tui.widgets.line import Part

DIM, FAINT, STRONG, CHOSEN = "rows--dim", "rows--faint", "rows--strong", "rows--chosen"

_LEAST_NAME = 12
_MINUTE_MS = 60_000

_SIGN = "▌"
_UP, _DOWN = "▴", "▾"

_HEADS = {
    "number": "#",
    "name": "NAME",
    "status": "STATUS",
    "progress": "DONE",
    "time": "TIME",
    "age": "AGE",
    "tags": "TAGS",
}
_AT_THE_RIGHT = ("number", "progress", "time", "age")


class Clocks(Struct, frozen=True):
    """The parts of a row that change as time goes by."""

    time: str
    age: str
    share: float | None
    left: str


def clocks(execution: Execution, past: Past | None, moment: Instant) -> Clocks:
    """How long it has run, how old it is, how far it is, and how long it will take."""
    ahead = outlook(execution, past, moment)
    share = None if ahead.share is None else round(ahead.share, 2)
    left = ""
    if ahead.left_ms is not None:
        left = f"{'~' if ahead.left_ms >= 0 else '+'}{format_age(abs(ahead.left_ms))}"
    age = _age(moment.wall_ms - execution.created_at)
    return Clocks(execution_time(execution, moment), age, share, left)


def _age(ms: int) -> str:
    """Nothing moves from second to second that nobody waits for."""
    return format_age(ms) if ms >= _MINUTE_MS else "<1m"


def execution_cells(
    execution: Execution, clocks: Clocks, columns: Columns, *, is_chosen: bool
) -> list[Part]:
    """The row of an execution.

    Args:
        execution: which one.
        clocks: see `clocks`.
        columns: what fits.
        is_chosen: it is one of several that were selected.
    """
    parts = [_sign(is_chosen=is_chosen)]
    for column in columns.shown:
        width = columns.width_of(column)
        if column == "number":
            parts.append((fit_right(str(execution.number), width), DIM))
        elif column == "name":
            parts += _name(execution, width)
        elif column == "status":
            parts.append(_status(execution.status, width, execution.word))
        elif column == "progress":
            parts += _progress(execution, clocks, columns)
        elif column == "time":
            parts.append((fit_right(clocks.time, width), DIM))
        elif column == "age":
            parts.append((fit_right(clocks.age, width), FAINT))
        else:
            parts.append((fit(clean_line(" ".join(execution.tags)), width), FAINT))
        parts.append((" ", ""))
    return parts


def _sign(*, is_chosen: bool) -> Part:
    return (_SIGN, CHOSEN) if is_chosen else (" ", "")


def _name(execution: Execution, width: int) -> list[Part]:
    name, style = clean_line(execution.name), _name_style(execution.status)
    if not execution.marked or width < len(MARK) + 2:
        return [(fit(name, width), style)]
    return [(fit(name, width - 2), style), (f" {MARK}", DIM)]


def _name_style(status: Status) -> str:
    return STRONG if status is Status.RUNNING else ""


def _status(status: Status, width: int, said: str | None = None) -> Part:
    word = f" {said or status.word}" if width > 1 else ""
    return fit(GLYPHS[status] + word, width), f"status--{status}"


def _progress(execution: Execution, clocks: Clocks, columns: Columns) -> list[Part]:
    """A bar, what the script says of its progress or else its steps, and the time left."""
    parts: list[Part] = []
    if columns.bar:
        parts += _bar(clocks.share, columns.bar)
    parts.append((fit_right(_share(execution, clocks.share), columns.progress), DIM))
    if columns.left:
        parts.append((" " + fit_right(clocks.left, columns.left), DIM))
    return parts


def _bar(share: float | None, width: int) -> list[Part]:
    if share is None:
        return [(" " * (width + 1), "")]
    full, empty = bar(share, width)
    return [(full, "status--running"), (empty, FAINT), (" ", "")]


def _share(execution: Execution, share: float | None) -> str:
    if share is not None and (execution.progress is not None or not execution.step_count):
        return f"{share:.0%}"
    if not execution.step_count:
        return ""
    return f"{execution.steps_done}/{execution.step_count}"


def execution_heads(columns: Columns, order: Order) -> list[Part]:
    """The line above the rows: the column that they are sorted by has an arrow."""
    parts: list[Part] = [(" ", "")]
    for column in columns.shown:
        width = columns.width_of(column)
        style = DIM if column == order.sort else FAINT
        if column == "progress" and columns.left:
            head = _head(column, width - columns.left - 1, order)
            parts += [(head, style), (" " + fit_right("LEFT", columns.left), FAINT), (" ", "")]
        else:
            parts += [(_head(column, width, order), style), (" ", "")]
    return parts


def _head(column: str, width: int, order: Order) -> str:
    title = _HEADS[column]
    if column == order.sort:
        title += _DOWN if order.descends else _UP
    if len(title) > width:
        title = title[-1] if column == order.sort else ""
    return fit_right(title, width) if column in _AT_THE_RIGHT else fit(title, width)


class GroupColumns(Struct, frozen=True):
    """Widths in cells of what the list of names shows; 0 leaves it out."""

    name: int
    status: int
    results: int = RECENT
    count: int = 0
    median: int = 0
    age: int = 0

    @property
    def total(self) -> int:
        """Cells of a row."""
        shown = (self.name, self.status, self.results, self.count, self.median, self.age)
        return 1 + sum(width + 1 for width in shown if width)


@lru_cache(maxsize=64)
def group_columns(width: int) -> GroupColumns:
    """What fits into so many cells."""
    found = GroupColumns(max(1, width - GroupColumns(0, 1).total - 1), 1)
    for count, status, median, age in (
        (6, 1, 0, 0),
        (6, 1, 7, 0),
        (6, 11, 7, 0),
        (6, 11, 7, 4),
    ):
        least = GroupColumns(0, status, count=count, median=median, age=age)
        name = width - least.total - 1
        if name >= _LEAST_NAME:
            found = GroupColumns(min(name, MOST_NAME), status, count=count, median=median, age=age)
    return found


def group_cells(
    group: Group, latest: Execution, past: Past | None, columns: GroupColumns, age: str
) -> list[Part]:
    """The row of a name: its latest status, its last ten results, how many, how long."""
    parts: list[Part] = [(" ", "")]
    style = _name_style(latest.status)
    parts.append((fit(clean_line(group.name), columns.name) + " ", style))
    text, style = _status(latest.status, columns.status)
    parts += [(text + " ", style), *results_strip(past), (" ", "")]
    if columns.count:
        parts.append((fit_right(f"{group.count:,}", columns.count) + " ", DIM))
    if columns.median:
        usual = format_duration(past.median_ms) if past else ""
        parts.append((fit_right(usual, columns.median) + " ", DIM))
    if columns.age:
        parts.append((fit_right(age, columns.age) + " ", FAINT))
    return parts


def results_strip(past: Past | None) -> list[Part]:
    """The last results as glyphs, the latest at the right."""
    results = past.results if past else ()
    missing: list[Part] = [(" " * (RECENT - len(results)), "")]
    return missing + [(GLYPHS[status], f"status--{status}") for status in results]


def group_heads(columns: GroupColumns, order: Order) -> list[Part]:
    """The line above the rows of names."""
    by_name = order.sort is Sort.NAME
    name, results = "NAME", "LAST TEN"
    if by_name:
        name += _DOWN if order.reverse else _UP
    else:
        results += _UP if order.reverse else _DOWN
    parts: list[Part] = [
        (" " + fit(name, columns.name) + " ", DIM if by_name else FAINT),
        (fit("LATEST" if columns.status > 1 else "", columns.status) + " ", FAINT),
        (fit(results, columns.results) + " ", FAINT if by_name else DIM),
    ]
    for title, width in (("RUNS", columns.count), ("MEDIAN", columns.median), ("AGE", columns.age)):
        if width:
            parts.append((fit_right(title, width) + " ", FAINT))
    return parts
