"""What processes take: memory, processor, and what they write to the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


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
    return sum(map(_cpu_ticks, pids)) / _TICKS_PER_S


def _field(pid: int, file: str, name: str) -> int:
    """A number from a file about a process; 0 if that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0


def _cpu_ticks(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0
