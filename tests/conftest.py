from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.house import House
from tests.lateness import LatenessReport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How long an example takes says more of the machine, which others use too, than of us.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LatenessReport(), "lateness")
    # A shell ignores both in what it starts with &.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home of its own with a real runner, which is gone at the end with all it started."""
    house = House(tmp_path)
    yield house
    house.tear_down()


@pytest.fixture(autouse=True)
def _own_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing of the developer's own set-up changes what a test sees, or is changed by it."""
    directory = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(directory / "no configuration"))
    monkeypatch.setenv("XDG_STATE_HOME", str(directory / "state"))
    for name in list(os.environ):
        if name.startswith(("STEPFLOW", "TEXTUAL")):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")  # a service manager or a container has none
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
