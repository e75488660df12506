"""Which executions may be removed, which are due, and what they take on the disk.

One SELECT answers it for everybody: for who asks beforehand, and for who does it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.models import Status
from stepflow_tui.store.queries import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.store.queries import Row


class Entry(Struct, frozen=True):
    """An execution with what decides whether it may be removed.

    Attributes:
        is_open: output may still come.
        size: bytes of its log as it is stored, and of its artifacts; 0 if nobody asked.
    """

    number: int
    id: str
    name: str
    status: Status
    marked: bool
    is_open: bool
    step_count: int
    size: int

    @property
    def objection(self) -> str | None:
        """Why it must stay, in a sentence; None if it may be removed."""
        if not self.status.is_final:
            return (
                f"#{self.number} is {self.status.word}; stop it first: "
                f"stepflow cancel {self.number}"
            )
        if self.is_open:
            return f"#{self.number} has ended, but what it left behind still writes its log"
        if self.marked:
            return f"#{self.number} is marked; first run: stepflow mark --remove {self.number}"
        return None


class ClockLook(Struct, frozen=True):
    """What both clocks said when somebody looked, in milliseconds."""

    boot_id: str
    mono_ms: int
    wall_ms: int


class Limits(Struct, frozen=True):
    """What of the history is kept; None sets no limit.

    An execution that is marked, or not over, always stays.

    Attributes:
        ended_before: UTC milliseconds; those that ended earlier are due.
        count: so many of the newest stay.
        size: while all executions together take more bytes than that, the oldest are due.
        statuses: only these are due, and counted; None stands for every final status.
    """

    ended_before: int | None = None
    count: int | None = None
    size: int | None = None
    statuses: frozenset[Status] | None = None


MAY_GO = """e.status NOT IN ('pending', 'running') AND NOT e.marked
    AND NOT EXISTS (SELECT 1 FROM streams s WHERE s.execution = e.number AND s.is_open)"""
"""The condition, on a row `e` of `executions`, under which it may be removed."""

_SIZE = """
    coalesce((SELECT sum(length(c.body) + coalesce(length(c.arrivals), 0))
        FROM log_chunks c WHERE c.execution = e.number), 0)
    + coalesce((SELECT sum(a.size)
        FROM artifacts a WHERE a.execution = e.number AND a.stored IS NOT NULL), 0)
"""

_ENTRY = """SELECT e.number, e.id, e.name, e.status, e.marked,
    EXISTS (SELECT 1 FROM streams s WHERE s.execution = e.number AND s.is_open), e.step_count"""


def _entry(row: Row) -> Entry:
    number, execution, name, status, marked, is_open, steps, size = row
    return Entry(number, execution, name, Status(status), bool(marked), bool(is_open), steps, size)


def entries(ids: Sequence[str], *, sized: bool) -> Query[Entry]:
    """Those of these ids that are there, oldest first; `sized` with their sizes."""
    size = _SIZE if sized else "0"
    sql = f"""{_ENTRY}, {size} FROM executions e
        WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.number"""  # noqa: S608
    return Query(sql, (json.dumps(list(ids)),), _entry)


_DUE = f"""
WITH candidates AS MATERIALIZED (
    SELECT e.number, coalesce(e.finished_at, e.created_at) AS ended_at,
        row_number() OVER (ORDER BY e.number DESC) AS place
    FROM executions e
    WHERE {MAY_GO} AND (? IS NULL OR e.status IN (SELECT value FROM json_each(?)))),
stale AS MATERIALIZED (
    SELECT number FROM candidates WHERE ended_at < ? OR place > ?),
sizes AS MATERIALIZED (
    SELECT e.number, {_SIZE} AS size FROM executions e
    WHERE ? IS NOT NULL AND e.number NOT IN stale),
rest AS MATERIALIZED (
    SELECT number, (SELECT sum(size) FROM sizes) - coalesce(sum(size) OVER (
        ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS size
    FROM sizes WHERE number IN (SELECT number FROM candidates))
{_ENTRY}, {_SIZE} FROM executions e
WHERE e.number IN stale OR e.number IN (SELECT number FROM rest WHERE size > ?)
ORDER BY e.number
"""  # noqa: S608 - put together from constants; values are bound


def due(limits: Limits) -> Query[Entry]:
    """What these limits leave no room for, oldest first, with sizes."""
    statuses = limits.statuses
    words = None if statuses is None else json.dumps([status.value for status in statuses])
    figures = map(_storable, (limits.ended_before, limits.count, limits.size, limits.size))
    return Query(_DUE, (words, words, *figures), _entry)


def _storable(figure: int | None) -> int | None:
    """The figure, or the nearest that the database can compare with."""
    return None if figure is None else max(-(2**63), min(figure, 2**63 - 1))


def removed_with_log() -> Query[int]:
    """Numbers of executions that are removed but for their logs: somebody was interrupted."""
    sql = """SELECT number FROM tombstones t
        WHERE EXISTS (SELECT 1 FROM log_chunks c WHERE c.execution = t.number) ORDER BY number"""
    return Query(sql, (), lambda row: int(row[0]))


def clock_look() -> Query[ClockLook]:
    """The look at the clocks that is kept."""
    sql = "SELECT boot_id, mono_ms, wall_ms FROM clock_look"
    return Query(sql, (), lambda row: ClockLook(*row))
