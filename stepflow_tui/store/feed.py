"""Tells readers when there is something new in a home's database, and reads it for them.

A file event or a timer is a hint and no more: what counts is `PRAGMA data_version`, which only
changes when another connection has committed.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from watchfiles import awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from stepflow_tui.core.errors import DatabaseTooNew, NoDatabase, NotADatabase, StoreProblem
from stepflow_tui.store.reader import AsyncReader

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from watchfiles import Change

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.queries import Query

T = TypeVar("T")

_QUICK_STEP_MS, _SLOW_STEP_MS = 5, 50
_DEBOUNCE_MS = 100
_QUICK_LOOK_S, _SLOW_LOOK_S = 1.0, 5.0
"""How often to look without any event, as a net."""

_QUICK_POLL_S, _SLOW_POLL_S = 0.05, 1.0
"""How often to look where no events come at all."""

_PATIENCE_S = 2.0
"""A database that cannot be read for so long is a problem; before, its writer just restarts."""

_RETRY_S = 0.1
_WATCH_AGAIN_S = 60.0

_PLAIN_PROBLEMS = (NoDatabase, DatabaseTooNew, NotADatabase)


class Feed:
    """Waits for changes of the database of a home, and holds the connection that reads it.

    It copes with a home or a database that comes later, goes, or is replaced by another file.
    Use it as an asynchronous context manager.

    Attributes:
        problem: why the database cannot be read now; None if it can.
        opened: counts how often a database was opened; what was read before may be of another.
        quick: wake up within milliseconds, at some cost; else within a tenth of a second.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._names = (home.database.name, home.wal.name, home.runner_lock.name)
        self._reader: AsyncReader | None = None
        self._inode: int | None = None
        self._version = 0
        self._failing_since: float | None = None
        self._hint = asyncio.Event()
        self._lock_changed = False
        self._watch: asyncio.Task[None] | None = None
        self._watching = False
        self._watched_inode: int | None = None
        self._stop_watching = asyncio.Event()
        self._quick = False
        self.problem: StoreProblem | None = None
        self.opened = 0

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._keep_watching(), name="feed")
        self._hint.set()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await self._close()

    @property
    def quick(self) -> bool:
        """Whether wake-ups come within milliseconds."""
        return self._quick

    @quick.setter
    def quick(self, quick: bool) -> None:
        if quick != self._quick:
            self._quick = quick
            self._stop_watching.set()

    async def all(self, query: Query[T]) -> list[T]:
        """Every row of the result.

        Raises:
            StoreProblem: the database cannot be read.
        """
        reader = self._reader
        if reader is None:
            raise self.problem or NoDatabase(f"no database in {self._home.root} yet")
        try:
            return await reader.all(query)
        except ValueError as error:
            if reader is self._reader:
                raise NotADatabase(f"{self._home.database} is damaged: {error}") from error
            raise StoreProblem("the database was replaced while it was read") from error

    async def first(self, query: Query[T]) -> T | None:
        """The first row of the result, or None.

        Raises:
            StoreProblem: the database cannot be read.
        """
        rows = await self.all(query)
        return rows[0] if rows else None

    async def next_change(self) -> None:
        """Wait until the database, the problem with it or the runner's lock has changed.

        The first call returns at once. Only one task at a time may wait.
        """
        while True:
            await self._wait()
            lock_changed, self._lock_changed = self._lock_changed, False
            if await self._look() or lock_changed:
                return

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._interval()):
                await self._hint.wait()
        except TimeoutError:
            return
        finally:
            self._hint.clear()

    def _interval(self) -> float:
        if self._failing_since is not None:
            return _RETRY_S
        if self._watching:
            return _QUICK_LOOK_S if self._quick else _SLOW_LOOK_S
        return _QUICK_POLL_S if self._quick else _SLOW_POLL_S

    async def _look(self) -> bool:
        """Whether the database, or the problem with it, is another than before."""
        before = self.problem
        try:
            changed = await self._look_at_database()
        except _PLAIN_PROBLEMS as problem:
            self._failing_since = None
            self.problem = problem
        except StoreProblem as problem:
            self._be_patient_with(problem)
        else:
            self._failing_since = None
            self.problem = None
            return changed or before is not None
        return str(self.problem) != str(before)

    def _be_patient_with(self, problem: StoreProblem) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since > _PATIENCE_S:
            self.problem = problem

    async def _look_at_database(self) -> bool:
        if self._watching and _inode_of(self._home.root) != self._watched_inode:
            self._stop_watching.set()
        inode = _inode_of(self._home.database)
        if inode != self._inode:
            await self._close()
        if self._reader is None:
            self._reader = await AsyncReader.open(self._home.database)
            self._inode = inode
            self.opened += 1
            self._version = await self._reader.data_version()
            return True
        version = await self._reader.data_version()
        changed = version != self._version
        self._version = version
        return changed

    async def _close(self) -> None:
        reader, self._reader, self._inode = self._reader, None, None
        if reader is not None:
            await reader.close()

    async def _keep_watching(self) -> None:
        """Turn events of the home's directory into hints, for as long as we live."""
        while True:
            self._stop_watching.clear()
            try:
                await self._watch_directory()
            except (OSError, WatchfilesRustInternalError):
                self._watching = False
                self._hint.set()
                await self._rest()

    async def _watch_directory(self) -> None:
        # The directory, as the inode of the -wal file goes when it is made anew.
        events = awatch(
            self._home.root,
            watch_filter=self._concerns_us,
            debounce=_DEBOUNCE_MS,
            step=_QUICK_STEP_MS if self._quick else _SLOW_STEP_MS,
            stop_event=self._stop_watching,
            recursive=False,
        )
        self._watching, self._watched_inode = True, _inode_of(self._home.root)
        self._hint.set()  # for what happened while nobody watched
        async for _ in events:
            self._hint.set()

    def _concerns_us(self, _: Change, path: str) -> bool:
        name = Path(path).name
        if name == self._home.runner_lock.name:
            self._lock_changed = True
        return name in self._names

    async def _rest(self) -> None:
        """Wait before watching again: for the directory to be made, or for a free watch."""
        missing = not self._home.root.is_dir()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SLOW_POLL_S if missing else _WATCH_AGAIN_S):
                await self._stop_watching.wait()


def _inode_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
