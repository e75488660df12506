"""What executions take of the machine, each with all processes beneath its shim."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.health.shim import Shim, shim_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from psutil import Process

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.vitals import OpenSpool


class ProcessTree(Struct, frozen=True):
    """The processes of an execution at one moment.

    Attributes:
        number, name: of the execution.
        pid: of its shim, at the root.
        count: of processes, the shim and its cat among them.
        memory_bytes: resident; what processes share counts in each of them.
        cpu: processor time per time since the last look, 1.0 for a whole core; None at first.
    """

    number: int
    name: str
    pid: int
    count: int
    memory_bytes: int
    cpu: float | None


class ProcessTrees:
    """Looks at the processes of executions; processor time is measured from look to look."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._shims: dict[str, Shim] = {}
        self._used_s: dict[Shim, float] = {}
        self._looked_at = 0.0

    def look(self, spools: Iterable[OpenSpool]) -> list[ProcessTree]:
        """The trees of those whose shim lives; takes about 50 µs for each process there is."""
        moment = time.monotonic()
        span_s, self._looked_at = moment - self._looked_at, moment
        shims = self._known_shims(spools)
        children = children_of_all() if shims else {}
        used_s, self._used_s = self._used_s, {}
        found = []
        for spool, shim in shims:
            tree = list(members(shim.pid, children))
            memory_bytes, seconds = _sum(tree)
            self._used_s[shim] = seconds
            gain_s = max(0.0, seconds - used_s[shim]) if shim in used_s else None
            cpu = None if gain_s is None else gain_s / span_s
            found.append(
                ProcessTree(spool.number, spool.name, shim.pid, len(tree), memory_bytes, cpu)
            )
        return found

    def _known_shims(self, spools: Iterable[OpenSpool]) -> list[tuple[OpenSpool, Shim]]:
        before, self._shims = self._shims, {}
        found = []
        for spool in spools:
            shim = before.get(spool.id) or shim_of(self._home, spool.id)
            if shim is not None:
                self._shims[spool.id] = shim
                if shim.is_alive():
                    found.append((spool, shim))
        return found


def children_of_all() -> dict[int, list[Process]]:
    """All processes of the machine, by their parents."""
    import psutil

    found: dict[int, list[Process]] = {}
    for process in psutil.process_iter(["ppid"]):
        found.setdefault(process.info["ppid"], []).append(process)
    return found


def members(root: int, children: Mapping[int, list[Process]]) -> Iterator[Process]:
    """The process with this pid, and all that descends from it."""
    import psutil

    try:
        heads = [psutil.Process(root)]
    except psutil.NoSuchProcess:
        return
    while heads:
        process = heads.pop()
        yield process
        heads.extend(children.get(process.pid, ()))


def _sum(tree: Iterable[Process]) -> tuple[int, float]:
    """Their memory in bytes and the processor time they have taken in seconds.

    The time of children that have ended and were waited for is kept by their parents, so what a
    tree has taken in all only grows.
    """
    import psutil

    memory_bytes, seconds = 0, 0.0
    for process in tree:
        try:
            with process.oneshot():
                memory_bytes += process.memory_info().rss
                seconds += sum(process.cpu_times()[:4])
        except psutil.Error:
            continue  # it has just ended, or is hidden from us
    return memory_bytes, seconds
