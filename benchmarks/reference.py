"""The way of the web tool: one aiosqlite connection, and a commit for each write.

Written afresh from its report: WAL, synchronous NORMAL, a cache of 10,000 pages, 256 MB mapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiosqlite

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_SCHEMA = """
CREATE TABLE executions (id INTEGER PRIMARY KEY, name TEXT, status TEXT, created_at REAL);
CREATE TABLE steps (id INTEGER PRIMARY KEY, execution INTEGER, name TEXT, status TEXT);
CREATE TABLE logs (id INTEGER PRIMARY KEY, execution INTEGER, line TEXT, created_at REAL);
CREATE INDEX logs_execution ON logs (execution);
CREATE INDEX steps_execution ON steps (execution);
"""
_WAL = """PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = 10000;
PRAGMA temp_store = memory; PRAGMA mmap_size = 268435456;"""
_ROLLBACK = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"


class WebTool:
    """A database as the web tool has it. Use it as an asynchronous context manager."""

    def __init__(self, path: Path, *, wal: bool = True) -> None:
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

    async def create(self, name: str, moment: float) -> int:
        """Insert an execution and commit; returns its number."""
        sql = "INSERT INTO executions (name, status, created_at) VALUES (?, 'running', ?)"
        cursor = await self._connection.execute(sql, (name, moment))
        await self._connection.commit()
        return cursor.lastrowid or 0

    async def append(self, execution: int, line: str, moment: float) -> None:
        """Insert a line and commit."""
        sql = "INSERT INTO logs (execution, line, created_at) VALUES (?, ?, ?)"
        await self._connection.execute(sql, (execution, line, moment))
        await self._connection.commit()

    async def finish(self, execution: int) -> None:
        """Update a status and commit."""
        sql = "UPDATE executions SET status = 'completed' WHERE id = ?"
        await self._connection.execute(sql, (execution,))
        await self._connection.commit()

    async def newest(self) -> list[tuple[object, ...]]:
        """The newest ten."""
        sql = "SELECT id, name, status, created_at FROM executions ORDER BY id DESC LIMIT 10"
        return [tuple(row) for row in await self._connection.execute_fetchall(sql)]

    async def tail(self, execution: int) -> list[tuple[object, ...]]:
        """The last twenty lines."""
        sql = "SELECT line FROM logs WHERE execution = ? ORDER BY id DESC LIMIT 20"
        return [tuple(row) for row in await self._connection.execute_fetchall(sql, (execution,))]
