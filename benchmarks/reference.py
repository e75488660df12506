"""The way of the web tool: one aiosqlite connection, and a commit for each write.

Written afresh from its report: WAL, synchronous NORMAL, a cache of 10,000 pages, 256 MB mapped, a
row for each line. An execution has as many columns as ours, and its JSON is read, so that both do
the same work.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiosqlite
from msgspec.structs import fields

from stepflow_tui.core.models import Execution

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_JSON = frozenset({"command", "tags", "metadata", "env", "warnings", "limits"})
_COLUMNS = tuple(field.name for field in fields(Execution) if field.name != "number")
_NAMES = ", ".join(_COLUMNS)
_SCHEMA = f"""
CREATE TABLE executions (number INTEGER PRIMARY KEY AUTOINCREMENT, {_NAMES}, UNIQUE (id));
CREATE INDEX executions_status ON executions (status);
CREATE INDEX executions_created ON executions (created_at);
CREATE TABLE logs (id INTEGER PRIMARY KEY, execution INTEGER, line TEXT, created_at REAL);
CREATE INDEX logs_execution ON logs (execution);
"""
_WAL = """PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = 10000;
PRAGMA temp_store = memory; PRAGMA mmap_size = 268435456;"""
_ROLLBACK = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
_INSERT = f"INSERT INTO executions ({_NAMES}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our own names
_NEWEST = f"SELECT number, {_NAMES} FROM executions ORDER BY number DESC LIMIT 10"  # noqa: S608
_TAIL = "SELECT line FROM logs WHERE execution = ? ORDER BY id DESC LIMIT 20"
_APPEND = "INSERT INTO logs (execution, line, created_at) VALUES (?, ?, ?)"
_FINISH = """UPDATE executions SET status = 'completed', finished_at = ?, duration_ms = ?,
    exit_code = 0 WHERE number = ?"""


class WebTool:
    """A database as the web tool has it. Use it as an asynchronous context manager."""

    def __init__(self, path: Path, *, wal: bool = True) -> None:
        """Names the file.

        Args:
            path: of the database.
            wal: as it is after its optimisation; False is as it was before.
        """
        self._path = path
        self._wal = wal

    async def __aenter__(self) -> Self:
        self._connection = await aiosqlite.connect(self._path)
        await self._connection.executescript((_WAL if self._wal else _ROLLBACK) + _SCHEMA)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connection.close()

    async def create(self, execution: Execution) -> int:
        """Insert an execution and commit; returns its number."""
        row = [_stored(name, getattr(execution, name)) for name in _COLUMNS]
        cursor = await self._connection.execute(_INSERT, row)
        await self._connection.commit()
        return cursor.lastrowid or 0

    async def append(self, number: int, line: str, moment: float) -> None:
        """Insert a line and commit."""
        await self._connection.execute(_APPEND, (number, line, moment))
        await self._connection.commit()

    async def finish(self, number: int, moment: int) -> None:
        """Update a status and commit."""
        await self._connection.execute(_FINISH, (moment, 5000, number))
        await self._connection.commit()

    async def newest(self) -> list[dict[str, Any]]:
        """The newest ten."""
        return [_read(tuple(row)) for row in await self._connection.execute_fetchall(_NEWEST)]

    async def tail(self, number: int) -> list[str]:
        """The last twenty lines."""
        rows = await self._connection.execute_fetchall(_TAIL, (number,))
        return [row[0] for row in rows][::-1]


def _stored(name: str, value: object) -> object:
    return json.dumps(value) if name in _JSON else value


def _read(row: tuple[Any, ...]) -> dict[str, Any]:
    found = dict(zip(("number", *_COLUMNS), row, strict=True))
    return found | {name: json.loads(found[name]) for name in _JSON}
