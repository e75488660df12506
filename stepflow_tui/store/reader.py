"""Read-only connections: a plain one for the command line, an asynchronous one for the dashboard.

Both open the database with `mode=ro`, run one short SELECT at a time, and never hold a
transaction between two calls.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from stepflow_tui.core.errors import (
    DatabaseDamaged,
    DatabaseTooNew,
    DatabaseTooOld,
    NoDatabase,
    NotADatabase,
    StoreProblem,
)
from stepflow_tui.core.paths import is_read_only
from stepflow_tui.store.queries import DATA_VERSION, IDENTITY, pulse
from stepflow_tui.store.schema import APPLICATION_ID, VERSION
from stepflow_tui.store.values import bindable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import aiosqlite

    from stepflow_tui.store.queries import Pulse, Query
    from stepflow_tui.store.transaction import Connection

T = TypeVar("T")

_BUSY_S = 2.0
_SETTINGS = ("PRAGMA query_only=ON", "PRAGMA mmap_size=0", "PRAGMA cache_size=-4000")


_UNDECODABLE = "Could not decode to UTF-8"


class TextProblem(StoreProblem):
    """A text of the database is no UTF-8."""


def _uri(path: Path) -> str:
    """The database, to read: on a read-only file system without a log, as it is for good.

    SQLite would want to make the files that readers share, and cannot.
    """
    wal = path.with_name(f"{path.name}-wal")
    as_it_is = "&immutable=1" if is_read_only(path) and not wal.exists() else ""
    return f"{path.absolute().as_uri()}?mode=ro{as_it_is}"


def _require(path: Path) -> None:
    if not path.exists():
        raise NoDatabase(f"no database in {path.parent} yet: nothing was run")


def check_identity(path: Path, application_id: int, version: int, tables: int) -> None:
    """Refuse a database that is not ours, or newer than this program.

    Raises:
        NoDatabase: the file is there and has no tables yet.
        NotADatabase: another program's file.
        DatabaseTooNew: it needs a newer program.
    """
    if not (application_id or version or tables):
        raise NoDatabase(f"{path} is empty: nothing was recorded yet")
    if application_id != APPLICATION_ID:
        raise NotADatabase(f"{path} is no StepFlow database; name another home with --home")
    if version > VERSION:
        raise DatabaseTooNew(
            f"{path} was written by a newer version (schema {version}, this program knows "
            f"{VERSION}); upgrade stepflow-tui"
        )


def _check_readable(path: Path, application_id: int, version: int, tables: int) -> None:
    check_identity(path, application_id, version, tables)
    if version < VERSION:
        raise DatabaseTooOld(
            f"{path} was written by an older version (schema {version}, this program reads "
            f"{VERSION}); bring it up to date: stepflow runner start"
        )


def problem(path: Path, error: sqlite3.Error) -> StoreProblem:
    """What an SQLite error means to the user."""
    if not path.exists():
        return NoDatabase(f"no database in {path.parent} yet: nothing was run")
    code = getattr(error, "sqlite_errorcode", None)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return DatabaseDamaged(
            f"{path} is damaged ({error}); stepflow runner start sets it aside and begins anew"
        )
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:  # only its making is written without WAL
        return NoDatabase(
            f"{path} was not finished, as its runner was killed; make it: stepflow runner start"
        )
    if _UNDECODABLE in str(error):
        return TextProblem(f"cannot read {path}: {error}")
    return StoreProblem(f"cannot read {path}: {error}")


def select(connection: Connection, path: Path, query: Query[T]) -> list[T]:
    """Every row of the result; the statement is over when this returns.

    Raises:
        DatabaseDamaged: the database at `path` is damaged, or holds what nobody has written.
        StoreProblem: it cannot be read.
    """
    try:
        rows = connection.execute(query.sql, query.parameters).fetchall()
    except (UnicodeEncodeError, OverflowError):
        bound = replace(query, parameters=bindable(query.parameters))
        return select(connection, path, bound)
    except sqlite3.Error as error:
        raise problem(path, error) from error
    return _read(path, query, rows)


def _read(path: Path, query: Query[T], rows: Iterable[tuple[Any, ...]]) -> list[T]:
    """What rows say.

    Raises:
        DatabaseDamaged: something that nobody has written.
    """
    try:
        return [query.read(row) for row in rows]
    except (ValueError, TypeError) as error:
        raise DatabaseDamaged(
            f"{path} is damaged ({error}); move it away, and a new one is made"
        ) from error


def decoded(text: bytes) -> str:
    """A text of the database; what is no UTF-8 in it is shown as such."""
    return text.decode("utf-8", "replace")


class Reader:
    """A read-only connection for the command line. Use it as a context manager.

    Raises:
        StoreProblem: on opening, if there is no database, or none that can be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _require(path)
        try:
            self._connection = sqlite3.connect(
                _uri(path), uri=True, timeout=_BUSY_S, isolation_level=None
            )
        except sqlite3.Error as error:
            raise problem(path, error) from error
        try:
            self._check()
        except BaseException:
            self._connection.close()
            raise

    def _check(self) -> None:
        _check_readable(self._path, *self.all(IDENTITY)[0])
        for setting in _SETTINGS:
            self._connection.execute(setting)

    def all(self, query: Query[T]) -> list[T]:
        """Every row of the result.

        Raises:
            StoreProblem: the database cannot be read.
        """
        try:
            return select(self._connection, self._path, query)
        except TextProblem:
            self._connection.text_factory = decoded
        return select(self._connection, self._path, query)

    def first(self, query: Query[T]) -> T | None:
        """The first row of the result, or None."""
        rows = self.all(query)
        return rows[0] if rows else None

    def data_version(self) -> int:
        """A number that changes whenever another connection commits.

        Raises:
            StoreProblem: the database cannot be read.
        """
        try:  # asked so often that the way through `all` would be half of its cost
            [(version,)] = self._connection.execute(DATA_VERSION.sql).fetchall()
        except sqlite3.Error as error:
            raise problem(self._path, error) from error
        return int(version)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncReader:
    """A read-only connection for the dashboard; its thread lives until `close`.

    Make one with `open`. One query at a time runs; what is asked meanwhile waits in line.
    """

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> AsyncReader:
        """Open the database at `path`.

        Raises:
            StoreProblem: there is none, or none that can be read.
        """
        import aiosqlite  # asyncio is dear, and only the dashboard needs it

        _require(path)
        try:
            connection = await aiosqlite.connect(
                _uri(path), uri=True, timeout=_BUSY_S, isolation_level=None
            )
        except sqlite3.Error as error:
            raise problem(path, error) from error
        reader = cls(path, connection)
        try:
            await reader._check()
        except BaseException:
            await connection.close()
            raise
        return reader

    async def _check(self) -> None:
        _check_readable(self._path, *(await self.all(IDENTITY))[0])
        await self._connection.executescript(";".join(_SETTINGS))  # in one hop

    async def all(self, query: Query[T]) -> list[T]:
        """Every row of the result, in one hop to the connection's thread.

        Raises:
            StoreProblem: the database cannot be read.
        """
        try:
            rows = await self._rows(query)
        except sqlite3.Error as error:
            raise problem(self._path, error) from error
        return _read(self._path, query, map(tuple, rows))

    async def _rows(self, query: Query[T]) -> Iterable[sqlite3.Row]:
        fetch = self._connection.execute_fetchall
        try:
            return await fetch(query.sql, query.parameters)
        except (UnicodeEncodeError, OverflowError):
            return await fetch(query.sql, bindable(query.parameters))
        except sqlite3.OperationalError as error:
            if _UNDECODABLE not in str(error):
                raise
            self._connection.text_factory = decoded  # slower, and hardly ever needed
            return await fetch(query.sql, query.parameters)

    async def first(self, query: Query[T]) -> T | None:
        """The first row of the result, or None."""
        rows = await self.all(query)
        return rows[0] if rows else None

    async def pulse(self, number: int, newest: int) -> Pulse:
        """How things stand; see `queries.pulse`."""
        return (await self.all(pulse(number, newest)))[0]

    async def close(self) -> None:
        """End the connection and its thread."""
        await self._connection.close()
