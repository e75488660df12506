"""Waking shims that were stopped (SIGSTOP), as by a script that stops its parent or each `cat`.

The shim, its pump and its cat are ours: while one of them is stopped, nobody learns of the output
or the end of the script. What the user has stopped or frozen is left as it is.
"""

from __future__ import annotations

import logging
import signal
import time
from typing import TYPE_CHECKING

from stepflow_tui.core import clock
from stepflow_tui.runner import proc

if TYPE_CHECKING:
    from stepflow_tui.runner.proc import Process
    from stepflow_tui.runner.recording import Recording
    from stepflow_tui.runner.spool import Start

_log = logging.getLogger(__name__)

_EVERY_S = 5.0


class StoppedShims:
    """Looks at the shims of executions, each once in five seconds as a rule."""

    def __init__(self) -> None:
        self._looked_at: dict[str, float] = {}

    def wake(self, recording: Recording) -> None:
        """Continue what has been stopped of the shim of this execution, and say so."""
        now = time.monotonic()
        if now >= self._looked_at.get(recording.id, 0.0) + _EVERY_S:
            self._looked_at[recording.id] = now
            self.wake_now(recording)

    def wake_now(self, recording: Recording) -> bool:
        """The same, however long ago the last look was; whether something was stopped."""
        found = _members(recording.start) if recording.start is not None else []
        stopped = [member for member in found if member.is_stopped]
        for member in stopped:
            if proc.send_signal(member, signal.SIGCONT):
                _log.warning("#%d: %s", recording.execution.number, _sentence(member))
                if not recording.is_final and _sentence(member) not in recording.execution.warnings:
                    recording.warn(_sentence(member))
        return bool(stopped)

    def forget(self, execution: str) -> None:
        """This execution has no shim any more."""
        self._looked_at.pop(execution, None)


def _sentence(member: Process) -> str:
    return f"its shim was stopped ({member.name}, pid {member.pid}) and was continued"


def _members(start: Start) -> list[Process]:
    """The processes of a shim: all in its session, as the script has its own."""
    shim = proc.process(start.pid)
    if shim is None or shim.start != start.start or start.boot_id != clock.boot_id():
        return []
    pumps = [child for child in proc.children(shim.pid) if child.session == shim.pid]
    return [shim, *pumps, *(child for pump in pumps for child in proc.children(pump.pid))]
