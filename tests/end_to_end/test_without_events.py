"""No inotify instance or no watch is left for this user."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests.runner import live_runner
from tests.house import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house import House

NO_INSTANCE = """
import errno, inotify_simple
class INotify(inotify_simple.INotify):
    def __init__(self, *_, **__):
        raise OSError(errno.EMFILE, "Too many open files")
inotify_simple.INotify = INotify
"""

NO_WATCH = """
import errno, inotify_simple
class INotify(inotify_simple.INotify):
    def add_watch(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")
inotify_simple.INotify = INotify
"""

NO_LATER_WATCH = """
import errno, inotify_simple
class INotify(inotify_simple.INotify):
    left = 3
    def add_watch(self, *words):
        if self.left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.left -= 1
        return super().add_watch(*words)
inotify_simple.INotify = INotify
"""


@pytest.fixture(
    params=[NO_INSTANCE, NO_WATCH, NO_LATER_WATCH], ids=["instance", "watch", "later watch"]
)
def injected(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Every Python process that is started from now on is refused inotify."""
    place = tmp_path / "injected"
    place.mkdir()
    (place / "sitecustomize.py").write_text(request.param)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), *sys.path]))
    return str(request.param)


def test_the_runner_polls_and_says_so_once(house: House, injected: str) -> None:
    gate = house.root / "gate"
    script = house.script(f"echo one; until [ -e {gate} ]; do sleep 0.05; done; echo two; exit 4")
    command = [sys.executable, "-m", "stepflow_tui", "run", "--home", str(house.home.root)]
    client = subprocess.Popen(
        [*command, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    execution = wait_for(lambda: house.find("") if house.home.database.exists() else None)
    running = house.wait_running(execution.id)
    wait_for(lambda: house.log(running) == b"one\n")
    if injected is NO_LATER_WATCH:
        (house.home.root / "spool").rename(house.root / "away")
        (house.home.root / "spool").mkdir(mode=0o700)
        wait_for(lambda: "was made again" in house.home.runner_log.read_text())
    wait_for(
        lambda: (
            (found := live_runner(house.home)) is not None
            and "files are polled instead" in found.trouble
        )
    )
    gate.touch()
    out, err = client.communicate(timeout=60)
    assert client.returncode == 4
    assert "one\ntwo\n" in out
    assert err.count("files are polled instead") <= 1
    others = [house.submit(house.script("echo hi")) for _ in range(3)]
    for other in others:
        assert house.wait(other).status is Status.COMPLETED
    assert house.home.runner_log.read_text().count("files are polled instead") == 1
    long = house.submit(house.script("sleep 60"))
    house.wait_running(long)
    house.cancel(long)
    assert house.wait(long).status is Status.CANCELLED
