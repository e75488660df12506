"""A connection of apsw in the place of one of sqlite3, for a VFS of our own below it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import apsw

from stepflow_tui.store import wal
from tests.faults.sectors import Sectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.faults.sectors import Disk

_SYNCHRONOUS = "PRAGMA synchronous="
_CHECKPOINT = "PRAGMA wal_checkpoint"

_KINDS: dict[type[apsw.Error], type[sqlite3.DatabaseError]] = {
    apsw.ConstraintError: sqlite3.IntegrityError,
    apsw.MismatchError: sqlite3.IntegrityError,
    apsw.CorruptError: sqlite3.DatabaseError,
    apsw.NotADBError: sqlite3.DatabaseError,
}


class Rows:
    """A result that is read already."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchall(self) -> list[Any]:
        return self._rows


class ApswConnection:
    """Speaks as sqlite3 does, errors included.

    Args:
        synchronous: put in the place of every value that is asked for.
    """

    def __init__(self, path: Path, vfs: str, synchronous: str | None = None) -> None:
        self._synchronous = synchronous
        try:
            self._connection = apsw.Connection(str(path), vfs=vfs)
        except apsw.Error as error:
            raise _translated(error) from error
        if synchronous is not None:
            self.execute(f"{_SYNCHRONOUS}{synchronous}")

    def execute(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Rows:
        if self._synchronous is not None and sql.startswith(_SYNCHRONOUS):
            sql = f"{_SYNCHRONOUS}{self._synchronous}"
        try:
            rows = self._connection.execute(sql, parameters).fetchall()
            return Rows(rows, self._connection.changes())
        except apsw.Error as error:
            if _is_passed_over(sql, error):
                return Rows([], 0)
            raise _translated(error) from error

    def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]], /) -> object:
        try:
            return self._connection.executemany(sql, parameters)
        except apsw.Error as error:
            raise _translated(error) from error

    def close(self) -> None:
        with suppress(apsw.Error):  # SQLite does not tell of a last checkpoint that failed
            self._connection.close()

    def abandon(self) -> None:
        """End without a last checkpoint, as a process that is killed."""
        with suppress(apsw.ConnectionClosedError):
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._connection.close(force=True)


@contextmanager
def mounted(
    disk: Disk, synchronous: str | None = None
) -> Iterator[Callable[[Path], ApswConnection]]:
    """How to connect to a database on `disk`; at the end the process is dead."""
    sectors, opened = Sectors(disk), list[ApswConnection]()

    def connect(path: Path) -> ApswConnection:
        opened.append(ApswConnection(path, sectors.name, synchronous))
        return opened[-1]

    try:
        with patch.object(wal, "write_anew", disk.write_anew):
            yield connect
    finally:
        for connection in opened:
            connection.abandon()
        sectors.unregister()


def _is_passed_over(sql: str, error: apsw.Error) -> bool:
    """Whether apsw alone tells of it: to SQLite a commit stands though the WAL stays too long."""
    return _code(error) == apsw.SQLITE_IOERR_TRUNCATE and not sql.startswith(_CHECKPOINT)


def _translated(error: apsw.Error) -> sqlite3.Error:
    kind = _KINDS.get(type(error), sqlite3.OperationalError)
    translation = kind(str(error) or type(error).__name__)
    translation.sqlite_errorcode = _code(error)
    return translation


def _code(error: apsw.Error) -> int:
    return int(getattr(error, "extendedresult", apsw.SQLITE_ERROR))
