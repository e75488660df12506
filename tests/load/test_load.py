"""What must hold under load, with real scripts and the real runner."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.store import queries
from tests.house import wait_for
from tests.lateness import in_time

if TYPE_CHECKING:
    from tests.house import House

PRODUCTION = r"""
for step in Fetch Build Test Publish; do
  echo "STEP_START:$step"
  for i in 1 2 3 4 5; do echo "$step $i"; done
  echo "STEP_COMPLETE:$step"
done
echo one > "one-$STEPFLOW_EXECUTION_ID"; echo "ARTIFACT:one-$STEPFLOW_EXECUTION_ID"
echo two > "two-$STEPFLOW_EXECUTION_ID"; echo "ARTIFACT:two-$STEPFLOW_EXECUTION_ID"
"""


def count(house: House, status: Status) -> int:
    return dict(house.read(queries.status_counts()))[status]


def test_121_executions_with_20_going_at_a_time(house: House) -> None:
    script = house.script(PRODUCTION)
    house.start_runner()
    waiting = [house.request(script) for _ in range(121)]
    ids = [request.id for request in waiting]
    going: set[str] = set()
    while waiting or going:
        while waiting and len(going) < 20:
            request = waiting.pop()
            inbox.submit(house.home, request)
            going.add(request.id)
        house.wait(next(iter(going)))
        executions = [house.find(execution) for execution in going]
        going -= {found.id for found in executions if found and found.status.is_final}
    assert count(house, Status.COMPLETED) == 121
    executions = [house.wait(execution) for execution in ids]
    steps = [step for found in executions if found for step in house.steps(found)]
    assert len(steps) == 484
    assert {step.status for step in steps} == {Status.COMPLETED}
    artifacts = [
        artifact
        for found in executions
        if found
        for artifact in house.read(queries.artifacts(found.number))
    ]
    assert len(artifacts) == 242
    for artifact in artifacts:
        assert artifact.stored
        assert (house.home.root / artifact.stored).read_text() in ("one\n", "two\n")


ALIVE = r"""
while [ ! -e "$GO" ]; do sleep 1; done
for step in 1 2 3 4; do
  echo "STEP_START:Step $step"
  for line in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "$step $line"; done
done
echo done; echo over
"""
EXPECTED = [
    line
    for step in range(1, 5)
    for line in [f"STEP_START:Step {step}", *[f"{step} {line}" for line in range(1, 13)]]
] + ["done", "over"]


def pss_kb(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def runner_processes(runner: int) -> list[int]:
    """The runner and its launcher, not the shims that the launcher started."""
    children = Path(f"/proc/{runner}/task/{runner}/children").read_text(encoding="ascii")
    return [runner, *map(int, children.split())]


def test_1000_executions_alive_at_once(house: House) -> None:
    go = house.root / "go"
    script = house.script(ALIVE)
    environment = {"PATH": os.environ["PATH"], "GO": str(go)}
    requests = [house.request(script, environment=environment) for _ in range(1000)]
    runner = house.start_runner()
    inbox.submit(house.home, *requests)
    wait_for(lambda: count(house, Status.RUNNING) == 1000, patience_s=120)
    go.touch()
    wait_for(lambda: count(house, Status.COMPLETED) == 1000, patience_s=120)
    processes = runner_processes(runner.pid)
    assert sum(map(pss_kb, processes)) < 150_000
    for pid in processes:
        assert len(list(Path(f"/proc/{pid}/fd").iterdir())) < 64
    executions = house.read(queries.newest_executions(1000))
    assert sum(found.line_count for found in executions) == 54_000
    for execution in executions:
        assert house.log(execution).decode().splitlines() == EXPECTED
        assert execution.step_count == execution.steps_done == 4


MILLION = """#!/usr/bin/env python3
import sys
for thousand in range(1000):
    lines = (f"{thousand * 1000 + line:09d} {'x' * 55}\\n" for line in range(1000))
    sys.stdout.write("".join(lines))
"""


def test_a_million_lines_as_fast_as_they_come(house: House) -> None:
    script = house.script(MILLION)
    house.start_runner()
    plain = house.root / "plain"
    began = time.monotonic()
    with plain.open("wb") as file:
        subprocess.run([script], stdout=file, check=True)
    reference = time.monotonic() - began
    began = time.monotonic()
    execution = house.run(script)
    took = time.monotonic() - began
    print(f"plain file {reference:.2f} s, recorded {took:.2f} s")  # noqa: T201 - a figure
    assert (execution.status, execution.line_count) == (Status.COMPLETED, 1_000_000)
    assert house.log(execution) == plain.read_bytes()
    in_time(took, reference + 1.5, "recording a million lines")
