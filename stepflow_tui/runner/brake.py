"""Slowing a flood down: its pipe is made narrow, so that its writer has to wait more often.

Nobody is stopped, and nothing is held: should the runner die, the script goes on, only slower.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.runner import proc

if TYPE_CHECKING:
    from collections.abc import Iterator

NARROW, WIDE = 4096, 65_536
"""Bytes that a pipe holds: the least there is, and what every pipe begins with."""


def set_width(shim: int, width: int) -> bool:
    """Set how much the output pipe of this shim's execution holds.

    Returns:
        Whether it could be done; a full pipe cannot be made narrow at that moment.
    """
    for pipe in _output_pipes(shim):
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, width)
        except OSError:
            return False
        finally:
            os.close(pipe)
        return True
    return False


def _output_pipes(shim: int) -> Iterator[int]:
    """Descriptors of the pipe that the cat of this shim reads: one is enough."""
    table = proc.ProcessTable()
    for pid in table.of_sessions([shim]) - {shim}:
        path = Path("/proc") / str(pid) / "fd" / "0"
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue  # it has ended
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            yield descriptor
        else:
            os.close(descriptor)
