"""What processes take: memory, processor, and what they write to the disk."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

_SCHEDULED = 2
"""The kind of clock that counts what the scheduler has given, in nanoseconds."""


def with_children(pid: int) -> tuple[int, ...]:
    """The process and those that it has started itself, as the runner has its launcher."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return pid, *map(int, children.split())


def memory_mb(*pids: int) -> float:
    """Memory of these processes, shared pages by their share (PSS)."""
    return sum(_field(pid, "smaps_rollup", "Pss") for pid in pids) / 1000


def written_bytes(*pids: int) -> int:
    """What these processes have sent towards the disk."""
    return sum(_field(pid, "io", "write_bytes") for pid in pids)


def cpu_s(*pids: int) -> float:
    """Seconds of the processor that these processes took, without their children."""
    return sum(map(_cpu_s, pids))


def _field(pid: int, file: str, name: str) -> int:
    """A number from a file about a process; 0 if that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0


def _cpu_s(pid: int) -> float:
    """By its own clock, named as clock_getcpuclockid(3) does it: /proc counts in 10 ms."""
    with suppress(OSError):
        return time.clock_gettime(~pid << 3 | _SCHEDULED)
    return 0.0
