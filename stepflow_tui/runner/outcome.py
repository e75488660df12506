"""What an execution came to, from how its process ended and why it was stopped."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.runner.stop import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.models import Step
    from stepflow_tui.runner.spool import Exit

_SIGNAL_BASE = 128
_SIGNALS = frozenset(map(int, signal.valid_signals()))


def outcome(exit_status: Exit, stopped: Reason | None) -> Reason:
    """The final status and its error sentence (empty if completed)."""
    if stopped is not None:
        return stopped
    if exit_status.signal is not None:
        return Reason(Status.FAILED, f"killed by {_signal_name(exit_status.signal)}")
    if exit_status.code:
        return Reason(Status.FAILED, f"exit code {exit_status.code}{_meaning(exit_status.code)}")
    return Reason(Status.COMPLETED, "")


def failed_step_warning(steps: Sequence[Step]) -> str | None:
    """What to say of a script that exits 0 although steps of it failed."""
    failed = [step.name for step in steps if step.status is Status.FAILED]
    if not failed:
        return None
    names = ", ".join(failed[:3]) + (", …" if len(failed) > 3 else "")
    return f"exit code 0 although {len(failed)} of its steps failed: {names}"


def _meaning(code: int) -> str:
    """What a shell means by an exit code: it ends so when a command of it died by a signal."""
    number = code - _SIGNAL_BASE
    if number not in _SIGNALS:
        return ""
    hint = ", often out of memory" if number == signal.SIGKILL else ""
    return f": as after {_signal_name(number)}{hint}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
