from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import runner
from stepflow_tui.core.clock import now
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import StopRequest, decode
from stepflow_tui.requests.runner import RunnerIdentity

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> list[RunnerIdentity]:
    """Whoever is in this list lives."""
    there = [RunnerIdentity(pid=4242, version="0.1.0", started_at=now().wall_ms - 120_000)]
    monkeypatch.setattr(runner, "live_runner", lambda _: there[0] if there else None)
    monkeypatch.setattr(runner, "ensure_runner", lambda *_, **__: there[0] if there else None)
    return there


def test_status_tells_who_is_alive(stepflow: Stepflow, alive: list[RunnerIdentity]) -> None:
    done = stepflow("runner", "status")
    assert (done.code, done.out) == (0, "runner 0.1.0 is alive: process 4242, since 2m\n")
    alive.clear()
    done = stepflow("runner", "status")
    assert (done.code, done.out) == (1, "no runner is alive\n")


def test_start_says_who_is_alive_then(
    home: Home, stepflow: Stepflow, alive: list[RunnerIdentity]
) -> None:
    done = stepflow("runner", "start")
    assert (done.code, done.out) == (0, "runner 0.1.0 is alive: process 4242, since 2m\n")
    assert home.requests.is_dir()
    alive.clear()
    done = stepflow("runner", "start")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"stepflow: the runner did not start; see {home.runner_log}\n"


@pytest.mark.parametrize("options", [(), ("--cancel-all",)])
def test_stop_asks_and_waits(
    recording: Recording,
    stepflow: Stepflow,
    alive: list[RunnerIdentity],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    asked: list[StopRequest] = []

    def leave(_: float) -> None:
        (path,) = inbox.waiting(recording.home)
        request = decode(path.read_bytes())
        assert isinstance(request, StopRequest)
        asked.append(request)
        alive.clear()

    monkeypatch.setattr(time, "sleep", leave)
    done = stepflow("runner", "stop", *options)
    assert (done.code, done.out, done.err) == (0, "", "stepflow: the runner has ended\n")
    assert [request.cancel_all for request in asked] == [bool(options)]


def test_a_stop_that_is_not_obeyed_does_not_stay_behind(
    recording: Recording,
    stepflow: Stepflow,
    alive: list[RunnerIdentity],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "_STOP_S", 0.05)
    done = stepflow("runner", "stop")
    said = f"stepflow: the runner does not end; see {recording.home.runner_log}\n"
    assert (done.code, done.err) == (1, said)
    assert list(inbox.waiting(recording.home)) == []
    assert alive


def test_there_may_be_nobody_to_stop(home: Home, stepflow: Stepflow) -> None:
    for options in ((), ("--cancel-all",)):
        done = stepflow("runner", "stop", *options)
        assert (done.code, done.out, done.err) == (0, "", "stepflow: no runner is alive\n")
    assert not home.root.exists()


def test_run_becomes_the_runner(
    home: Home, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: became.append(arguments))
    assert stepflow("runner", "run").code == 0
    (arguments,) = became
    assert arguments[:3] == [sys.executable, "-m", "stepflow_tui.runner"]
    assert arguments[arguments.index("--home") + 1] == str(home.root)
