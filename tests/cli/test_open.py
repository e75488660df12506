from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import open as open_command
from stepflow_tui.core.config import Config
from stepflow_tui.core.target import Target

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the dashboard was opened with, on a terminal."""
    calls: list[tuple[object, ...]] = []
    start = ModuleType("stepflow_tui.tui.start")
    start.start_dashboard = lambda *given: calls.append(given)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stepflow_tui.tui.start", start)
    monkeypatch.setattr(open_command, "has_terminal", lambda: True)
    return calls


@pytest.fixture
def number(recording: Recording) -> int:
    number = recording.add(name="deploy").number
    for index, name in enumerate(("Build", "Test: unit", "Test: all", "Build", "2"), 1):
        recording.step(number, index, name, (index, index))
    recording.add(name="newer")
    return number


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("1", Target(1)),
        ("#1", Target(1)),
        ("last", Target(2)),
        ("1:1", Target(1, 1)),
        ("1:2", Target(1, 2)),
        ("1:Build", Target(1, 4)),
        ("1:bui", Target(1, 4)),
        ("1:Test: unit", Target(1, 2)),
        ("1:test: a", Target(1, 3)),
    ],
)
@pytest.mark.usefixtures("number")
def test_it_opens_there(
    home: Home, stepflow: Stepflow, opened: list[tuple[object, ...]], wanted: str, target: Target
) -> None:
    done = stepflow("open", wanted)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert opened == [(home, Config(), target)]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("7", "no execution 7; see: stepflow list"),
        ("", "no execution ; see: stepflow list"),
        ("1:", "#1 has no step ; see: stepflow show 1"),
        ("1:6", "#1 has no step 6; see: stepflow show 1"),
        ("1:Deploy\x1b[2J", "#1 has no step Deploy; see: stepflow show 1"),
        (
            "1:test",
            "several steps of #1 begin with test; give a number: 2 Test: unit, 3 Test: all",
        ),
    ],
)
@pytest.mark.usefixtures("number")
def test_what_is_not_there_is_told(
    stepflow: Stepflow, opened: list[tuple[object, ...]], wanted: str, told: str
) -> None:
    done = stepflow("open", wanted)
    assert (done.code, done.out, done.err) == (2, "", f"stepflow: {told}\n")
    assert opened == []


@pytest.mark.usefixtures("number")
def test_without_a_terminal_it_says_what_to_do(stepflow: Stepflow) -> None:
    said = "stepflow: the dashboard needs a terminal; read the log with: stepflow logs 1"
    assert stepflow("open", "1").err == f"{said}\n"
    done = stepflow("open", "1:build")
    assert (done.code, done.err) == (2, f"{said} --step 4\n")


@pytest.mark.usefixtures("number")
def test_it_can_be_told_to_draw_ascii(
    home: Home, stepflow: Stepflow, opened: list[tuple[object, ...]]
) -> None:
    stepflow("open", "--ascii", "1")
    stepflow("--ascii", "open", "1")
    assert opened == [(home, Config(ascii=True), Target(1))] * 2


def test_a_wrong_configuration_is_told_first(
    stepflow: Stepflow,
    opened: list[tuple[object, ...]],
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEPFLOW_CONFIG", "/no/such.toml")
    done = stepflow("open", str(number))
    assert done.err.startswith("stepflow: STEPFLOW_CONFIG names /no/such.toml, which is not there")
    assert opened == []
