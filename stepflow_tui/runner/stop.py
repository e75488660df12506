"""Stopping an execution with all that it started.

TERM first, KILL after the grace time, in passes until two of them find nobody: a process that is
forked during a pass is found by the next one. A process belongs to the execution if it descends
from the shim (the subreaper, so orphans stay beneath it) or carries the execution's tag.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepflow_tui.runner.proc import send_signal

if TYPE_CHECKING:
    from stepflow_tui.core.models import Status
    from stepflow_tui.runner.proc import Process, ProcessTable
    from stepflow_tui.runner.spool import Start

PASS_S = 0.05
"""Time between two passes, in seconds."""

_EMPTY_PASSES = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an execution is stopped: the status it will have, and the sentence for its error."""

    status: Status
    error: str


class Stop:
    """The stopping of one execution.

    Attributes:
        is_done: nobody is left.
    """

    def __init__(self, start: Start, execution: str, *, now: float, grace: float) -> None:
        """Begins at the monotonic second `now`; KILL follows `grace` seconds later."""
        self.is_done = False
        self._start = start
        self._tag = f"STEPFLOW_EXECUTION_ID={execution}"
        self._kill_at = now + grace
        self._termed: set[tuple[int, int]] = set()
        self._empty_passes = 0

    def hasten(self, now: float) -> None:
        """Skip what is left of the grace time."""
        self._kill_at = min(self._kill_at, now)

    def advance(self, table: ProcessTable, now: float) -> None:
        """Make one pass: signal whoever is there."""
        members = self._members(table)
        self._empty_passes = 0 if members else self._empty_passes + 1
        self.is_done = self._empty_passes >= _EMPTY_PASSES
        for member in members:
            if now >= self._kill_at:
                send_signal(member, signal.SIGKILL)
            elif (member.pid, member.start) not in self._termed:
                self._termed.add((member.pid, member.start))
                send_signal(member, signal.SIGTERM)

    def _members(self, table: ProcessTable) -> list[Process]:
        shim = self._start.pid
        pids = table.descendants(shim) | table.tagged(self._tag)
        runner = os.getpid()
        if runner in pids:  # the script started us; others' executions are not its own
            pids -= table.descendants(runner) | {runner}
        return [found for found in table.select(pids - {shim}) if not _is_cat(found, shim)]


def _is_cat(found: Process, shim: int) -> bool:
    """The shim's cat ends by itself, once nobody holds the output."""
    return found.session == shim and found.name == "cat"
