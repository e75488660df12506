"""Tells readers when there is something new in a home's database, and reads it for them.

A file event or a timer is a hint and no more: what counts is `PRAGMA data_version`, which only
changes when another connection has committed. It is looked at with the pulse that a reader asks
for after each change: one way to the database and back instead of two.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from stepflow_tui.core.errors import DatabaseTooNew, NoDatabase, NotADatabase, StoreProblem
from stepflow_tui.store.home_watch import watch_home
from stepflow_tui.store.queries import pulse
from stepflow_tui.store.reader import AsyncReader

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.home_watch import Watch
    from stepflow_tui.store.queries import Pulse, Query

T = TypeVar("T")

_REST_S = 0.001
"""So long after an event it is looked: a commit writes several times."""

_AGAIN_S = 0.05
"""A commit is seen when it is through, which is after its last event; so it is looked again: after
a rest if there was nothing, else after this time, and from then on ever more seldom."""

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
        quick: look more often where, or as long as, no events come.
        without_events: why no file events come, so that it polls; empty while they come.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock_name = home.runner_lock.name
        self._names = (home.database.name, home.wal.name, self._lock_name)
        self._reader: AsyncReader | None = None
        self._inode: int | None = None
        self._may_be_replaced = True
        self._has_looked = False
        self._asked = (0, 0)
        self._version: int | None = None
        self._ahead: tuple[tuple[int, int], Pulse] | None = None
        self._told = 0
        self._failing_since: float | None = None
        self._hint = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._lock_changed = False
        self._watch: Watch | None = None
        self._watch_again = 0.0
        self._again_s = _REST_S
        self.quick = False
        self.without_events = ""
        self.problem: StoreProblem | None = None
        self.opened = 0

    async def __aenter__(self) -> Self:
        self._hint.set()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_watching()
        await self._close()

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

    async def pulse(self, number: int, newest: int) -> Pulse:
        """How things stand; see `queries.pulse`.

        After a change it was read already, if it is asked for as it was the last time.

        Raises:
            StoreProblem: the database cannot be read.
        """
        ahead, self._ahead, self._asked = self._ahead, None, (number, newest)
        if ahead is not None and ahead[0] == self._asked and ahead[1].version >= self._told:
            return ahead[1]
        [found] = await self.all(pulse(number, newest))
        self._told = found.version
        return found

    def ask_anew(self) -> None:
        """Have the next `pulse` tell of all that is committed by now."""
        self._ahead = None

    async def next_change(self) -> None:
        """Wait until the database, the problem with it or the runner's lock has changed.

        The first call returns at once. Only one task at a time may wait.
        """
        while True:
            await self._wait()
            changed = await self._look()
            lock_changed, self._lock_changed = self._lock_changed, False
            if changed:
                self._again_s = _AGAIN_S
            if changed or lock_changed:
                return

    async def _wait(self) -> None:
        """Until there was an event, or it is time to look without one."""
        interval_s = min(self._interval(), self._again_s)
        # A timeout would do, with a task that is cancelled and three times the work.
        net = asyncio.get_running_loop().call_later(interval_s, self._hint.set)
        try:
            await self._hint.wait()
        finally:
            net.cancel()
        self._hint.clear()
        if self._soon is None:
            self._may_be_replaced = True
            self._again_s = min(2 * self._again_s, _SLOW_LOOK_S)
        else:
            self._soon = None
            self._again_s = _REST_S

    def _interval(self) -> float:
        if self._failing_since is not None:
            return _RETRY_S
        if self._watch is not None:
            return _QUICK_LOOK_S if self.quick else _SLOW_LOOK_S
        return _QUICK_POLL_S if self.quick else _SLOW_POLL_S

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
        if self._may_be_replaced or self._reader is None:
            await self._see_to_files()
        if self._reader is None:
            self._reader = await AsyncReader.open(self._home.database)
            self.opened += 1
            self._version = None
        asked = self._asked
        seen = await self._reader.pulse(*asked)
        if seen.version == self._version:
            return False
        self._version, self._ahead = seen.version, (asked, seen)
        return True

    async def _see_to_files(self) -> None:
        """Let go of a directory and of a database that are not there any more."""
        self._may_be_replaced = not self._has_looked
        if self._has_looked:  # what is shown first does not wait for a watch
            self._see_to_watch()
        self._has_looked = True
        inode = _inode_of(self._home.database)
        if inode != self._inode:
            await self._close()
            self._inode = inode

    async def _close(self) -> None:
        self._ahead, self._told = None, 0
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()

    def _see_to_watch(self) -> None:
        """Watch the home that there is now."""
        inode = _inode_of(self._home.root)
        if self._watch is not None and self._watch.inode != inode:
            self._stop_watching()
        if self._watch is None and inode is not None and time.monotonic() >= self._watch_again:
            try:
                self._watch = watch_home(self._home.root, self._notice)
            except OSError as error:  # no watch is left: until one is free, we poll
                self._watch_again = time.monotonic() + _WATCH_AGAIN_S
                self.without_events = error.strerror or str(error)
            else:
                self.without_events = ""

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def _notice(self, name: str, *, is_other: bool) -> None:
        if name == self._lock_name:
            self._lock_changed = True
        if is_other:
            self._may_be_replaced = True
        if (not name or name in self._names) and self._soon is None:
            rest_s = 0.0 if self._reader is None else _REST_S
            self._soon = asyncio.get_running_loop().call_later(rest_s, self._hint.set)


def _inode_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
