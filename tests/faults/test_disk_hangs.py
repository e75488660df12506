"""Artifacts on a disk that hangs: what waits for them, for how long, and what is told of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import ArtifactStatus, Status
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store import queries
from tests.faults.preload import built
from tests.house import House, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.core.models import Artifact, Execution


class HangingHouse(House):
    """A home whose runner hangs when it opens what is named `….hang`, until `heal`."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(root)
        self._switch = root / "hanging"
        self._switch.touch()
        monkeypatch.setenv("LD_PRELOAD", str(built("hang", root)))
        monkeypatch.setenv("HANG", str(self._switch))

    def heal(self) -> None:
        """The disk answers again."""
        self._switch.unlink(missing_ok=True)

    def artifacts(self, execution: Execution) -> list[Artifact]:
        return self.read(queries.artifacts(execution.number))

    def wait_collecting(self, execution: str) -> Execution:
        def collecting() -> Execution | None:
            found = self.find(execution)
            return found if found is not None and found.is_collecting else None

        return wait_for(collecting)


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingHouse]:
    hanging = HangingHouse(tmp_path, monkeypatch)
    yield hanging
    hanging.heal()
    hanging.tear_down()


def stepflow(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


GOOD_AND_BAD = "touch good bad.hang; echo ARTIFACT:bad.hang; echo ARTIFACT:good"


def test_what_hangs_is_given_up_in_time_and_the_others_are_kept(
    hanging: HangingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_ARTIFACT_TIMEOUT", "3s")
    began = time.monotonic()
    execution = hanging.run(hanging.script(GOOD_AND_BAD))
    assert 3 <= time.monotonic() - began < 20
    assert (execution.status, execution.exit_code) == (Status.COMPLETED, 0)
    assert execution.duration_ms is not None
    assert execution.duration_ms < 3000
    assert execution.warnings == ["artifact bad.hang was given up: its disk did not respond"]
    bad, good = hanging.artifacts(execution)
    assert (bad.status, good.status) == (ArtifactStatus.TIMED_OUT, ArtifactStatus.STORED)
    listed = json.loads(stepflow(hanging, "artifacts", "1", "--json").stdout)
    assert [artifact["status"] for artifact in listed] == ["timed_out", "stored"]
    assert "timed out: its disk did not respond" in stepflow(hanging, "artifacts", "1").stdout


def test_nobody_else_waits_for_what_hangs(hanging: HangingHouse) -> None:
    stuck = [hanging.submit(hanging.script(GOOD_AND_BAD)) for _ in range(4)]
    for execution in stuck:
        hanging.wait_collecting(execution)
    began = time.monotonic()
    good = hanging.run("/bin/sh", "-c", "echo x > free; echo ARTIFACT:free")
    assert time.monotonic() - began < 10
    assert [artifact.status for artifact in hanging.artifacts(good)] == [ArtifactStatus.STORED]
    hanging.heal()
    for execution in stuck:
        found = hanging.wait(execution)
        assert [one.status for one in hanging.artifacts(found)] == [ArtifactStatus.STORED] * 2


def test_it_is_told_that_only_artifacts_are_waited_for_and_cancel_ends_that(
    hanging: HangingHouse,
) -> None:
    execution = hanging.submit(hanging.script(f"{GOOD_AND_BAD}; exit 3"))
    running = hanging.wait_collecting(execution)
    assert (running.status, running.exit_code) == (Status.RUNNING, 3)
    assert "collecting" in stepflow(hanging, "list").stdout
    shown = stepflow(hanging, "show", "1").stdout
    assert "its artifacts are still being collected: stepflow cancel 1" in shown
    told = json.loads(stepflow(hanging, "show", "1", "--json").stdout)
    assert (told["status"], told["collecting"], told["exit_code"]) == ("running", True, 3)
    assert [artifact["status"] for artifact in told["artifacts"]] == ["collecting"] * 2

    def health() -> str | None:
        found = stepflow(hanging, "health")
        return found.stdout + found.stderr if found.returncode == 1 else None

    assert "artifacts of #1 script.sh are still being collected" in wait_for(health)
    began = time.monotonic()
    cancelled = stepflow(hanging, "cancel", "1")
    assert time.monotonic() - began < 5
    assert (cancelled.returncode, cancelled.stdout) == (0, "#1 script.sh failed\n")
    ended = hanging.find(execution)
    assert ended is not None
    assert (ended.status, ended.exit_code, ended.error) == (Status.FAILED, 3, "exit code 3")
    statuses = [artifact.status for artifact in hanging.artifacts(ended)]
    assert statuses == [ArtifactStatus.CANCELLED] * 2
    assert stepflow(hanging, "health").returncode == 0


def test_a_cancelled_script_does_not_wait_for_long(hanging: HangingHouse) -> None:
    execution = hanging.submit(hanging.script(f"{GOOD_AND_BAD}; sleep 60"))
    hanging.wait_running(execution)
    wait_for(lambda: hanging.read(queries.artifacts(1)))
    began = time.monotonic()
    hanging.cancel(execution)
    ended = hanging.wait(execution)
    assert time.monotonic() - began < 10
    assert ended.status is Status.CANCELLED
    bad, good = hanging.artifacts(ended)
    assert (bad.status, good.status) == (ArtifactStatus.TIMED_OUT, ArtifactStatus.STORED)


def test_a_runner_that_is_stopped_leaves_and_the_next_one_collects(hanging: HangingHouse) -> None:
    execution = hanging.submit(hanging.script(GOOD_AND_BAD))
    hanging.wait_collecting(execution)
    began = time.monotonic()
    assert stepflow(hanging, "runner", "stop").returncode == 0
    assert live_runner(hanging.home) is None
    assert time.monotonic() - began < 8
    hanging.heal()
    hanging.start_runner()
    ended = hanging.wait(execution)
    assert (ended.status, ended.exit_code) == (Status.COMPLETED, 0)
    statuses = [artifact.status for artifact in hanging.artifacts(ended)]
    assert statuses == [ArtifactStatus.STORED] * 2


def test_a_working_directory_that_hangs_holds_up_nobody_else_and_is_told(
    hanging: HangingHouse,
) -> None:
    work = hanging.root / "work.hang"
    work.mkdir()
    stuck = [hanging.submit("pwd", cwd=str(work)) for _ in range(3)]
    free = hanging.run("/bin/sh", "-c", "echo x > free; echo ARTIFACT:free")
    assert free.status is Status.COMPLETED
    assert [one.status for one in hanging.artifacts(free)] == [ArtifactStatus.STORED]

    def told() -> str | None:
        found = stepflow(hanging, "health")
        return found.stdout + found.stderr if found.returncode == 1 else None

    health = wait_for(told)
    assert "#1 pwd has waited" in health
    assert "its working directory" in health
    cancelled = stepflow(hanging, "cancel", "1")
    assert (cancelled.returncode, cancelled.stdout) == (0, "#1 pwd cancelled\n")
    hanging.heal()
    ended = [hanging.wait(execution) for execution in stuck]
    assert [one.status for one in ended] == [Status.CANCELLED, *[Status.COMPLETED] * 2]
    assert [hanging.log(one) for one in ended] == [b"", *[f"{work}\n".encode()] * 2]
