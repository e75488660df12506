from __future__ import annotations

import os
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


def test_a_runner_gets_what_it_uses_and_no_secret(
    tmp_path: Path, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = {"STEPFLOW_GRACE": "5s", "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUTF8": "1"}
    secrets = ("AWS_SECRET_ACCESS_KEY", "PIN", "DATABASE_URL", "STEPFLOW_API_TOKEN", "my.conf")
    for name, value in (used | dict.fromkeys(secrets, "s3cr3t-canary")).items():
        monkeypatch.setenv(name, value)
    start_runner(Home(tmp_path))
    (environment,) = started
    assert "s3cr3t-canary" not in "".join(environment.values())
    assert environment.items() >= used.items()
    assert environment["PATH"] == os.environ["PATH"]


def test_a_preloaded_library_has_its_settings(
    tmp_path: Path, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is called nobody knows; but a name that tells of a secret tells enough."""
    for name in ("LD_PRELOAD", "ITS_SETTING", "DB_PASSWORD"):
        monkeypatch.setenv(name, "")
    start_runner(Home(tmp_path))
    assert {"LD_PRELOAD", "ITS_SETTING"} <= started[0].keys()
    assert "DB_PASSWORD" not in started[0]


def test_a_bad_setting_is_told_before_a_runner_is_started(
    tmp_path: Path, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_GRACE", "soon")
    for ask in (check_settings, start_runner, ensure_runner):
        with pytest.raises(UsageProblem, match="STEPFLOW_GRACE=soon"):
            ask(Home(tmp_path))
    assert started == []
