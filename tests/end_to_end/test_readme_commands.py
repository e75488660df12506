"""The README's commands are typed by a newcomer, in a clean clone and an empty account."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLAYED_ELSEWHERE = {
    "stepflow": "test_dashboard.py opens it at a terminal",
    "stepflow open 1": "test_dashboard.py opens it at a terminal",
    "stepflow runner run": "test_build.py runs it as a service manager does",
    "stepflow rm 1": "it is the last command here, as the others need the execution",
}
EXAMPLES = [
    (" [options] CMD ARGS…", " true"),
    ("[:STEP]", ""),
    (" [ID]", " 2"),
    ("ID…", "1"),
    ("ID", "1"),
    ("TEXT", "'was slow'"),
    ("DIR", '"$HOME/copies"'),
    ("FILE", '"$HOME/copy.db"'),
    ("30d", "300d"),
]
"""What a newcomer puts in place of each word that the table leaves open, in this order."""


class Newcomer:
    """An account with a clean clone of the project, and Python."""

    def __init__(self, home: Path) -> None:
        self.clone = home / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, self.clone], check=True)
        bins = f"{home}/.local/bin:{home}/python:/usr/bin:/bin"
        self._environment = {"HOME": str(home), "PATH": bins, "LANG": "C.UTF-8", "EDITOR": "true"}
        self._environment |= {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
        (home / "python").mkdir()
        (home / "python" / "python3").symlink_to(
            Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
        )

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line in the shell."""
        return subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=self.clone,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory, readme: str) -> Iterator[Newcomer]:
    """Somebody who has typed all that stands in the README's blocks."""
    newcomer = Newcomer(tmp_path_factory.mktemp("newcomer"))
    probe = f"{sys.executable} -m pip download --no-deps --dest $HOME/probe click"
    if newcomer.type(probe).returncode:
        pytest.skip("no package index can be reached")
    for line in typed(readme):
        done = newcomer.type(line)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    yield newcomer
    newcomer.type("stepflow runner stop --cancel-all")


def typed(readme: str) -> Iterator[str]:
    """The lines of the README's blocks that begin with a prompt."""
    for block in CONSOLE.findall(readme):
        for line in block.splitlines():
            assert line.startswith("$ "), line
            yield line.removeprefix("$ ")


def commands(readme: str) -> Iterator[str]:
    """The commands of the README's table, with what a user would put in."""
    table = readme.partition("## Commands")[2].partition("\n\n`ID`")[0]
    for row in re.findall(r"^\| (`stepflow.*)$", table, re.MULTILINE):
        for quoted in re.findall(r"`(.*?)`", row.partition(" | ")[0]):
            command = quoted if quoted.startswith("stepflow") else f"stepflow {quoted}"
            for word, example in EXAMPLES:
                command = command.replace(word, example)
            first, *choices = command.split("\\|")
            yield first
            yield from (f"{first.rpartition(' ')[0]} {choice}" for choice in choices)


def test_what_was_typed_left_a_finished_execution(newcomer: Newcomer) -> None:
    done = newcomer.type("stepflow show last")
    assert "completed" in done.stdout
    assert newcomer.type("git status --porcelain").stdout == ""


def test_the_commands_of_the_table_work(newcomer: Newcomer, readme: str) -> None:
    found = list(commands(readme))
    assert len(found) > 25
    newcomer.type("stepflow run --name rerun true")
    wrong = []
    for command in found:
        if command in PLAYED_ELSEWHERE:
            continue
        done = newcomer.type(command)
        expected = 1 if command == "stepflow runner status" else 0  # it was stopped just before
        if done.returncode != expected or "Traceback" in done.stderr:
            wrong.append((command, done.returncode, done.stderr))
    assert wrong == []


def test_removal_is_as_the_table_says(newcomer: Newcomer) -> None:
    assert newcomer.type("stepflow mark --remove 1").returncode == 0
    assert newcomer.type("stepflow rm 1").returncode == 0
    assert newcomer.type("stepflow show 1").returncode == 2


def test_the_demo_shows_the_examples_without_a_terminal(newcomer: Newcomer) -> None:
    done = newcomer.type("scripts/demo")
    assert done.returncode == 0, done.stderr
    assert "deploy" in done.stdout
