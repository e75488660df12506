from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.home import Home
from stepflow_tui.requests.runner import check_settings, ensure_runner, start_runner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environments of the runners that were started."""
    environments: list[dict[str, str]] = []

    def run(
        *_arguments: object, env: dict[str, str], **_options: object
    ) -> subprocess.CompletedProcess[bytes]:
        environments.append(env)
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(subprocess, "run", run)
    return environments


def test_a_runner_is_marked_as_one_and_not_as_a_script(
    tmp_path: Path, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW", "1")
    monkeypatch.setenv("STEPFLOW_EXECUTION_ID", "01jd0000000000000000000000")
    start_runner(Home(tmp_path))
    (environment,) = started
    marks = {name: value for name, value in environment.items() if name.startswith("STEPFLOW")}
    assert marks == {"STEPFLOW_RUNNER": "1"}


def test_a_bad_setting_is_told_before_a_runner_is_started(
    tmp_path: Path, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_GRACE", "soon")
    for ask in (check_settings, start_runner, ensure_runner):
        with pytest.raises(UsageProblem, match="STEPFLOW_GRACE=soon"):
            ask(Home(tmp_path))
    assert started == []
