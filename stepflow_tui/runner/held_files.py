"""Files of a running script whose paths lead elsewhere: read on through who has them open.

Whoever moves or deletes a spool takes its name away, and no more: the cat goes on writing into it,
and the shim has the exit file open. Both can be opened anew by way of /proc while they live.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core import clock
from stepflow_tui.runner import proc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PROC = Path("/proc")
_SHIM_EXIT, _CAT_OUTPUT = 2, 1
"""The descriptors under which the shim has its exit file, and a cat its spool."""


class HeldFiles:
    """What an execution's processes have open; kept open here from the first use on."""

    def __init__(self, boot_id: str, shim: int, start: int, output_name: str) -> None:
        """Opens nothing yet.

        Args:
            boot_id: of the boot in which the shim was started.
            shim: its pid.
            start: its start time, see `Process.start`.
            output_name: of the spool, as long as that has a name.
        """
        self._shim, self._start = shim, start
        self._is_of_this_boot = boot_id == clock.boot_id()
        self._output_name = output_name
        self._output: int | None = None
        self._exit: int | None = None

    def output(self, inode: int | None) -> int | None:
        """A descriptor of the spool, with this inode if that is known; None if nobody has it."""
        if self._output is None and self._is_of_this_boot:
            session = proc.ProcessTable().of_sessions({self._shim})
            self._output = _opened(session, _CAT_OUTPUT, lambda found: self._is_spool(found, inode))
        return self._output

    def _is_spool(self, descriptor: int, inode: int | None) -> bool:
        if inode is not None:
            return os.fstat(descriptor).st_ino == inode
        name = (_PROC / "self" / "fd" / str(descriptor)).readlink().name
        return name.removesuffix(" (deleted)") == self._output_name

    def exit_file(self) -> int | None:
        """A descriptor of the exit file; None if the shim has ended before anybody asked."""
        if self._exit is None and self._is_of_this_boot:
            self._exit = _opened([self._shim], _SHIM_EXIT, self._is_exit_file)
        return self._exit

    def _is_exit_file(self, descriptor: int) -> bool:
        # It ends with zeros from its beginning on, and no log does.
        size = os.fstat(descriptor).st_size
        is_ours = size > 0 and os.pread(descriptor, 1, size - 1) == b"\0"
        return is_ours and proc.is_alive(self._shim, self._start)

    def hold(self, exit_path: str, output_path: str, inode: int | None) -> None:
        """Open what is not at these paths any more."""
        if not os.path.lexists(exit_path):
            self.exit_file()
        if not os.path.lexists(output_path):
            self.output(inode)

    def close(self) -> None:
        """Let go of both."""
        for descriptor in (self._output, self._exit):
            if descriptor is not None:
                os.close(descriptor)
        self._output = self._exit = None


def _opened(pids: Iterable[int], number: int, is_wanted: Callable[[int], bool]) -> int | None:
    """What one of these processes has open under this number, if it is a file that is wanted."""
    for pid in pids:
        with suppress(OSError):  # the process has ended, or is another user's
            path = _PROC / str(pid) / "fd" / str(number)
            if not stat.S_ISREG(path.stat().st_mode):
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if is_wanted(descriptor):
                return descriptor
            os.close(descriptor)
    return None
