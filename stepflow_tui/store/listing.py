"""Lists of executions that pass a filter: in any order, as groups, and what is usual of a name."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.filters import Key
from stepflow_tui.core.models import Status
from stepflow_tui.store.queries import EXECUTION, Query, read_execution
from stepflow_tui.store.values import Columns, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.filters import Filter, Term
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.queries import Row

MAX_LISTED = 200_000
"""A list that is filtered or sorted ends after so many."""

MAX_GROUPS = 5_000
RECENT = 10
"""Runs of a name whose results are shown."""

_USUAL, _LOOKED_THROUGH = 20, 2_000

_HOLDS: dict[Key, str] = {
    Key.STATUS: "e.status = ?",
    Key.TAG: "e.tags <> '[]' AND EXISTS"
    " (SELECT 1 FROM json_each(e.tags) t WHERE instr(lower(t.value), lower(?)))",
    Key.NAME: "instr(lower(e.name), lower(?))",
    Key.USER: "instr(lower(e.user), lower(?))",
    Key.SINCE: "e.created_at >= ?",
    Key.UNTIL: "e.created_at < ?",
    Key.MARKED: "e.marked = ?",
    Key.TEXT: "instr(lower(e.name), lower(?1)) OR instr(lower(coalesce(e.note, '')), lower(?1))"
    " OR EXISTS (SELECT 1 FROM json_each(e.tags) t WHERE instr(lower(t.value), lower(?1)))"
    " OR EXISTS (SELECT 1 FROM json_each(e.command) w WHERE instr(lower(w.value), lower(?1)))",
}
_HOLDS_EXACTLY: dict[Key, str] = {
    Key.TAG: "e.tags <> '[]' AND EXISTS"
    " (SELECT 1 FROM json_each(e.tags) t WHERE t.value = CAST(? AS TEXT))",
    Key.NAME: "e.name = CAST(? AS TEXT)",
    Key.USER: "e.user = CAST(? AS TEXT)",
}


def _condition(wanted: Filter, now_ms: int) -> tuple[str, list[object]]:
    """An SQL condition (`1` if all pass) and its parameters."""
    conditions, parameters = list[str](), list[object]()
    alternatives: defaultdict[object, list[Term]] = defaultdict(list)
    for term in wanted.terms:
        alone = term.negated or term.key is Key.TEXT
        alternatives[term if alone else term.key].append(term)
    for terms in alternatives.values():
        either = _joined("OR", [_holds(term, parameters, now_ms) for term in terms])
        conditions.append(f"NOT ({either})" if terms[0].negated else either)
    return _joined("AND", conditions) if conditions else "1", parameters


def _joined(operator: str, conditions: Sequence[str]) -> str:
    """Conditions with an operator between them, nested evenly: SQLite allows a depth of 1,000."""
    if len(conditions) == 1:
        return f"({conditions[0]})"
    half = len(conditions) // 2
    first, rest = _joined(operator, conditions[:half]), _joined(operator, conditions[half:])
    return f"({first} {operator} {rest})"


def _holds(term: Term, parameters: list[object], now_ms: int) -> str:
    value: object = term.value
    if term.key in (Key.SINCE, Key.UNTIL):
        value = term.moment_ms(now_ms)
    elif term.key is Key.MARKED:
        value = int(term.value == "yes")
    sql = (_HOLDS_EXACTLY if term.exact else _HOLDS)[term.key]
    if term.key is Key.TEXT:
        sql = sql.replace("?1", "?")
    parameters += [value] * sql.count("?")
    return sql


def newest(limit: int, wanted: Filter, now_ms: int) -> Query[Execution]:
    """The newest executions that pass the filter, newest first."""
    condition, parameters = _condition(wanted, now_ms)
    sql = f"{EXECUTION} WHERE {condition} ORDER BY e.number DESC LIMIT ?"
    return Query(sql, (*parameters, limit), read_execution)


class Sort(StrEnum):
    """What a list of executions is sorted by."""

    NUMBER = "number"
    NAME = "name"
    STATUS = "status"
    PROGRESS = "progress"
    TIME = "time"
    AGE = "age"
    TAGS = "tags"

    @property
    def descends(self) -> bool:
        """Whether the largest comes first, unless it is turned round."""
        return self in (Sort.NUMBER, Sort.PROGRESS, Sort.TIME)


_RANKS = "pending", "failed", "timed_out", "lost", "cancelled", "completed"
_SORTED_BY: dict[Sort, str] = {
    Sort.NUMBER: "e.number",
    Sort.NAME: "e.name COLLATE NOCASE",
    Sort.STATUS: "CASE e.status"
    + "".join(f" WHEN '{word}' THEN {rank}" for rank, word in enumerate(_RANKS, 1))
    + " ELSE 0 END",
    Sort.PROGRESS: "coalesce(e.progress, e.steps_done * 1.0 / nullif(e.step_count, 0))",
    Sort.TIME: "coalesce(e.duration_ms, :now - e.started_at)",
    Sort.AGE: "-e.created_at",
    Sort.TAGS: "nullif(e.tags, '[]') COLLATE NOCASE",
}


class Order(Struct, frozen=True):
    """In which order executions are listed.

    Attributes:
        reverse: against the column's own direction.
    """

    sort: Sort = Sort.NUMBER
    reverse: bool = False

    @property
    def descends(self) -> bool:
        """Whether the largest comes first."""
        return self.sort.descends != self.reverse

    def clause(self, now_ms: int) -> str:
        """What stands behind ORDER BY; what has no value comes last, of equals the newest first."""
        by = _SORTED_BY[self.sort].replace(":now", str(int(now_ms)))
        direction = "DESC" if self.descends else "ASC"
        newest_first = "" if self.sort is Sort.NUMBER else ", e.number DESC"
        return f"{by} {direction} NULLS LAST{newest_first}"


NEWEST_FIRST = Order()


def numbers(
    wanted: Filter, order: Order, now_ms: int, *, held: int | None = None
) -> Query[array[int]]:
    """The numbers of those that pass the filter, in this order, in one row; one more than listed.

    Args:
        wanted: what has to hold.
        order: how they are sorted.
        now_ms: what ages are counted from.
        held: this one is listed at any rate.
    """
    condition, parameters = _condition(wanted, now_ms)
    if held is not None and wanted.terms:
        condition, parameters = f"({condition}) OR e.number = ?", [*parameters, held]
    sql = f"""SELECT group_concat(number) FROM (SELECT e.number FROM executions e
        WHERE {condition} ORDER BY {order.clause(now_ms)} LIMIT ?)"""  # noqa: S608 - of constants; values are bound
    return Query(sql, (*parameters, MAX_LISTED + 1), _numbers)


def _numbers(row: Row) -> array[int]:
    return array("Q", map(int, row[0].split(","))) if row[0] else array("Q")


def changed_among(numbers: Sequence[int], since: int) -> Query[Execution]:
    """Those of these executions that changed after revision `since`, in no order."""
    among = "WHERE e.number IN (SELECT value FROM json_each(?)) AND e.rev > ?"
    sql = f"{EXECUTION} {among}"
    return Query(sql, (json.dumps(list(numbers)), since), read_execution)


class Group(Struct, frozen=True):
    """The executions of one name.

    Attributes:
        count: how many pass the filter.
        latest: the number of the newest of them.
    """

    name: str
    count: int
    latest: int


_GROUP_COLUMNS = Columns((Kind.TEXT, Kind.INTEGER, Kind.INTEGER))


def groups(wanted: Filter, order: Order, now_ms: int) -> Query[Group]:
    """What passes the filter by name: sorted by name, or the latest run first."""
    condition, parameters = _condition(wanted, now_ms)
    by = "e.name COLLATE NOCASE" if order.sort is Sort.NAME else "-max(e.number)"
    direction = "DESC" if order.reverse else "ASC"
    sql = f"""SELECT e.name, count(*), max(e.number) FROM executions e WHERE {condition}
        GROUP BY e.name ORDER BY {by} {direction} LIMIT ?"""  # noqa: S608 - of constants; values are bound
    return Query(sql, (*parameters, MAX_GROUPS), lambda row: Group(*_GROUP_COLUMNS.checked(row)))


class Run(Struct, frozen=True):
    """One of the latest runs of a name."""

    name: str
    number: int
    status: Status
    duration_ms: int | None
    step_count: int


_RUN_COLUMNS = Columns((Kind.TEXT, Kind.INTEGER, Kind.TEXT, Kind.MAYBE_INTEGER, Kind.INTEGER))


def _run(row: Row) -> Run:
    row = _RUN_COLUMNS.checked(row)
    return Run(row[0], row[1], Status(row[2]), row[3], row[4])


def recent_runs(names: Sequence[str]) -> Query[Run]:
    """The latest runs of each of these names, the latest first."""
    sql = """SELECT e.name, e.number, e.status, e.duration_ms, e.step_count
        FROM json_each(?) g CROSS JOIN executions e ON e.number IN (SELECT number FROM executions
            WHERE name = g.value ORDER BY number DESC LIMIT ?)
        ORDER BY e.number DESC"""
    return Query(sql, (json.dumps(list(names)), RECENT), _run)


def completed_runs(names: Sequence[str]) -> Query[Run]:
    """The latest completed runs of each of these names, of its latest 2,000, latest first."""
    sql = """SELECT e.name, e.number, e.status, e.duration_ms, e.step_count
        FROM json_each(?) g CROSS JOIN executions e ON e.number IN (SELECT number FROM executions
            WHERE name = g.value AND status = 'completed' AND duration_ms IS NOT NULL
            AND number > coalesce((SELECT number FROM executions WHERE name = g.value
                ORDER BY number DESC LIMIT 1 OFFSET ?), 0)
            ORDER BY number DESC LIMIT ?)
        ORDER BY e.number DESC"""
    return Query(sql, (json.dumps(list(names)), _LOOKED_THROUGH, _USUAL), _run)


def recent_names() -> Query[str]:
    """Names of the newest executions, the latest first, for completion."""
    sql = """SELECT name FROM (SELECT name, number FROM executions ORDER BY number DESC LIMIT 1000)
        GROUP BY name ORDER BY max(number) DESC LIMIT 200"""
    return Query(sql, (), _text)


def recent_users() -> Query[str]:
    """Users of the newest executions, for completion."""
    sql = """SELECT DISTINCT user FROM (SELECT user FROM executions ORDER BY number DESC LIMIT 1000)
        ORDER BY user LIMIT 50"""
    return Query(sql, (), _text)


_TEXT_COLUMN = Columns((Kind.TEXT,))


def _text(row: Row) -> str:
    return str(_TEXT_COLUMN.checked(row)[0])
