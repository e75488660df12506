"""What `scripts/build` makes is used on a machine that has nothing but Python."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.house import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PYTHON = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
SLOW_SCRIPT = """\
echo STEP_START:Wait
while ! test -e go; do sleep 0.05; done
echo STEP_START:Go on
seq 1000
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as one file."""
    directory = tmp_path_factory.mktemp("dist")
    probe = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(directory), "click"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no package index can be reached")
    environment = os.environ | {"DIST": str(directory), "PYTHON": sys.executable}
    done = subprocess.run(
        [ROOT / "scripts" / "build"],
        env={**environment, "VENV": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [archive] = directory.glob("*.pyz")
    assert {path.suffix for path in directory.iterdir()} >= {".whl", ".gz", ".pyz"}
    return archive


class Machine:
    """A user's account where nothing of ours is installed."""

    def __init__(self, directory: Path, archive: Path, python: Path = PYTHON) -> None:
        self.directory = directory
        self.environment = {"HOME": str(directory), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        self.command = [str(python), "-I", str(archive)]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the program."""
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """All that the program says; it must end with this exit code."""
        program = self.start(*arguments)
        output, errors = program.communicate(timeout=60)
        assert program.returncode == code, errors
        return output + errors

    def runner(self) -> int | None:
        """The process id of the runner, if one is alive."""
        program = self.start("runner", "status")
        found = re.search(r"process (\d+)", program.communicate(timeout=60)[0])
        return int(found[1]) if found else None


@pytest.fixture
def machine(tmp_path: Path, archive: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path, archive)
    yield machine
    machine.start("runner", "stop", "--cancel-all").communicate(timeout=60)


def test_the_name_says_where_it_runs(archive: Path) -> None:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert re.fullmatch(rf"stepflow-[0-9.]+-{tag}-linux_\w+\.pyz", archive.name)


def test_a_run_outlives_its_runner(machine: Machine) -> None:
    machine.run("run", "--detach", "sh", "-c", SLOW_SCRIPT)
    runner = wait_for(machine.runner)
    wait_for(lambda: "Wait" in machine.run("show", "last"))
    os.kill(runner, signal.SIGKILL)
    (machine.directory / "go").touch()
    assert "completed" in machine.run("watch", "last")
    lines = machine.run("logs", "last").splitlines()
    assert lines == ["STEP_START:Wait", "STEP_START:Go on", *map(str, range(1, 1001))]
    assert machine.runner() not in {None, runner}


def test_the_service_starts_the_archive(machine: Machine, archive: Path) -> None:
    unit = machine.run("runner", "install", "--print")
    [line] = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    words = shlex.split(line)
    assert words[1] == str(archive)
    assert "PYTHONPATH" not in unit
    service = subprocess.Popen(words, cwd="/", env=machine.environment)
    wait_for(machine.runner)
    assert "completed" in machine.run("run", "true")
    service.terminate()
    assert service.wait(60) == 0


def test_another_python_is_refused_with_a_sentence(tmp_path: Path, archive: Path) -> None:
    others = [
        path
        for directory in (Path("/usr/bin"), *Path(sys.base_prefix).parent.glob("*/bin"))
        for path in directory.glob("python3.[0-9]*")
        if path.name[8:].isdigit() and path.name != PYTHON.name
    ]
    if not others:
        pytest.skip("there is no other Python")
    for python in others:
        told = Machine(tmp_path, archive, python).run("--version", code=1)
        assert re.match(r"stepflow: this .*was built for cpython-\d+-", told), told
