"""How many scripts can be started in a second, against fork and exec alone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import bare_starts
from benchmarks.figure import Figure
from benchmarks.runs import counts, open_reader, request
from benchmarks.section import section
from benchmarks.workshop import wait_for
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.runner import launch
from stepflow_tui.runner.launch import Launcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workshop import Workshop

_SHIM = Path(launch.__file__).with_name("shim.sh")
_COMMAND = "/bin/true"
_ROUNDS = 3


@section("starts", "starts a second, against a bare loop that starts the same shims")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """From the first order until the last script is over: by the loop, the launcher, the runner."""
    count = workshop.choose(150, 500)
    bare, locked, launched = list[float](), list[float](), list[float]()
    for number in range(_ROUNDS):  # by turns, as a machine is not always the same
        bare.append(_bare(workshop, f"bare-{number}", count, lock="none"))
        locked.append(_bare(workshop, f"locked-{number}", count, lock="lock"))
        launched.append(_launched(workshop, count))
    of = "a bare loop, the same shims"
    yield Figure(
        "starts by the launcher", max(launched), "/s", max(bare), of, least=0.8, by_ratio=True
    )
    yield Figure(
        "the same", max(launched), "/s", max(locked), f"{of}, each with a lock on the disk"
    )
    whole = _whole(workshop, count)
    yield Figure(
        "submitted, run and recorded", whole, "/s", max(bare), of, claim="15.93 creations/s"
    )


def _bare(workshop: Workshop, name: str, count: int, *, lock: str) -> float:
    """Starts a second of a loop that only forks and executes, or makes a lock first."""
    spool = workshop.directory(name)
    program = [sys.executable, "-I", "-S", bare_starts.__file__, str(_SHIM), str(spool)]
    began = time.perf_counter()
    subprocess.run([*program, str(count), lock, _COMMAND], check=True)
    wait_for(lambda: _all_over(spool, count))
    return count / (time.perf_counter() - began)


def _launched(workshop: Workshop, count: int) -> float:
    """Starts a second of the launcher: it reads a request and takes a lock for each."""
    home = workshop.home()
    requests = [request(workshop.root, _COMMAND) for _ in range(count)]
    inbox.submit(home, *requests)
    launcher = Launcher()
    began = time.perf_counter()
    for asked in requests:
        path = inbox.path_of(home, asked.id, "run")
        launcher.start(asked.id, path, home.spool / asked.id)

    def over() -> bool:
        launcher.flush()
        return not launcher.has_orders and _all_over(home.spool, count)

    wait_for(over)
    took = time.perf_counter() - began
    launcher.close()
    return count / took


def _all_over(spool: Path, count: int) -> bool:
    """Whether so many shims have told that all is over; looks at most some times a second."""
    time.sleep(0.01)
    exits = list(spool.glob("*.exit"))
    return len(exits) == count and all(b"drained" in path.read_bytes() for path in exits)


def _whole(workshop: Workshop, count: int) -> float:
    """Runs a second through the runner: request, row, start, log and end."""
    home = workshop.home()
    workshop.start_runner(home)
    requests = [request(workshop.root, _COMMAND) for _ in range(count)]
    began = time.perf_counter()
    inbox.submit(home, *requests)
    with open_reader(home) as reader:
        wait_for(lambda: counts(reader)[Status.COMPLETED] == count)
    return count / (time.perf_counter() - began)
