"""A copy of the database, made while its runner goes on writing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from threading import Semaphore, Thread
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StoreProblem, UsageProblem
from stepflow_tui.core.quoting import shown_path

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.writer import Writer

_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def check_target(home: Home, path: Path, *, force: bool) -> None:
    """Refuse a place where no copy can be put.

    Args:
        home: whose database is to be copied.
        path: of the copy, absolute.
        force: a file that is there may be replaced.

    Raises:
        UsageProblem: with what would do.
    """
    try:
        _check_place(home, path, force=force)
    except OSError as error:
        raise UsageProblem(f"cannot use {shown_path(str(path))}: {error.strerror}") from error


def _check_place(home: Home, path: Path, *, force: bool) -> None:
    shown = shown_path(str(path))
    directory = path.parent
    if not directory.is_dir():
        raise UsageProblem(f"no directory {shown_path(str(directory))}; make it, or name another")
    if directory.resolve().is_relative_to(home.root.resolve()):
        raise UsageProblem(f"{shown} lies in the home itself; name a file somewhere else")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageProblem(f"no permission to write into {shown_path(str(directory))}")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageProblem(f"{shown} is no plain file; name another")
    if path.exists() and not force:
        raise UsageProblem(f"{shown} exists; name another file, or replace it with --force")


class _Abandoned(Exception):
    """Nobody wants the copy any more."""


class Backup:
    """A copy that grows by a slice at each `step`. Use it as a context manager.

    sqlite3 copies all slices in one call. So a thread makes that call and stands still after each
    slice until it is told to go on: two threads never use the writer's connection at a time. What
    follows, checking the copy and bringing it to its place, needs no writer and stands in nobody's
    way.

    Attributes:
        is_copying: the writer is needed still.
    """

    def __init__(self, writer: Writer, temporary: Path, path: Path, *, force: bool) -> None:
        """Makes a copy of what `writer` writes.

        Args:
            writer: its connection is only used within `step`.
            temporary: where the copy grows; in the directory of `path`.
            path: where it is in the end.
            force: a file that is there is replaced.
        """
        self._writer = writer
        self._force = force
        self._temporary = temporary
        self._path = path
        self._go_on = Semaphore(0)
        self._stands_still = Semaphore(0)
        self._abandoned = False
        self._copy: sqlite3.Connection | None = None
        self._problem: Exception | None = None
        self._thread = Thread(target=self._run, name="backup", daemon=True)
        self.is_copying = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give up what is not done; nothing is left of it."""
        self._abandoned = True
        self._go_on.release()
        if self._copy is not None:
            with suppress(sqlite3.ProgrammingError):  # it is closed already
                self._copy.interrupt()
        self._thread.join()

    def step(self) -> bool:
        """Let a slice be copied; False once the copy is in its place.

        Raises:
            StoreProblem: there will be no copy.
        """
        if self.is_copying:
            self._go_on.release()
            self._stands_still.acquire()
            return True
        if self._thread.is_alive():
            return True
        if self._problem is not None:
            shown = shown_path(str(self._path))
            raise StoreProblem(f"cannot write {shown}: {self._problem}") from self._problem
        return False

    def _run(self) -> None:
        self._go_on.acquire()
        try:
            self._check_abandoned()
            self._make()
        except _Abandoned:
            return
        except Exception as problem:  # noqa: BLE001 - told by `step`
            self._problem = problem
        finally:
            self._leave_writer()

    def _make(self) -> None:
        self._remove_temporary()  # of a runner that was killed
        try:
            os.close(os.open(self._temporary, _NEW_FILE, 0o600))
            with closing(_open_new(self._temporary)) as copy:
                self._fill(copy)
            _sync(self._temporary, os.O_RDONLY)
            self._check_abandoned()
            if self._path.exists() and not self._force:
                raise StoreProblem("it exists by now")
            self._temporary.rename(self._path)
            _sync(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        finally:
            self._remove_temporary()

    def _fill(self, copy: sqlite3.Connection) -> None:
        self._writer.copy_to(copy, self._rest)
        self._copy = copy
        self._leave_writer()
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, which needs nothing beside it
        [(answer,)] = copy.execute("PRAGMA quick_check(1)").fetchall()
        if answer != "ok":
            raise StoreProblem(f"the database is damaged: {answer}")

    def _rest(self) -> None:
        """Stand still until the next slice is wanted."""
        self._stands_still.release()
        self._go_on.acquire()
        self._check_abandoned()

    def _leave_writer(self) -> None:
        if self.is_copying:
            self.is_copying = False
            self._stands_still.release()

    def _check_abandoned(self) -> None:
        if self._abandoned:
            raise _Abandoned

    def _remove_temporary(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            self._temporary.with_name(self._temporary.name + suffix).unlink(missing_ok=True)


def _open_new(path: Path) -> sqlite3.Connection:
    # Another thread may interrupt it. Until it has its name nobody would miss it.
    copy = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    copy.execute("PRAGMA journal_mode=OFF")
    copy.execute("PRAGMA synchronous=OFF")
    return copy


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
