"""How long runs of one name, and their steps, took in the past."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stepflow_tui.core.comparison import PastStep
from stepflow_tui.core.models import Status
from stepflow_tui.store.queries import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNS = 30
"""Earlier runs that tell what is usual."""

_LOOKED_THROUGH = 1_000
_STEPS = 20_000


def earlier_completed(name: str, number: int, limit: int = RUNS) -> Query[int]:
    """Numbers of the completed executions of this name before `number`, the latest first.

    Of a name that nearly always fails, only the latest thousand runs are looked through.
    """
    sql = """SELECT e.number FROM executions e WHERE e.number IN (
            SELECT number FROM executions WHERE name = ? AND number < ?
            ORDER BY number DESC LIMIT ?)
        AND e.status = 'completed' ORDER BY e.number DESC LIMIT ?"""
    return Query(sql, (name, number, _LOOKED_THROUGH, limit), lambda row: int(row[0]))


def run_durations(numbers: Sequence[int]) -> Query[int]:
    """How long these executions took, in milliseconds; without those that nobody knows of."""
    sql = """SELECT duration_ms FROM executions
        WHERE number IN (SELECT value FROM json_each(?)) AND duration_ms IS NOT NULL
        ORDER BY number DESC LIMIT ?"""
    return Query(sql, (json.dumps(list(numbers)), RUNS), lambda row: int(row[0]))


def past_steps(numbers: Sequence[int]) -> Query[PastStep]:
    """The steps of these executions, the latest execution first, each in its order.

    At most 20,000 of them: where runs have thousands of steps, fewer runs tell what is usual.
    """
    sql = """SELECT execution, name, status, duration_ms FROM steps
        WHERE execution IN (SELECT value FROM json_each(?))
        ORDER BY execution DESC, step_index LIMIT ?"""
    return Query(
        sql,
        (json.dumps(list(numbers)), _STEPS),
        lambda row: PastStep(row[0], row[1], Status(row[2]), row[3]),
    )
