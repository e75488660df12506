"""Which processes have a file open, and how large a process is: looked up in /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home

_PROC = Path("/proc")


def processes_with(file: Path) -> list[tuple[int, str]]:
    """Pids and names of the processes that have `file` open; only one's own can be looked into."""
    wanted = str(file)
    pids = (int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdigit())
    return [(pid, _name(pid)) for pid in pids if pid != os.getpid() and _has_open(pid, wanted)]


def readers_of(home: Home, runner: int | None) -> list[tuple[int, str]]:
    """Pids and names of those who have the database open, but for us and the runner."""
    shared = home.database.with_name(f"{home.database.name}-shm")
    return [(pid, name) for pid, name in processes_with(shared) if pid != runner]


def _has_open(pid: int, wanted: str) -> bool:
    with suppress(OSError), os.scandir(_PROC / str(pid) / "fd") as files:  # it may be another's
        return any(_target(entry.path) == wanted for entry in files)
    return False


def _target(link: str) -> str | None:
    try:
        return os.readlink(link)  # noqa: PTH115 - one of very many
    except OSError:
        return None


def _name(pid: int) -> str:
    with suppress(OSError):
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    return "unknown"


def memory_of(pid: int) -> int | None:
    """Bytes of memory that a process holds (resident); None if it is gone."""
    with suppress(OSError, ValueError, IndexError):
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None
