from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.home import Home
from stepflow_tui.requests.limits import ENOUGH_FOR_LOGS, is_more_limited
from stepflow_tui.requests.runner import check_settings, ensure_runner, live_runner, start_runner
from tests.house import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house import House


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


def limited(size: int) -> list[str]:
    """A command in front of another one, which then may not lift this limit of its files."""
    bare = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]
    if subprocess.run([*bare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no permission to give up a capability")
    return ["prlimit", f"--fsize={size}:{size}", *bare]


def test_a_limit_of_files_starts_no_runner(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    product = [sys.executable, "-m", "stepflow_tui", *home]
    for program in (
        [*product, "run", "-d", "true"],
        [*product, "runner", "start"],
        [*product, "runner", "run"],
        [sys.executable, "-m", "stepflow_tui.runner", *home],
    ):
        command = [*limited(102_400), *program]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "102,400 bytes at most (ulimit -H -f)" in done.stderr
    assert list((tmp_path / "home" / "requests").glob("*.json")) == []


def test_a_less_limited_client_replaces_a_limited_runner(house: House) -> None:
    if resource.getrlimit(resource.RLIMIT_FSIZE)[1] != resource.RLIM_INFINITY:
        pytest.skip("it needs a client without a limit")
    program = [sys.executable, "-m", "stepflow_tui.runner", "--home", str(house.home.root)]
    with subprocess.Popen([*limited(2 * ENOUGH_FOR_LOGS), *program]) as process:
        before = wait_for(lambda: live_runner(house.home))
        runner = wait_for(lambda: ensure_runner(house.home))
        assert runner.pid != before.pid
        assert ensure_runner(house.home) == runner
    assert process.returncode == 0


def test_a_less_nice_client_replaces_a_nice_runner(house: House) -> None:
    """Who is not root could not have his scripts run with his own niceness."""
    program = [sys.executable, "-m", "stepflow_tui.runner", "--home", str(house.home.root)]
    with subprocess.Popen(["nice", "-n", "3", *program]) as process:
        before = wait_for(lambda: live_runner(house.home))
        runner = wait_for(lambda: ensure_runner(house.home))
        assert runner.pid != before.pid
        assert os.getpriority(os.PRIO_PROCESS, runner.pid) == os.getpriority(os.PRIO_PROCESS, 0)
    assert process.returncode == 0
    assert ensure_runner(house.home) == runner


def test_whose_process_is_no_runner_is_left_alone() -> None:
    """Its pid may be one of another PID namespace."""
    with subprocess.Popen(["nice", "-n", "3", "sleep", "60"]) as process:
        wait_for(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) >= 3)
        assert not is_more_limited(process.pid)
        process.kill()


def test_the_runner_runs_on_all_processors(house: House) -> None:
    own = os.sched_getaffinity(0)
    program = [sys.executable, "-m", "stepflow_tui.runner", "--home", str(house.home.root)]
    with subprocess.Popen(["taskset", "-c", str(min(own)), *program]) as process:
        wait_for(lambda: live_runner(house.home))
        assert os.sched_getaffinity(process.pid) >= own
        house.kill_runner()


def test_a_bad_setting_is_told_before_a_runner_is_started(
    tmp_path: Path, started: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_GRACE", "soon")
    for ask in (check_settings, start_runner, ensure_runner):
        with pytest.raises(UsageProblem, match="STEPFLOW_GRACE=soon"):
            ask(Home(tmp_path))
    assert started == []
