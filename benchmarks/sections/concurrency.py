"""Many executions alive at the same time."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.plot import CURVES, Curve
from benchmarks.runs import counts, open_reader, request
from benchmarks.section import section
from benchmarks.workshop import wait_for
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.store.reader import Reader

_CLAIMS = {
    10: "100 %, 10 MB",
    50: "100 %, 30 MB",
    100: "0 of 100 created",
    500: "90 % (estimated)",
    1000: "886 of 1,000",
}
# It waits for a line and takes no processor: two thousand that look for a file once a second, with
# a `sleep` each, are all that two cores can do, and say nothing of starts.
_ALIVE = '#!/bin/sh\necho up\nread -r go <"$GO"\necho over\n'
_KB_EACH, _KB_BASE = 20, 60_000


@section("concurrency", "1 to 2,000 executions alive at once")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Submitted together; then some submitted one after the other."""
    script = workshop.root / "alive.sh"
    script.write_text(_ALIVE)
    script.chmod(0o755)
    curve = Curve("concurrency", "start", "Submit to running, p99", "executions at once", "ms")
    CURVES.append(curve)
    for number in workshop.choose((1, 10, 100, 300), (1, 10, 50, 100, 500, 1000, 2000)):
        yield from _together(workshop, script, number, curve)
    yield from _apart(workshop, script)


class Gate:
    """Before which scripts wait, each for a line of its own."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._end = os.open(path, os.O_RDWR)  # with both ends open nobody waits to open it

    def open(self, number: int) -> None:
        """Let so many pass."""
        os.write(self._end, b"\n" * number)

    def close(self) -> None:
        """Nobody waits any more."""
        os.close(self._end)


def _together(workshop: Workshop, script: Path, number: int, curve: Curve) -> Iterator[Figure]:
    home, go = workshop.home(), Gate(workshop.root / f"go-{number}")
    runner = workshop.start_runner(home)
    requests = [request(workshop.root, script, GO=go.path) for _ in range(number)]
    with open_reader(home) as reader:
        submitted = time.time() * 1000
        inbox.submit(home, *requests)
        _wait_running(reader, number)
        started = [found.started_at or 0 for found in reader.all(queries.newest_executions(number))]
        memory, descriptors = _taken(runner)
        go.open(number)
        wait_for(lambda: counts(reader)[Status.COMPLETED] == number, 300)
    go.close()
    delays = [moment - submitted for moment in started]
    claim = _CLAIMS.get(number, "")
    yield Figure(f"{number:,} at once: completed", float(number), "runs", claim=claim, least=number)
    yield Figure(f"{number:,} at once: running after, p50", quantile(delays, 0.5), "ms")
    yield Figure(
        f"{number:,} at once: running after, p99", quantile(delays, 0.99), "ms", most=10_000
    )
    yield Figure(
        f"{number:,} at once: memory of the runner",
        memory / 1000,
        "MB",
        most=(_KB_BASE + _KB_EACH * number) / 1000,
    )
    yield Figure(f"{number:,} at once: its descriptors", float(descriptors), "", most=100)
    curve.series.setdefault("p99", []).append((number, quantile(delays, 0.99)))


def _apart(workshop: Workshop, script: Path) -> Iterator[Figure]:
    home, go = workshop.home(), Gate(workshop.root / "go-apart")
    workshop.start_runner(home)
    number, delays = workshop.choose(10, 100), []
    with open_reader(home) as reader:
        for place in range(number):
            submitted = time.time() * 1000
            inbox.submit(home, request(workshop.root, script, GO=go.path))
            _wait_running(reader, place + 1)
            [newest] = reader.all(queries.newest_executions(1))
            delays.append((newest.started_at or 0) - submitted)
            time.sleep(0.2)
        go.open(number)
        wait_for(lambda: counts(reader)[Status.COMPLETED] == number)
    go.close()
    yield Figure("5 a second: running after, p50", quantile(delays, 0.5), "ms")
    yield Figure("5 a second: running after, p99", quantile(delays, 0.99), "ms", most=100)


def _wait_running(reader: Reader, number: int) -> None:
    wait_for(lambda: counts(reader)[Status.RUNNING] == number, 300)


def _taken(runner: int) -> tuple[int, int]:
    """Memory in KB (PSS) and descriptors of the runner and its launcher."""
    children = Path(f"/proc/{runner}/task/{runner}/children").read_text(encoding="ascii")
    memory = descriptors = 0
    for pid in [runner, *map(int, children.split())]:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        memory += next(
            int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")
        )
        descriptors += len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return memory, descriptors
