from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import runner
from stepflow_tui.core.clock import now
from stepflow_tui.health import logind
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import StopRequest, decode
from stepflow_tui.requests.runner import RunnerIdentity

if TYPE_CHECKING:
    from pathlib import Path

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
    monkeypatch.setattr(os, "execve", lambda *given: became.append(given[1]))
    assert stepflow("runner", "run").code == 0
    (arguments,) = became
    assert arguments[:5] == [sys.executable, "-X", "utf8", "-m", "stepflow_tui.runner"]
    assert arguments[arguments.index("--home") + 1] == str(home.root)


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the unit of the default home belongs."""
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    monkeypatch.setattr(logind, "user_name", lambda: "ann")
    for name in ("STEPFLOW_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "ann/.config/systemd/user/stepflow.service"


@pytest.mark.parametrize("lingering", [True, False])
def test_install_writes_a_unit_and_says_what_comes_next(
    stepflow: Stepflow, unit: Path, monkeypatch: pytest.MonkeyPatch, lingering: bool
) -> None:
    monkeypatch.setattr(logind, "lingers", lambda user: lingering and user == "ann")
    done = stepflow("runner", "install")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:3] == [
        f"written: {unit}",
        "start it now and with every login:",
        "  systemctl --user daemon-reload && systemctl --user enable --now stepflow",
    ]
    if lingering:
        assert lines[3:] == ["lingering is on for ann, so it runs from boot to shutdown"]
    else:
        assert lines[3].startswith("lingering is off for ann: when you log out for the last time,")
        assert lines[-1] == "  loginctl enable-linger ann"
    assert unit.read_text(encoding="utf-8") == stepflow("runner", "install", "--print").out


def test_install_replaces_by_force(
    stepflow: Stepflow, unit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stepflow("runner", "install").code == 0
    monkeypatch.setenv("STEPFLOW_GRACE", "3s")
    done = stepflow("runner", "install")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"stepflow: {unit} is there and differs from: stepflow runner inst")
    assert stepflow("runner", "install", "--force").code == 0
    assert 'Environment="STEPFLOW_GRACE=3s"\n' in unit.read_text(encoding="utf-8")


def test_print_writes_nothing(stepflow: Stepflow, unit: Path, tmp_path: Path) -> None:
    done = stepflow("runner", "install", "--print", "--home", str(tmp_path / "far"))
    assert f' --home "{tmp_path}/far" runner run\n' in done.out
    assert (done.code, done.err) == (0, "")
    assert list(tmp_path.iterdir()) == []
    assert not unit.exists()


def test_install_refuses_a_home_in_which_no_runner_could_work(
    stepflow: Stepflow, unit: Path, tmp_path: Path
) -> None:
    public = tmp_path / "public"
    public.mkdir()
    public.chmod(0o755)
    done = stepflow("runner", "install", "--home", str(public))
    assert (done.code, done.out) == (1, "")
    assert "can be read by others; run: chmod 700" in done.err
    assert not unit.parent.exists()


def test_uninstall_takes_the_unit_away(stepflow: Stepflow, unit: Path) -> None:
    done = stepflow("runner", "uninstall")
    assert (done.code, done.err) == (0, f"stepflow: there is no unit {unit}\n")
    stepflow("runner", "install")
    done = stepflow("runner", "uninstall")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"removed: {unit}",
        "end its runner, scripts go on:",
        "  systemctl --user stop stepflow; systemctl --user daemon-reload",
    ]
    assert not unit.exists()
