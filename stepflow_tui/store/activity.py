"""How many executions ended lately, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.store.queries import Query

if TYPE_CHECKING:
    from stepflow_tui.store.queries import Row

MAX_FAILED = 1_000
"""More failed ones are not counted."""

_NEWEST = 3_000
"""So many executions are looked at, however long the history is."""


class Ended(Struct, frozen=True):
    """Executions that ended within a span of time.

    Attributes:
        span: which one, counted from the beginning.
        count: all of them.
        failed: those that failed, ran out of time or were lost.
    """

    span: int
    count: int
    failed: int


def ended_since(since_ms: int, span_ms: int) -> Query[Ended]:
    """What ended since a moment, by spans of time; spans in which nothing did are left out."""
    sql = """SELECT (finished_at - ?) / ?, count(*),
            sum(status IN ('failed', 'timed_out', 'lost'))
        FROM (SELECT finished_at, status FROM executions ORDER BY number DESC LIMIT ?)
        WHERE finished_at >= ? GROUP BY 1 ORDER BY 1"""
    return Query(sql, (since_ms, span_ms, _NEWEST, since_ms), lambda row: Ended(*row))


def failed_since(since_ms: int) -> Query[int]:
    """How many failed, ran out of time or were lost since a moment, up to `MAX_FAILED` of each."""
    sql = """SELECT count(*) FROM json_each('["failed", "timed_out", "lost"]') s
        CROSS JOIN executions e ON e.number IN (SELECT number FROM executions
            WHERE status = s.value ORDER BY number DESC LIMIT ?)
        WHERE e.finished_at >= ?"""
    return Query(sql, (MAX_FAILED, since_ms), _count)


def _count(row: Row) -> int:
    return int(row[0])
