"""What /proc tells of processes."""

from __future__ import annotations

import errno
import os
import signal
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

_PROC = Path("/proc")
_ZOMBIE = frozenset("ZX")
_NAMED = 5
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Process(Struct, frozen=True):
    """A process as one look at /proc saw it.

    Attributes:
        start: clock ticks from boot to its start; with the pid it names a process for good.
        state: the letter of proc(5).
    """

    pid: int
    parent: int
    session: int
    start: int
    state: str
    name: str

    @property
    def is_stopped(self) -> bool:
        """Whether a signal has stopped it: not a debugger, nor the freezer of a cgroup."""
        return self.state == "T"


def process(pid: int) -> Process | None:
    """The process with this pid; None if there is none, or only its zombie."""
    try:
        content = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    head, _, tail = content.rpartition(")")
    fields = tail.split()
    if fields[0] in _ZOMBIE:
        return None
    return Process(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        start=int(fields[19]),
        state=fields[0],
        name=head.partition("(")[2],
    )


def children(pid: int) -> list[Process]:
    """The processes that have this one as their parent."""
    try:
        content = (_PROC / str(pid) / "task" / str(pid) / "children").read_text("ascii")
    except OSError:
        return []
    found = (process(int(child)) for child in content.split())
    return [child for child in found if child is not None]


def is_alive(pid: int, start: int) -> bool:
    """Whether the process that had this pid and start time still lives."""
    found = process(pid)
    return found is not None and found.start == start


def uptime() -> float:
    """Seconds since boot as /proc tells them, which a container may count from its own start."""
    return float((_PROC / "uptime").read_text("ascii").split()[0])


def ticks_since_boot(ago_s: float = 0.0) -> int:
    """Now, or `ago_s` seconds ago, on the clock of `Process.start`."""
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - ago_s
    return int(seconds * os.sysconf("SC_CLK_TCK"))


def _namespace_of(pid: int) -> str:
    try:
        return str((_PROC / str(pid) / "ns" / "pid").readlink())
    except OSError:
        return ""


def find_in_namespace(namespace: str, pid: int, start: int) -> Process | None:
    """The process that has this pid in that namespace, as it is seen from here; None if unseen."""
    for found in ProcessTable().started_at(start):
        if _namespace_of(found.pid) == namespace and _innermost_pid(found.pid) == pid:
            return found
    return None


def _innermost_pid(pid: int) -> int | None:
    """The pid that a process has in its own namespace."""
    try:
        status = (_PROC / str(pid) / "status").read_text("utf-8", "replace")
    except OSError:
        return None
    line = next((line for line in status.splitlines() if line.startswith("NSpid:")), "")
    return int(line.split()[-1]) if line else None


@cache
def has_pidfd() -> bool:
    """Whether processes can be signalled through descriptors of them.

    An old kernel cannot, and a seccomp filter, such as an old container runtime's, may forbid it.
    """
    try:
        descriptor = os.pidfd_open(os.getpid())
        try:
            signal.pidfd_send_signal(descriptor, 0)
        finally:
            os.close(descriptor)
    except (AttributeError, OSError) as error:
        return isinstance(error, OSError) and error.errno in _SCARCE
    return True


def send_signal(target: Process, number: signal.Signals) -> bool:
    """Signal exactly this process: its pid may belong to another one by now.

    Returns:
        False if we may not signal it, as it is another user's.
    """
    try:
        if has_pidfd():
            _send_by_descriptor(target, number)
        else:
            _send_by_pid(target, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


def _send_by_descriptor(target: Process, number: signal.Signals) -> None:
    """The descriptor is opened before the look that compares, so no reuse comes in between."""
    try:
        descriptor = os.pidfd_open(target.pid)
    except ProcessLookupError:
        return
    except OSError:  # no descriptor is left, or they were forbidden meanwhile
        _send_by_pid(target, number)
        return
    try:
        if is_alive(target.pid, target.start):
            signal.pidfd_send_signal(descriptor, number)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL):
            raise
        _send_by_pid(target, number)
    finally:
        os.close(descriptor)


def _send_by_pid(target: Process, number: signal.Signals) -> None:
    """Look right before: the pid would have to be used again within the microseconds between."""
    if is_alive(target.pid, target.start):
        os.kill(target.pid, number)


def names_of(processes: Iterable[Process]) -> str:
    """Processes for a sentence: `sleep (pid 7), cat (pid 9) and 3 more`."""
    names = [f"{found.name} (pid {found.pid})" for found in processes]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "unknown ones") + more


class ProcessTable:
    """All processes at one moment."""

    def __init__(self) -> None:
        names = (entry.name for entry in os.scandir(_PROC))
        found = (process(int(name)) for name in names if name.isdigit())
        self._processes = {entry.pid: entry for entry in found if entry is not None}
        self._environments: dict[int, list[bytes]] = {}

    def find(self, pid: int, start: int) -> Process | None:
        """The process that has this pid and this start time, if it lives."""
        found = self._processes.get(pid)
        return found if found is not None and found.start == start else None

    def started_at(self, start: int) -> list[Process]:
        """The processes with this start time."""
        return [entry for entry in self._processes.values() if entry.start == start]

    def descendants(self, pid: int) -> set[int]:
        """The pids of all that descends from `pid`, itself not among them."""
        children: dict[int, list[int]] = {}
        for entry in self._processes.values():
            children.setdefault(entry.parent, []).append(entry.pid)
        found: set[int] = set()
        heads = [pid]
        while heads:
            for child in children.get(heads.pop(), ()):
                if child not in found:
                    found.add(child)
                    heads.append(child)
        return found

    def tagged(self, tag: str) -> set[int]:
        """The pids of all whose environment holds the pair `tag`."""
        if not self._environments:
            self._environments = {pid: _environment(pid) for pid in self._processes}
        wanted = tag.encode()
        return {pid for pid, pairs in self._environments.items() if wanted in pairs}

    def output_holders(self, shim: int) -> list[Process]:
        """The processes that have the pipe open that the cat of this shim reads."""
        own = [entry for entry in self._processes.values() if entry.session == shim]
        inputs = {_standard_input(entry.pid) for entry in own}
        pipes = {name for name in inputs if name.startswith("pipe:")}
        return [
            entry
            for entry in self._processes.values()
            if entry.session != shim and not pipes.isdisjoint(_open_files(entry.pid))
        ]

    def of_sessions(self, leaders: Container[int]) -> set[int]:
        """The pids of all in the sessions that these leaders have founded."""
        return {entry.pid for entry in self._processes.values() if entry.session in leaders}

    def has_session(self, leader: int) -> bool:
        """Whether anybody lives in the session that `leader` has founded."""
        return any(entry.session == leader for entry in self._processes.values())

    def select(self, pids: Iterable[int]) -> list[Process]:
        """The processes with these pids."""
        return [self._processes[pid] for pid in pids if pid in self._processes]


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _open_files(pid: int) -> set[str]:
    return set(_links(_PROC / str(pid) / "fd"))


def _links(directory: Path) -> Iterator[str]:
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        try:
            yield os.readlink(entry.path)  # noqa: PTH115 - hundreds of thousands of them
        except OSError:
            continue


def _standard_input(pid: int) -> str:
    try:
        return str((_PROC / str(pid) / "fd" / "0").readlink())
    except OSError:
        return "gone"
