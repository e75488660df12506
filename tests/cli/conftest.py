from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from stepflow_tui.cli import acceptance, cancel, follow, logs
from stepflow_tui.cli.program import run_program
from stepflow_tui.cli.terminal import standard_output
from stepflow_tui.core.home import Home
from tests.cli.fake_runner import FakeRunner
from tests.cli.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Stepflow(Protocol):
    def __call__(self, *arguments: str) -> Outcome: ...


class Play(Protocol):
    def __call__(self, *acts: Callable[[], object]) -> None: ...


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("STEPFLOW_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def recording(home: Home) -> Iterator[Recording]:
    recording = Recording(home)
    yield recording
    recording.close()


@pytest.fixture
def number(recording: Recording) -> int:
    """The number of a run that goes on."""
    return recording.add().number


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Has the store change, one act after the other, while a command follows it."""

    def play(*acts: Callable[[], object]) -> None:
        def changes(*_: object) -> Iterator[None]:
            for act in acts:
                act()
                yield
            raise AssertionError("the command goes on although all has ended")

        for command in (cancel, follow, logs):
            monkeypatch.setattr(command, "changes", changes)

    return play


@pytest.fixture
def stepflow(
    home: Home,  # noqa: ARG001 - sets STEPFLOW_HOME
    capsys: pytest.CaptureFixture[str],
) -> Stepflow:
    """Runs the command line in this process."""

    def run(*arguments: str) -> Outcome:
        standard_output.cache_clear()
        capsys.readouterr()
        code = run_program(arguments)
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def runner(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    runner = FakeRunner(recording)
    monkeypatch.setattr(acceptance, "ensure_runner", runner.ensure)
    monkeypatch.setattr(cancel, "ensure_runner", runner.ensure)
    return runner
