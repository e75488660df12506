"""Output faster than anybody can read it, beside a run that has something to say."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.store import queries
from stepflow_tui.store.reader import Reader
from tests.faults import samples
from tests.faults.samples import MB
from tests.faults.scenario import scenario

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest
    from tests.faults.driver import Trial

MOST_BYTES = 300 * MB
MOST_DISK = 3000 * MB
"""100 MB of log are kept; the rest is what a flood writes while a commit waits for the disk."""

FAR_TOO_MUCH = 3 * MOST_DISK
P99_S = 1.0

TICKING = """#!/usr/bin/env python3
import time
for number in range(100_000):
    print(f"tick {number} at {time.time_ns()} end", flush=True)
    time.sleep(0.05)
"""
TICK = re.compile(rb"tick (\d+) at (\d+) end\n")
LONG_LINE = """#!/usr/bin/env python3
import sys
for _ in range(int(sys.argv[1])):
    sys.stdout.write("x" * 1_000_000)
"""
MARKERS = """#!/usr/bin/env python3
import sys
for number in range(int(sys.argv[1])):
    print(f"STEP_START:Step {number}")
"""


@scenario(
    fault="a run prints `yes` for 60 s, or a line of 2 GB, or 1,000,000 step markers",
    passes="a small run is stored with p99 < 1 s; the runner takes < 300 MB, the disk < 3 GB",
    quick={"seconds": 2, "megabytes": 200, "markers": 50_000, "max_log": "40MB"},
    full={"seconds": 60, "megabytes": 2000, "markers": 1_000_000, "max_log": "100MB"},
)
def test_floods(trial: Trial, seconds: int, megabytes: int, markers: int, max_log: str) -> None:
    trial.set(max_log_bytes=max_log, keep_spools_bytes=0)
    house = trial.house
    floods = {
        "yes": house.request("/bin/sh", "-c", f"timeout {seconds} yes; exit 0"),
        "a line": house.request(house.script(LONG_LINE, "line.py"), megabytes),
        "markers": house.request(house.script(MARKERS, "markers.py"), markers),
    }
    for name, request in floods.items():
        _flood(trial, name, request)
        trial.tally.tries += 1


def _flood(trial: Trial, name: str, flood: RunRequest) -> None:
    house = trial.house
    trial.start_runner()
    small = house.request(house.script(TICKING, "ticking.py"))
    inbox.submit(house.home, small)
    follower = Follower(trial, house.wait_running(small.id))
    inbox.submit(house.home, flood)
    while follower.go_on(flood.id):
        time.sleep(0.005)
    house.cancel(small.id, force=True)
    house.wait(small.id)
    trial.expect(house.wait(flood.id).status, Status.COMPLETED, f"the flood of {name}")
    follower.judge(name)
    house.kill_runner()


class Follower:
    """Reads what is stored of a ticking run as it comes, and measures what the runner takes."""

    def __init__(self, trial: Trial, ticking: Execution) -> None:
        self._trial = trial
        self._ticking = ticking
        self._home = trial.house.home
        self._reader = Reader(self._home.database)
        self._bytes = self._lines = 0
        self._delays: list[float] = []
        self._numbers: list[int] = []
        self._memory = self._disk = 0
        self._measured_at = 0.0

    def go_on(self, flood: str) -> bool:
        """Look once; False when the flood is over."""
        self._follow()
        if time.monotonic() - self._measured_at < 0.2:
            return True
        self._measured_at = time.monotonic()
        self._measure()
        if self._disk > FAR_TOO_MUCH:
            self._trial.house.cancel(flood, force=True)
            return False
        found = self._reader.all(queries.executions_with_prefix(flood))
        return not found or not found[0].status.is_final

    def _follow(self) -> None:
        query = queries.chunks_from(self._ticking.number, self._lines, self._bytes, -1)
        chunks = self._reader.all(query)
        if not chunks:
            return
        now = time.time_ns()
        text = b"".join(chunk.text() for chunk in chunks)[self._bytes - chunks[0].first_byte :]
        whole = text[: text.rfind(b"\n") + 1]
        for number, written in TICK.findall(whole):
            self._numbers.append(int(number))
            self._delays.append((now - int(written)) / 1e9)
        self._bytes += len(whole)
        self._lines += whole.count(b"\n")

    def _measure(self) -> None:
        found = samples.take(self._home)
        if found is not None:
            self._memory = max(self._memory, found.memory)
            self._disk = max(self._disk, found.disk)

    def judge(self, name: str) -> None:
        """Whether all lines came, in time, and how much it took."""
        self._reader.close()
        trial, tally = self._trial, self._trial.tally
        p99 = sorted(self._delays)[int(len(self._delays) * 0.99)]
        trial.in_time(p99, P99_S, f"to store a line beside {name}, p99")
        tally.largest(f"MB of memory beside {name}", self._memory / MB)
        tally.largest(f"MB of disk beside {name}", self._disk / MB)
        whole = self._numbers == list(range(len(self._numbers)))
        trial.expect(whole, True, f"the lines beside {name} are whole")
        trial.expect(self._memory < MOST_BYTES, True, f"memory beside {name} is bounded")
        trial.expect(self._disk < MOST_DISK, True, f"the disk beside {name} is bounded")
