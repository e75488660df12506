"""Questions about how a home fares, beside those that everybody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.models import Status
from stepflow_tui.store.queries import Query

if TYPE_CHECKING:
    from stepflow_tui.store.queries import Row


class OpenSpool(Struct, frozen=True):
    """An execution that more output may come from.

    Attributes:
        number, id, name, status: of the execution.
        offset: the bytes of its spool that were read.
    """

    number: int
    id: str
    name: str
    status: Status
    offset: int


def open_spools(limit: int) -> Query[OpenSpool]:
    """Executions that are not over, or that more output may come from, the oldest first.

    Args:
        limit: at most so many; a negative one means all.
    """
    sql = """SELECT e.number, e.id, e.name, e.status, s.spool_offset
        FROM (SELECT execution FROM streams WHERE is_open UNION
            SELECT number FROM executions WHERE status IN ('pending', 'running')) o
        JOIN executions e ON e.number = o.execution JOIN streams s ON s.execution = o.execution
        ORDER BY e.number LIMIT ?"""
    return Query(sql, (limit,), _open_spool)


def _open_spool(row: Row) -> OpenSpool:
    return OpenSpool(row[0], row[1], row[2], Status(row[3]), row[4])
