"""Looking up executions and steps by a part of their names, among the newest only."""

from __future__ import annotations

from msgspec import Struct

from stepflow_tui.core.models import Status
from stepflow_tui.store.queries import Query, Row
from stepflow_tui.store.values import Columns, Kind

_NEWEST = 5000
"""Executions that are looked through, so that an answer comes while one types."""


class Found(Struct, frozen=True):
    """An execution, or a step of one.

    Attributes:
        number, name, status: of the execution, or status of the step.
        step, step_name: of the step; None for an execution.
        first_line: where the step begins, from 1.
    """

    number: int
    name: str
    status: Status
    step: int | None = None
    step_name: str | None = None
    first_line: int = 1


_EXECUTION_COLUMNS = Columns((Kind.INTEGER, Kind.TEXT, Kind.TEXT))
_STEP_COLUMNS = Columns((*_EXECUTION_COLUMNS.kinds, Kind.INTEGER, Kind.TEXT, Kind.INTEGER))


def _found(row: Row) -> Found:
    is_step = len(row) == len(_STEP_COLUMNS.kinds)
    row = (_STEP_COLUMNS if is_step else _EXECUTION_COLUMNS).checked(row)
    return Found(row[0], row[1], Status(row[2]), *row[3:])


def executions_like(text: str, limit: int) -> Query[Found]:
    """The newest executions whose name holds this text, or whose number begins with it."""
    sql = """SELECT number, name, status
        FROM (SELECT number, name, status FROM executions ORDER BY number DESC LIMIT ?)
        WHERE instr(lower(name), lower(?)) OR number LIKE ? ORDER BY number DESC LIMIT ?"""
    digits = f"{text}%" if text.isascii() and text.isdecimal() else ""
    return Query(sql, (_NEWEST, text, digits, limit), _found)


def steps_like(text: str, limit: int) -> Query[Found]:
    """The steps of the newest executions whose name holds this text."""
    sql = """SELECT e.number, e.name, s.status, s.step_index, s.name, s.first_line
        FROM (SELECT number, name FROM executions ORDER BY number DESC LIMIT ?) e
        JOIN steps s ON s.execution = e.number
        WHERE instr(lower(s.name), lower(?)) ORDER BY e.number DESC, s.step_index LIMIT ?"""
    return Query(sql, (_NEWEST, text, limit), _found)
