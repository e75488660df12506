"""The report's scenario, end to end: 121 executions with 4 steps and 2 artifacts each."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.runs import counts, open_reader, request
from benchmarks.section import section
from benchmarks.timing import times_ms
from benchmarks.workshop import wait_for
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home
    from stepflow_tui.store.reader import Reader

_EXECUTIONS, _AT_A_TIME, _STEPS, _ARTIFACTS = 121, 20, 4, 2
_SCRIPT = """#!/bin/sh
for step in Fetch Build Test Publish; do
  echo "STEP_START:$step"
  for i in 1 2 3 4 5 6 7 8 9 10; do echo "$step $i"; done
  echo "STEP_COMPLETE:$step"
done
name=$(mktemp -u out-XXXXXXXX)
for part in 1 2; do echo "$part" > "$name-$part"; echo "ARTIFACT:$name-$part"; done
"""
_PROBE = """#!{python}
import os, sys, time
def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()
    time.sleep(0.02)
for number in range({times}):
    say(f"STEP_START:step {{time.monotonic_ns()}}")
    say(f"line {{time.monotonic_ns()}}")
    with open(f"probe-{{number}}", "w") as file:
        file.write("x" * 4096)
    say(f"ARTIFACT:probe-{{number}}:{{time.monotonic_ns()}}")
say(f"line {{time.monotonic_ns()}}")
sys.stdout.write(f"end {{time.monotonic_ns()}}\\n")
sys.stdout.flush()
os._exit(0)
"""
_STAMP = re.compile(r"(\d{9,20})$")
_LOOK_S = 0.0002
_CLAIMS = {"step": "5 ms", "line": "1 ms", "artifact": "10 ms", "end": "1 ms"}


@section("scenario", "121 executions with 4 steps and 2 artifacts, end to end, and its stages")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Through a real runner, twenty at a time; then how soon each part of one can be read."""
    script = _write(workshop, "scenario.sh", _SCRIPT)
    alone = _alone(workshop.directory("alone"), script)
    home = workshop.home()
    workshop.start_runner(home)
    with open_reader(home) as reader:
        took = _all(home, reader, workshop.directory("scenario"), script)
        yield Figure("all of it", took, "s", alone, "the scripts alone, 20 at a time")
        yield from _whole(reader)
        yield from _stages(workshop, home, reader)
        yield _query(reader)


def _write(workshop: Workshop, name: str, text: str) -> Path:
    script = workshop.root / name
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    return script


def _alone(cwd: Path, script: Path) -> float:
    """Seconds for the same scripts with their output in files."""

    def run(number: int) -> None:
        with (cwd / f"{number}.log").open("wb") as file:
            subprocess.run([script], cwd=cwd, stdout=file, check=True)

    began = time.perf_counter()
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(run, range(_EXECUTIONS)))
    return time.perf_counter() - began


def _all(home: Home, reader: Reader, cwd: Path, script: Path) -> float:
    """Seconds, with a new one as soon as one is over."""
    began = time.perf_counter()
    waiting = deque(request(cwd, script) for _ in range(_EXECUTIONS))
    submitted = over = 0

    def some_are_over() -> bool:
        return counts(reader)[Status.COMPLETED] > over

    while over < _EXECUTIONS:
        room = _AT_A_TIME - (submitted - over)
        batch = [waiting.popleft() for _ in range(min(room, len(waiting)))]
        if batch:
            inbox.submit(home, *batch)
            submitted += len(batch)
        wait_for(some_are_over)
        over = counts(reader)[Status.COMPLETED]
    return time.perf_counter() - began


def _whole(reader: Reader) -> Iterator[Figure]:
    """Whether all of it is there."""
    found = reader.all(queries.newest_executions(_EXECUTIONS))
    steps = [step for one in found for step in reader.all(queries.steps(one.number))]
    artifacts = [one for run in found for one in reader.all(queries.artifacts(run.number))]
    done = sum(step.status is Status.COMPLETED for step in steps)
    kept = sum(artifact.stored is not None for artifact in artifacts)
    good = sum(one.status is Status.COMPLETED for one in found)
    for name, count, most in (
        ("executions completed", good, _EXECUTIONS),
        ("steps completed", done, _EXECUTIONS * _STEPS),
        ("artifacts stored", kept, _EXECUTIONS * _ARTIFACTS),
    ):
        yield Figure(name, float(count), "", claim=f"{most} (100 %)", least=most, most=most)


def _stages(workshop: Workshop, home: Home, reader: Reader) -> Iterator[Figure]:
    """How long after a script has done something a reader sees it."""
    times = workshop.choose(20, 100)
    probe = _write(workshop, "probe.py", _PROBE.format(python=sys.executable, times=times))
    asked = request(workshop.directory("probe"), probe)
    submitting = times_ms(lambda: inbox.submit(home, asked), 1, warm_up=0)
    yield Figure("create: the request is on the disk", submitting[0], "ms", claim="2 ms")
    late = _seen(reader, asked.id)
    for stage, claim in _CLAIMS.items():
        for share in (0.5, 0.99) if stage != "end" else (1.0,):
            label = f"{stage}: printed to readable" + (f", p{share * 100:.0f}" if share < 1 else "")
            yield Figure(label, quantile(late[stage], share), "ms", claim=claim)


def _seen(reader: Reader, execution: str) -> dict[str, list[float]]:
    """Milliseconds from when each thing was done until it could be read."""
    late: dict[str, dict[int, float]] = {stage: {} for stage in _CLAIMS}
    version, is_over = 0, False
    while not is_over:
        if (latest := reader.data_version()) == version:
            time.sleep(_LOOK_S)
            continue
        version = latest
        for stage, stamp in list(_stamps(reader, execution)):
            late[stage].setdefault(stamp, (time.monotonic_ns() - stamp) / 1e6)
            is_over |= stage == "end"
    return {stage: list(found.values()) for stage, found in late.items()}


def _stamps(reader: Reader, execution: str) -> Iterator[tuple[str, int]]:
    """What can be read of this execution by now, each with its time."""
    found = reader.first(queries.executions_with_prefix(execution))
    if found is None:
        return
    stream = reader.all(queries.stream(found.number))[0]
    first = max(0, stream.line_count - 8)
    lines = [
        line
        for chunk in reader.all(queries.chunks_of_lines(found.number, first, stream.line_count, 16))
        for line in chunk.text().decode().splitlines()
    ]
    texts = {
        "line": [line for line in lines if line.startswith("line ")],
        "end": [line for line in lines if line.startswith("end ") and found.status.is_final],
        "step": [step.name for step in reader.all(queries.steps(found.number))],
        "artifact": [
            artifact.description or ""
            for artifact in reader.all(queries.artifacts(found.number))
            if artifact.stored
        ],
    }
    for stage, said in texts.items():
        for text in said:
            if stamp := _STAMP.search(text):
                yield stage, int(stamp[1])


def _query(reader: Reader) -> Figure:
    """All that is shown of one."""

    def ask() -> None:
        reader.all(queries.execution(1))
        reader.all(queries.steps(1))
        reader.all(queries.artifacts(1))

    taken = times_ms(ask, 200)
    return Figure(
        "query: execution, steps and artifacts, p50", quantile(taken, 0.5), "ms", claim="2 ms"
    )
