from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from stepflow_tui.core.config import Config

if TYPE_CHECKING:
    import pytest

    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording

HINT = "stepflow: the dashboard needs a terminal; other commands: stepflow --help\n"


def test_without_a_terminal_the_list_is_printed(recording: Recording, stepflow: Stepflow) -> None:
    recording.add()
    done = stepflow()
    assert done.out == stepflow("list").out
    assert (done.code, done.err) == (0, HINT)


def test_on_a_terminal_the_dashboard_opens_on_the_home(
    home: Home, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[object, ...]] = []
    start = ModuleType("stepflow_tui.tui.start")
    start.start_dashboard = lambda *given: opened.append(given)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stepflow_tui.tui.start", start)
    monkeypatch.setenv("TERM", "xterm-256color")
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    done = stepflow()
    assert (done.code, done.out, done.err) == (0, "", "")
    assert opened == [(home, Config(), None)]
    assert stepflow("--ascii").code == 0
    assert opened[1:] == [(home, Config(ascii=True), None)]
