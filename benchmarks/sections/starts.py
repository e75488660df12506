"""How many scripts can be started in a second, against fork and exec alone."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
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
    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import RunRequest

_SHIM = Path(launch.__file__).with_name("shim.sh")
_COMMAND = "/bin/true"
_ROUNDS = 5
_LOOK_S = 0.01


@section("starts", "starts a second, against a bare loop that starts the same shims")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """From the first order until the last script is over: by the loop, the launcher, the runner.

    Loop and launcher are up before the clock runs and are looked at in the same way; the median of
    some rounds is told, as the best of a few depends on when a shared machine has time.
    """
    count = workshop.choose(80, 500)
    bare, locked, launched = list[float](), list[float](), list[float]()
    for number in range(_ROUNDS):  # by turns, as a machine is not always the same
        bare.append(_bare(workshop, f"bare-{number}", count, lock="none"))
        locked.append(_bare(workshop, f"locked-{number}", count, lock="lock"))
        launched.append(_launched(workshop, count))
    of = "a bare loop, the same shims"
    yield Figure(
        "starts by the launcher", median(launched), "/s", median(bare), of, least=0.8, by_ratio=True
    )
    yield Figure(
        "the same", median(launched), "/s", median(locked), f"{of}, each with a lock on the disk"
    )
    whole = _whole(workshop, count)
    yield Figure(
        "submitted, run and recorded", whole, "/s", median(bare), of, claim="15.93 creations/s"
    )


def _bare(workshop: Workshop, name: str, count: int, *, lock: str) -> float:
    """Starts a second of a loop that only forks and executes, or makes a lock first."""
    spool = workshop.directory(name)
    program = [sys.executable, "-I", "-S", bare_starts.__file__, str(_SHIM), str(spool)]
    words = [*program, str(count), lock, _COMMAND]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is not None:
            process.stdout.readline()  # it is up
        began = time.perf_counter()
        process.communicate(b"\n")
        _wait_for_all([spool / str(number) for number in range(count)])
        return count / (time.perf_counter() - began)


def _launched(workshop: Workshop, count: int) -> float:
    """Starts a second of the launcher: it reads a request and takes a lock for each."""
    home = workshop.home()
    first, *requests = [request(workshop.root, _COMMAND) for _ in range(count + 1)]
    inbox.submit(home, first, *requests)
    launcher = Launcher()
    _order(launcher, home, [first])  # it is up then
    began = time.perf_counter()
    _order(launcher, home, requests)
    took = time.perf_counter() - began
    launcher.close()
    return count / took


def _order(launcher: Launcher, home: Home, requests: list[RunRequest]) -> None:
    """Have these started, and wait until they are over."""
    for asked in requests:
        path = inbox.path_of(home, asked.id, "run")
        launcher.start(asked.id, path, home.spool / asked.id)
    while launcher.has_orders:
        launcher.flush()
        time.sleep(_LOOK_S)
    _wait_for_all([home.spool / asked.id for asked in requests])


def _wait_for_all(prefixes: list[Path]) -> None:
    """Wait until the shims have told that all is over.

    A look costs one small file, so that who waits takes nothing from those that are waited for.
    """
    for prefix in prefixes:
        wait_for(partial(_is_over, Path(f"{prefix}.exit")))


def _is_over(exit_file: Path) -> bool:
    if exit_file.exists() and b"drained" in exit_file.read_bytes():
        return True
    time.sleep(_LOOK_S)
    return False


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
