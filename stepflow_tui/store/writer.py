"""The one connection that makes every commit and every checkpoint. Only the runner has it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from stepflow_tui.core.errors import NoDatabase, StoreProblem
from stepflow_tui.store.queries import IDENTITY
from stepflow_tui.store.reader import check_identity, problem, select
from stepflow_tui.store.schema import APPLICATION_ID, MIGRATIONS, VERSION
from stepflow_tui.store.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stepflow_tui.store.queries import Query
    from stepflow_tui.store.transaction import Connection

T = TypeVar("T")

_DURABLE_EVERY_S = 1.0
_CHECKPOINT_BYTES = 4 * 1024 * 1024
_CHECKPOINT_EVERY_S = 1.0
_WAL_LIMIT = 16 * 1024 * 1024
_WAL_ALARM = 64 * 1024 * 1024
_RESTART_EVERY_S = 5.0
_COMMIT_OVERHEAD = 16 * 1024


class WriteFailed(StoreProblem):
    """A transaction was not committed; nothing of it is in the database. Worth another try."""


def _connect(path: Path) -> Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


class Writer:
    """Opens, makes or upgrades the database at `path` and writes it.

    Raises:
        StoreProblem: the file is damaged, no database, of a newer version, or cannot be written.
    """

    def __init__(self, path: Path, connect: Callable[[Path], Connection] = _connect) -> None:
        self._path = path
        self.commits = 0
        self.commit_ms = 0.0
        self._durable_at = 0.0
        self.is_durable = False
        self._restarted_at = 0.0
        self._checkpointed_at = time.monotonic()
        self._uncheckpointed = 0
        try:
            self._connection = connect(path)
        except sqlite3.Error as error:
            raise problem(path, error) from error
        with ExitStack() as on_error:
            on_error.callback(self._connection.close)
            self._open()
            on_error.pop_all()

    def _open(self) -> None:
        try:
            self._configure()
            self._migrate()
        except sqlite3.Error as error:
            raise problem(self._path, error) from error

    def _pragma(self, text: str) -> Any:  # noqa: ANN401 - a PRAGMA answers as it likes
        rows = self._connection.execute(f"PRAGMA {text}").fetchall()
        return rows[0][0] if rows else None

    def _configure(self) -> None:
        with suppress(NoDatabase):
            check_identity(self._path, *self.all(IDENTITY)[0])
        self._pragma("auto_vacuum=INCREMENTAL")  # before the first table, or it takes no effect
        if self._pragma("journal_mode=WAL") != "wal":
            raise StoreProblem(f"{self._path} lies on a file system without WAL; use a local one")
        for setting in (
            "synchronous=NORMAL",
            "busy_timeout=5000",
            "wal_autocheckpoint=0",
            f"journal_size_limit={_WAL_LIMIT}",
            "foreign_keys=ON",
            "cache_size=-16000",
            "temp_store=MEMORY",
            "mmap_size=0",
            "trusted_schema=OFF",
            "cell_size_check=ON",
        ):
            self._pragma(setting)

    def _migrate(self) -> None:
        version = self._pragma("user_version")
        if version < VERSION:
            self._pragma("synchronous=FULL")
            self._connection.execute("BEGIN IMMEDIATE")  # nobody sees a schema in between
            for migration in MIGRATIONS[version:]:
                for statement in _statements(migration):
                    self._connection.execute(statement)
            self._pragma(f"application_id={APPLICATION_ID}")
            self._pragma(f"user_version={VERSION}")
            self._connection.execute("COMMIT")
        if self._pragma("user_version") != VERSION:
            raise StoreProblem(f"{self._path} could not be brought to schema {VERSION}")

    def all(self, query: Query[T]) -> list[T]:
        """Every row of the result, as of the last commit.

        Raises:
            StoreProblem: the database cannot be read.
        """
        return select(self._connection, self._path, query)

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[Transaction]:
        """All or nothing of what is done inside.

        Args:
            durable: on return it is on the disk (synchronous FULL). Others follow within a second,
                as a durable commit makes durable all that came before it.

        Raises:
            WriteFailed: nothing was written: the disk is full or broken.
        """
        began = time.monotonic()
        durable = durable or began - self._durable_at > _DURABLE_EVERY_S
        try:
            self._pragma(f"synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._connection)
            yield transaction
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise WriteFailed(f"cannot write {self._path}: {error}") from error
        except BaseException:
            self._roll_back()
            raise
        ended = time.monotonic()
        self.commits += 1
        self.commit_ms = (ended - began) * 1000
        self._durable_at = ended if durable else self._durable_at
        self.is_durable = durable
        self._uncheckpointed += transaction.written + _COMMIT_OVERHEAD
        self._checkpoint_if_due(ended)

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return  # a full disk has rolled it back already

    def _checkpoint_if_due(self, now: float) -> None:
        if self._uncheckpointed < _CHECKPOINT_BYTES:
            return
        if now - self._checkpointed_at < _CHECKPOINT_EVERY_S:
            return
        too_long = self._wal_bytes() > _WAL_ALARM and now - self._restarted_at > _RESTART_EVERY_S
        if too_long:
            self._restarted_at = now
            self._pragma("busy_timeout=250")
        self._checkpoint("RESTART" if too_long else "PASSIVE")
        if too_long:
            self._pragma("busy_timeout=5000")
        self._checkpointed_at = time.monotonic()
        self._uncheckpointed = 0

    def _checkpoint(self, mode: str) -> None:
        try:
            self._pragma(f"wal_checkpoint({mode})")
        except sqlite3.Error:
            return  # the disk is full or a reader is in the way: the WAL keeps it, try again later

    def _wal_bytes(self) -> int:
        wal = self._path.with_name(self._path.name + "-wal")
        return wal.stat().st_size if wal.exists() else 0

    def close(self) -> None:
        """Bring everything into the database file and end the connection."""
        self._checkpoint("TRUNCATE")
        self._connection.close()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit behind our back."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


SQLITE_VERSION = sqlite3.sqlite_version
"""Of the library that the writer uses."""
