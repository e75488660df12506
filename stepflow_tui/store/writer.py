"""The one connection that makes every commit and every checkpoint. Only the runner has it."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from stepflow_tui.core import histogram
from stepflow_tui.core.errors import NO_ROOM, NoDatabase, StoreProblem, reason_of
from stepflow_tui.store import wal
from stepflow_tui.store.database_file import DatabaseFile
from stepflow_tui.store.queries import IDENTITY
from stepflow_tui.store.reader import check_identity, decoded, problem, select
from stepflow_tui.store.schema import APPLICATION_ID, MIGRATIONS, VERSION
from stepflow_tui.store.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stepflow_tui.store.queries import Query
    from stepflow_tui.store.transaction import Connection

T = TypeVar("T")

_BUSY_MS, _LOCKED_MS = 1000, 100
"""For so long the lock of another program is waited for, and once it was held for that long."""

_DURABLE_EVERY_S = 1.0
_CHECKPOINT_BYTES = 4 * 1024 * 1024
_CHECKPOINT_EVERY_S = 1.0
_WAL_LIMIT = 16 * 1024 * 1024
_WAL_ALARM = 64 * 1024 * 1024
_WAL_MOST = 256 * 1024 * 1024
_RESTART_EVERY_S = 5.0
_COMMIT_OVERHEAD = 16 * 1024

_SYNC_FAILED = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)

_COPIED_PAGES = 256
"""One megabyte, about a millisecond."""


@runtime_checkable
class Copier(Protocol):
    """A connection that can copy its database while it goes on writing. sqlite3 has it."""

    def backup(
        self,
        target: sqlite3.Connection,
        *,
        pages: int,
        progress: Callable[[int, int, int], object] | None,
    ) -> None:
        """Copy so many pages at a time, with a call of `progress` after each slice."""


class WriteFailed(StoreProblem):
    """A transaction was not committed; nothing of it is in the database. Worth another try.

    Attributes:
        is_full: there is no room on the disk.
        is_damaged: what was read of the database makes no sense.
        is_locked: another program held a lock on it for longer than we wait.
    """

    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(f"cannot write {path}: {reason_of(error)}")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        is_refused = isinstance(error, OSError) and error.errno in NO_ROOM
        self.is_full = code == sqlite3.SQLITE_FULL or is_refused
        self.is_locked = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        self.is_damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class NotTheWriter(Exception):
    """Somebody else may be the writer of this database by now."""


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.text_factory = decoded
    return connection


class Writer:
    """Opens, makes or upgrades the database at `path` and writes it.

    Attributes:
        commits: since it was opened.
        failures: commits that failed since then.
        commit_ms: how long the latest commit took.
        commit_times: how long all of them took, a histogram.
        is_durable: the latest commit, and all before it, are on the disk.
        is_new: there was no database.

    Raises:
        StoreProblem: the file is damaged, no database, of a newer version, or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        connect: Callable[[Path], Connection] = _connect,
        *,
        may_commit: Callable[[], bool] = lambda: True,
    ) -> None:
        """Opens it.

        Args:
            path: of the database.
            connect: opens the connection.
            may_commit: is asked before each commit; where it says no, the commit fails.
        """
        self._path = path
        self._may_commit = may_commit
        self.commits = 0
        self.failures = 0
        self.commit_ms = 0.0
        self.commit_times: Counter[int] = Counter()
        self._patience_ms = _BUSY_MS
        self._durable_at = 0.0
        self.is_durable = False
        self.is_new = False
        self._restarted_at = 0.0
        self._checkpointed_at = time.monotonic()
        self._uncheckpointed = 0
        self._is_in_doubt = True  # an earlier runner may have left a log that a sync had failed for
        self._make_sure()
        try:
            self._connection = connect(path)
        except sqlite3.Error as error:
            raise problem(path, error) from error
        with ExitStack() as on_error:
            on_error.callback(self._connection.close)
            self._open()
            on_error.pop_all()
        self._file = DatabaseFile(path)

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
            f"busy_timeout={_BUSY_MS}",
            "wal_autocheckpoint=0",
            f"journal_size_limit={_WAL_LIMIT}",
            "foreign_keys=ON",
            "cache_size=-16000",
            "temp_store=MEMORY",
            "mmap_size=0",
            "trusted_schema=OFF",
            "secure_delete=FAST",  # some systems have it ON: each freed page would be written
            "cell_size_check=ON",
        ):
            self._pragma(setting)

    def _migrate(self) -> None:
        version = self._pragma("user_version")
        self.is_new = version == 0
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
        self._make_sure()
        began = time.monotonic()
        durable = durable or began - self._durable_at > _DURABLE_EVERY_S
        try:
            self._pragma(f"synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            self._file.look_before_commit()
            transaction = Transaction(self._connection)
            yield transaction
            self._check_permission()
            self._connection.execute("COMMIT")
        except (sqlite3.Error, NotTheWriter) as error:
            self._doubt(error)
            self._roll_back()
            self.failures += 1
            failure = WriteFailed(self._path, error)
            self._wait_for_locks(_LOCKED_MS if failure.is_locked else _BUSY_MS)
            raise failure from error
        except BaseException:
            self._roll_back()
            raise
        self._wait_for_locks(_BUSY_MS)
        self._file.committed()
        ended = time.monotonic()
        self.commits += 1
        self.commit_ms = (ended - began) * 1000
        self.commit_times[histogram.bucket(self.commit_ms)] += 1
        self._durable_at = ended if durable else self._durable_at
        self.is_durable = durable
        self._uncheckpointed += transaction.written + _COMMIT_OVERHEAD
        self._checkpoint_if_due(ended)

    def _wait_for_locks(self, patience_ms: int) -> None:
        """Wait so long for the locks of others; everything else waits meanwhile."""
        if patience_ms != self._patience_ms:
            self._patience_ms = patience_ms
            self._pragma(f"busy_timeout={patience_ms}")

    @contextmanager
    def removal(self, *, durable: bool) -> Iterator[Transaction]:
        """A transaction in which executions can go and leave their logs over.

        In others the database deletes a log with its execution at one go, however long it is.

        Raises:
            WriteFailed: nothing was removed.
        """
        self._pragma("foreign_keys=OFF")
        try:
            with self.transaction(durable=durable) as transaction:
                yield transaction
        finally:
            self._pragma("foreign_keys=ON")

    def checkpoint(self) -> None:
        """Bring what was written into the database file, as far as readers let it.

        If pages were given back, the file is shorter then.
        """
        self._checkpoint("PASSIVE")
        self._uncheckpointed = 0

    def free_pages(self) -> int:
        """Pages of the file that hold nothing."""
        return int(self._pragma("freelist_count"))

    def copy_to(self, target: sqlite3.Connection, rest: Callable[[], object]) -> None:
        """Copy everything into `target`, as it is when the last page is copied.

        Args:
            target: an empty database.
            rest: called after each slice. Transactions may come and go while it lasts; what it
                raises ends the copying.

        Raises:
            StoreProblem: this connection cannot copy.
        """
        source = self._connection
        if not isinstance(source, Copier):
            raise StoreProblem(f"the connection to {self._path} cannot make copies")
        source.backup(target, pages=_COPIED_PAGES, progress=lambda *_: rest())

    def _check_permission(self) -> None:
        if not self._may_commit():
            raise NotTheWriter("the home was moved, or its runner.lock is another file now")

    def _doubt(self, error: Exception) -> None:
        """After a sync that failed, nothing of the log counts as written that was not synced."""
        self._is_in_doubt |= getattr(error, "sqlite_errorcode", 0) in _SYNC_FAILED

    def _make_sure(self) -> None:
        """Bring all of the log to the disk, before anything is built on it that is in doubt."""
        if not self._is_in_doubt:
            return
        try:
            wal.write_anew(self._wal)
        except OSError as error:
            raise WriteFailed(self._path, error) from error
        self._is_in_doubt = False

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
            self._pragma(f"busy_timeout={self._patience_ms}")
        self._checkpointed_at = time.monotonic()
        self._uncheckpointed = 0

    def _checkpoint(self, mode: str) -> None:
        if self.displacement() == "overwritten":
            return  # never into what somebody has put in its place
        try:
            self._make_sure()
            self._pragma(f"wal_checkpoint({mode})")
        except WriteFailed:
            return  # never into the database what may not be in the log
        except sqlite3.Error as error:
            self._doubt(error)
            return  # the disk is full or a reader is in the way: the WAL keeps it, try again later
        finally:
            self._file.written()

    @property
    def _wal(self) -> Path:
        return self._path.with_name(self._path.name + "-wal")

    def _wal_bytes(self) -> int:
        return self._wal.stat().st_size if self._wal.exists() else 0

    def is_blocked(self) -> bool:
        """Whether the write-ahead log is far too long, as a reader does not let go of its end.

        Looks, and if so tries to empty it; what is written meanwhile makes it longer still.
        """
        if self._wal_bytes() < _WAL_MOST or self.displacement() == "overwritten":
            return False
        self._pragma("busy_timeout=250")
        try:
            self._make_sure()
            [(_, pages, moved)] = self._connection.execute(
                "PRAGMA wal_checkpoint(RESTART)"
            ).fetchall()
        except WriteFailed:
            return True
        except sqlite3.Error as error:
            self._doubt(error)
            return True
        finally:
            self._pragma(f"busy_timeout={self._patience_ms}")
            self._file.written()
        return bool(moved < pages)

    def displacement(self) -> str | None:
        """What somebody else has done to the files: `moved` or `overwritten`; None for nothing.

        A checkpoint by another program is nothing: what was committed stays.
        """
        return self._file.displacement()

    def take_suspicion(self) -> bool:
        """Whether somebody else has written into the database since the last call."""
        suspicion, self._file.is_suspect = self._file.is_suspect, False
        return suspicion

    def close(self) -> None:
        """Bring everything into the database file and end the connection."""
        self._checkpoint("TRUNCATE")
        if self._is_in_doubt:  # or SQLite would bring into the file what is in doubt
            self._checkpoint("TRUNCATE")
        self._connection.close()
        self._file.close()


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
