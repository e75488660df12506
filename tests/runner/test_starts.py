"""Starts that fail for a reason that passes."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import system_reason
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.requests.runner import live_runner, start_runner
from stepflow_tui.runner.launch import Launcher
from tests.house import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.house import House


@pytest.fixture
def few_inodes(house: House) -> Iterator[Path]:
    """The spool directory, where only a few files can be made."""
    spool = house.home.spool
    options = "size=10M,nr_inodes=30,mode=700"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(spool)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no permission to mount")
    yield spool
    house.kill_runner()
    subprocess.run(["umount", "-l", spool], check=True)


def fill(directory: Path) -> list[Path]:
    """Make files until there can be no more."""
    made: list[Path] = []
    while os.statvfs(directory).f_ffree:
        made.append(directory / f"filler-{len(made)}")
        made[-1].touch()
    return made


@pytest.mark.parametrize("left", [0, 1, 2])
def test_inodes_are_waited_for(house: House, few_inodes: Path, left: int) -> None:
    """An execution that was accepted does not fail for a disk that is full at the moment."""
    house.run("true")
    if not left:  # the shim's own file has to be made anew, too
        next(few_inodes.glob("stepflow-shim-*")).unlink()
    fillers = fill(few_inodes)
    for _ in range(left):  # enough for the start lock, and not for all that follows
        fillers.pop().unlink()
    execution = house.submit("/bin/echo", "started at last")

    def trouble() -> str:
        runner = live_runner(house.home)
        return runner.trouble if runner is not None else ""

    assert "inodes or quota are left" in wait_for(trouble)
    found = house.find(execution)
    assert found is not None
    assert found.status is Status.PENDING
    for filler in fillers:
        filler.unlink()
    done = house.wait(execution)
    assert (done.status, house.log(done)) == (Status.COMPLETED, b"started at last\n")
    wait_for(lambda: not trouble())


@pytest.mark.parametrize("is_known", [False, True])
def test_what_is_cancelled_before_a_runner_comes_is_never_started(
    house: House, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    scripts = [house.script(f"echo >> {house.root}/started", f"{n}.sh") for n in range(20)]
    requests = [house.request(script) for script in scripts]
    inbox.submit(house.home, *requests)
    if is_known:  # accepted by a runner that died before it ordered a start
        with monkeypatch.context() as patch:
            patch.setenv("STEPFLOW_FAULT", "P2:kill")
            start_runner(house.home)
        wait_for(lambda: house.find(requests[-1].id))
        wait_for(lambda: live_runner(house.home) is None)
    inbox.submit(house.home, *(CancelRequest(new_id(), request.id) for request in requests))
    house.start_runner()
    found = [house.wait(request.id) for request in requests]
    assert {execution.status for execution in found} == {Status.CANCELLED}
    assert not (house.root / "started").exists()


def test_a_request_that_is_a_directory_does_not_end_the_launcher(tmp_path: Path) -> None:
    request = tmp_path / "request"
    request.mkdir()
    starter = Launcher()
    try:
        for _ in range(2):
            starter.start("x", request, tmp_path / "x")
        found = wait_for(lambda: list(starter.failures()))
        found += found if len(found) == 2 else wait_for(lambda: list(starter.failures()))
    finally:
        starter.close()
    assert {failure.error for failure in found} == {"its request is no file any more"}


def test_the_reason_of_an_error_about_a_descriptor() -> None:
    assert system_reason(OSError(errno.EISDIR, "Is a directory", 6)) == "Is a directory"
