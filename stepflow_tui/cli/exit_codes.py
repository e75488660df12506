"""What `run` and `watch` exit with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution

_BY_STATUS = {Status.TIMED_OUT: 124, Status.LOST: 125, Status.CANCELLED: 143}
_SIGNALLED = 128


def exit_code(execution: Execution) -> int:
    """The exit code that tells a shell how a finished execution ended.

    The script's own where it has one; a script that failed by one of its steps exited with 0, and
    is told as 1.
    """
    if execution.status in _BY_STATUS:
        return _BY_STATUS[execution.status]
    if execution.signal is not None:
        return _SIGNALLED + execution.signal
    if execution.status is Status.FAILED:
        return execution.exit_code or 1
    return execution.exit_code or 0
