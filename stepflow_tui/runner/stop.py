"""Stopping an execution with all that it started.

TERM first, KILL after the grace time, in passes until two of them find nobody: a process that is
forked during a pass is found by the next one. A process belongs to the execution if it descends
from the shim (the subreaper, so orphans stay beneath it), carries the execution's tag, or shares
a session with one that does. Who was found once stays known, with all that descends from it: when
the shim has ended, its orphans are nobody's children any more.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core import clock
from stepflow_tui.core.models import Status
from stepflow_tui.runner import proc
from stepflow_tui.runner.proc import send_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stepflow_tui.runner.proc import Process, ProcessTable
    from stepflow_tui.runner.spool import Start
    from stepflow_tui.runner.timers import Timers

PASS_S = 0.05
"""Time between two passes, in seconds."""

RUNNER_TAG = "STEPFLOW_RUNNER=1"
"""In the environment of every runner that a client started: it is nobody's background job."""

_EMPTY_PASSES = 2


def tag_of(execution: str) -> str:
    """What the environment of every process of an execution holds, unless one has dropped it."""
    return f"STEPFLOW_EXECUTION_ID={execution}"


class Reason(Struct, frozen=True):
    """Why an execution is stopped: the status it will have, and the sentence for its error."""

    status: Status
    error: str


CANCELLED = Reason(Status.CANCELLED, "cancelled")


class Stop:
    """The stopping of one execution.

    What the first pass finds gets a TERM, once. What a script starts in its own trap to clean up
    comes later, and is left to do so until the grace time is over.

    Attributes:
        held: nobody is signalled yet. What an execution is stopped for must be recorded before: a
            runner that dies in between would else leave one that seems to have ended by itself.
        before_signal: is called before the first TERM.
        is_done: nobody is left whom we may signal.
        untouchable: processes of other users, which we may not signal.
    """

    def __init__(
        self,
        start: Start,
        execution: str,
        *,
        tty: bool,
        now: float,
        grace: float,
    ) -> None:
        """Begins at the monotonic second `now`; KILL follows `grace` seconds later."""
        self.held = False
        self.before_signal: Callable[[], None] | None = None
        self.is_done = False
        self.untouchable: dict[int, Process] = {}
        self._start = start
        self._tag = tag_of(execution)
        self._tty = tty
        self._kill_at = now + grace
        self._has_termed = False
        self._known: dict[tuple[int, int], Process] = {}
        self._empty_passes = 0

    def add(self, leftovers: Iterable[Process]) -> None:
        """Stop these too, with all that descends from them: a shim has left them behind."""
        self._known |= {(process.pid, process.start): process for process in leftovers}
        self._empty_passes = 0

    @property
    def members(self) -> list[Process]:
        """All that were found, whether they are there yet or not."""
        return list(self._known.values())

    def knows(self, found: Iterable[Process]) -> bool:
        """Whether all of these were found to be members."""
        return all((process.pid, process.start) in self._known for process in found)

    def go_on(self) -> None:
        """An earlier runner has sent the TERM: who came since then may be cleaning up."""
        self._has_termed = True

    def hasten(self, now: float) -> None:
        """Skip what is left of the grace time."""
        self._kill_at = min(self._kill_at, now)

    def advance(self, table: ProcessTable, now: float) -> None:
        """Make one pass: signal whoever is there."""
        if self.held:
            return
        members = [found for found in self._members(table) if found.pid not in self.untouchable]
        self._empty_passes = 0 if members else self._empty_passes + 1
        self.is_done = self._empty_passes >= _EMPTY_PASSES
        if now >= self._kill_at:
            self._signal_all(members, signal.SIGKILL)
        elif not self._has_termed:
            if members and self.before_signal is not None:
                self.before_signal()
            # The first signal wakes traps: who is not in this set may be what one has started.
            self._signal_all(filter(self._is_to_be_termed, members), signal.SIGTERM, signal.SIGCONT)
            self._has_termed = bool(members)

    def _signal_all(self, members: Iterable[Process], *numbers: signal.Signals) -> None:
        """Send each of these signals; CONT comes last, as a stopped process would not notice."""
        for member in members:
            for number in numbers:
                self._signal(member, number)

    def _signal(self, member: Process, number: signal.Signals) -> None:
        if not send_signal(member, number):
            self.untouchable[member.pid] = member

    def _is_to_be_termed(self, member: Process) -> bool:
        # `script`, which gives it a terminal, would kill the program before it has cleaned up.
        return not (self._tty and member.parent == self._start.pid)

    def _members(self, table: ProcessTable) -> list[Process]:
        pids = table.tagged(self._tag)
        shim = table.find(self._start.pid, self._start.start)
        if shim is not None and self._start.boot_id == clock.boot_id():
            pids |= table.descendants(shim.pid)
            send_signal(shim, signal.SIGCONT)  # a stopped shim would never tell of the end
        known = {pid for pid, start in self._known if table.find(pid, start) is not None}
        pids |= known.union(*map(table.descendants, known))
        # In the shim's own session are the shim and its cat, which ends by itself.
        sessions = {found.session for found in table.select(pids)} & pids
        pids |= table.of_sessions(sessions - {self._start.pid})
        for runner in (pids & table.tagged(RUNNER_TAG)) | (pids & {os.getpid()}):
            pids -= table.descendants(runner) | {runner}  # others' executions are not its own
        found = [member for member in table.select(pids) if member.session != self._start.pid]
        self._known |= {(member.pid, member.start): member for member in found}
        # The oldest first: a shell is to hear of it before the child that it waits for is gone.
        return sorted(found, key=lambda member: (member.start, member.pid))


class Stopper:
    """Makes the passes over all executions that are being stopped, with one look at /proc each."""

    def __init__(self, timers: Timers, mark: Callable[[str], None], *, grace: float) -> None:
        """`mark` is called with the id of an execution that is to be looked at."""
        self._timers = timers
        self._mark = mark
        self._grace = grace
        self._stops: dict[str, Stop] = {}

    def begin(
        self, execution: str, start: Start, *, tty: bool, leftovers: Iterable[Process] = ()
    ) -> Stop:
        """Begin to stop an execution that has started, unless that is going on.

        Args:
            execution: its id.
            start: who runs it, or ran it.
            tty: it runs under a pseudo-terminal.
            leftovers: what a shim that has ended has left behind.
        """
        if not self._stops:
            self._timers.after(0.0, self._pass)
        if execution not in self._stops:
            self._stops[execution] = Stop(
                start,
                execution,
                tty=tty,
                now=time.monotonic(),
                grace=self._grace,
            )
        self._stops[execution].add(leftovers)
        return self._stops[execution]

    def _pass(self) -> None:
        table = proc.ProcessTable()
        now = time.monotonic()
        for execution, stop in list(self._stops.items()):
            stop.advance(table, now)
            if stop.is_done:
                self._stops.pop(execution)
            self._mark(execution)
        if self._stops:
            self._timers.after(PASS_S, self._pass)
