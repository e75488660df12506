"""The processes of one execution, each with what it takes of the machine."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.health.process_tree import children_of_all, members
from stepflow_tui.health.shim import shim_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psutil import Process

    from stepflow_tui.core.home import Home


class RunningProcess(Struct, frozen=True):
    """A process at one moment.

    Attributes:
        command: its arguments; its name where they cannot be read.
        memory_bytes: resident.
        cpu: processor time per time since the last look, 1.0 for a whole core; None at first.
    """

    pid: int
    command: tuple[str, ...]
    memory_bytes: int
    cpu: float | None


class ExecutionProcesses:
    """Looks at what a script has started; processor time is measured from look to look.

    Attributes:
        execution: its id.
    """

    def __init__(self, home: Home, execution: str) -> None:
        """Looks at nothing yet.

        Args:
            home: where it is recorded.
            execution: its id.
        """
        self._home = home
        self.execution = execution
        self._used_s: dict[tuple[int, float], float] = {}
        self._looked_at = 0.0

    def look(self) -> list[RunningProcess]:
        """The processes, parents first, without our own; takes some ms on a busy machine."""
        moment = time.monotonic()
        span_s, self._looked_at = moment - self._looked_at, moment
        before, self._used_s = self._used_s, {}
        return [
            process
            for member in self._of_the_script()
            if (process := self._measured(member, before, span_s)) is not None
        ]

    def _of_the_script(self) -> Iterator[Process]:
        """All beneath the shim but what is in the shim's own session, which is ours."""
        shim = shim_of(self._home, self.execution)
        if shim is None or not shim.is_alive():
            return
        ours = _session(shim.pid)
        for member in members(shim.pid, children_of_all()):
            if _session(member.pid) not in (ours, None):
                yield member

    def _measured(
        self, member: Process, before: dict[tuple[int, float], float], span_s: float
    ) -> RunningProcess | None:
        import psutil

        try:
            with member.oneshot():
                key = (member.pid, member.create_time())
                seconds = sum(member.cpu_times()[:2])
                memory_bytes = member.memory_info().rss
                command = tuple(member.cmdline()) or (member.name(),)
        except psutil.Error:
            return None  # it has just ended, or is hidden from us
        self._used_s[key] = seconds
        cpu = max(0.0, seconds - before[key]) / span_s if key in before else None
        return RunningProcess(member.pid, command, memory_bytes, cpu)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None  # it has ended
