from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from stepflow_tui.cli import acceptance, cancel
from stepflow_tui.cli.program import run_program
from stepflow_tui.cli.terminal import standard_output
from stepflow_tui.core.home import Home
from tests.cli.fake_runner import FakeRunner
from tests.cli.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Stepflow(Protocol):
    def __call__(self, *arguments: str) -> Outcome: ...


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
