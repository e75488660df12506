"""A home on a file system that takes no writes now: it is read, waited for, and said."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.core.paths import is_read_only
from stepflow_tui.core.settings import Settings
from stepflow_tui.requests.request import encode
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.requests.runner_lock import RunnerIdentity, RunnerLock
from stepflow_tui.runner.disk import Disk
from stepflow_tui.runner.launch import Launcher
from stepflow_tui.runner.launcher import NO_SPACE
from stepflow_tui.store.writer import WriteFailed
from tests.house import House, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOM_ERRORS = [errno.ENOSPC, errno.EDQUOT, errno.EROFS]


def mount(*arguments: str) -> None:
    if os.geteuid() != 0 or subprocess.run(["mount", *arguments], check=False).returncode:
        pytest.skip("no file system can be mounted here")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[House]:
    """A house on a file system of its own."""
    root = tmp_path / "disk"
    root.mkdir()
    mount("-t", "tmpfs", "-o", "size=60m,mode=700", "tmpfs", str(root))
    house = House(root)
    try:
        yield house
    finally:
        while is_read_only(root):
            make_writable(house)
        house.tear_down()
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def make_read_only(house: House) -> None:
    """For all that is opened from now on; what is open already can be written."""
    root = str(house.root)
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)


def make_writable(house: House) -> None:
    subprocess.run(["umount", "--lazy", str(house.root)], check=True)


def stepflow(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stepflow_tui", *arguments],
        check=False,
        env={**os.environ, "STEPFLOW_HOME": str(house.home.root)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def trouble(house: House) -> str:
    runner = live_runner(house.home)
    assert runner is not None
    return runner.trouble


def kill(house: House) -> None:
    house.kill_runner()


def stop(house: House) -> None:
    assert stepflow(house, "runner", "stop").returncode == 0
    wait_for(lambda: live_runner(house.home) is None)


@pytest.mark.parametrize("end", [kill, stop])
def test_a_read_only_home_can_be_read(mounted: House, end: Callable[[House], None]) -> None:
    house = mounted
    house.run(house.script("echo STEP_START:one\necho said"))
    end(house)
    make_read_only(house)
    for command in (
        ["list"],
        ["list", "--json"],
        ["show", "1"],
        ["logs", "1"],
        ["watch", "1"],
        ["artifacts", "1"],
        ["health"],
    ):
        done = stepflow(house, *command)
        told = done.stdout + done.stderr
        assert "chmod" not in told, command
        assert "Errno" not in told, command
        assert "Traceback" not in told, command
        if command != ["health"]:
            assert done.returncode == 0, (command, told)
    assert "said" in stepflow(house, "logs", "1").stdout
    assert "is read-only" in stepflow(house, "health").stdout
    for command in (["run", "true"], ["runner", "start"], ["note", "1", "x"]):
        done = stepflow(house, *command)
        assert done.returncode == 1, (command, done.stderr)
        assert "read-only" in done.stderr
        assert "chmod" not in done.stderr
    make_writable(house)
    assert house.run("true").status is Status.COMPLETED


def test_a_home_that_is_read_only_for_a_while(mounted: House) -> None:
    house = mounted
    loop = "for i in $(seq 1 50); do echo line $i; sleep 0.1; done"
    execution = house.submit(house.script(loop))
    house.wait_running(execution)
    runner = house.start_runner()
    make_read_only(house)
    wait_for(lambda: "read-only" in trouble(house))
    assert "read-only" in stepflow(house, "health").stdout
    make_writable(house)
    done = house.wait(execution)
    assert done.status is Status.COMPLETED
    assert len(house.log(done).splitlines()) == 50
    assert live_runner(house.home) is not None
    assert house.start_runner().pid == runner.pid
    wait_for(lambda: not trouble(house))


def test_a_start_on_a_read_only_file_system_is_worth_another_try(mounted: House) -> None:
    house = mounted
    request = house.request("true")
    path = house.root / "request"
    path.write_bytes(encode(request))
    make_read_only(house)
    starter = Launcher()
    try:
        starter.start(request.id, path, house.home.spool / request.id)
        [failure] = wait_for(lambda: list(starter.failures()))
    finally:
        starter.close()
    assert failure.errno in NO_SPACE
    assert "Read-only" in failure.error


def fill_inodes(house: House) -> list[Path]:
    """Make files until there are no inodes left; the first of them."""
    subprocess.run(["mount", "-o", "remount,nr_inodes=400", str(house.root)], check=True)
    made: list[Path] = []
    while True:
        path = house.root / f"filler-{len(made)}"
        try:
            path.touch()
        except OSError:
            return made
        made.append(path)


def test_what_waits_for_inodes_can_be_cancelled(mounted: House) -> None:
    house = mounted
    house.run("true")
    going = house.submit("sleep", "60")
    house.wait_running(going)
    script = house.script("touch started")
    fillers = fill_inodes(house)
    fillers.pop().unlink()
    waiting = house.submit(script)  # its request takes the last one
    wait_for(lambda: "no script can be started" in trouble(house))
    for execution in (waiting, going):
        fillers.pop().unlink()
        house.cancel(execution)
    assert house.wait(going, 20).status is Status.CANCELLED  # the first has not held it up
    for path in fillers:
        path.unlink()
    assert house.wait(waiting, 20).status is Status.CANCELLED
    assert not (house.scripts / "started").exists()


def test_no_descriptor_to_spare_ends_nothing(house: House) -> None:
    house.run("true")
    runner = house.start_runner()
    limits = resource.prlimit(runner.pid, resource.RLIMIT_NOFILE)
    used = len(list(Path(f"/proc/{runner.pid}/fd").iterdir()))
    resource.prlimit(runner.pid, resource.RLIMIT_NOFILE, (used, limits[1]))
    execution = house.submit("echo", "hi")
    wait_for(lambda: "Too many open files" in trouble(house), 10)
    resource.prlimit(runner.pid, resource.RLIMIT_NOFILE, limits)
    done = house.wait(execution)
    assert (done.status, house.log(done)) == (Status.COMPLETED, b"hi\n")
    assert house.start_runner().pid == runner.pid
    wait_for(lambda: not trouble(house), 10)
    told = house.home.runner_log.read_text()
    assert "Traceback" not in told
    assert "Errno" not in told


@pytest.mark.parametrize("code", ROOM_ERRORS)
def test_a_log_that_cannot_be_synced_for_want_of_room_is_a_full_disk(code: int) -> None:
    failure = WriteFailed(Path("stepflow.db"), OSError(code, os.strerror(code)))
    assert failure.is_full
    assert str(failure) == f"cannot write stepflow.db: {os.strerror(code)}"


@pytest.mark.parametrize("code", ROOM_ERRORS)
def test_trouble_that_cannot_be_told_ends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    lock = RunnerLock(house.home)
    assert lock.acquire(RunnerIdentity(os.getpid(), "1", 1))

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", refuse)
        lock.tell("the disk is full")
    lock.sign()
    lock.release()
    assert "the disk is full" in house.home.runner_lock.read_text()


@pytest.mark.parametrize("code", ROOM_ERRORS)
def test_a_ballast_that_cannot_be_removed(
    house: House, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    house.home.ballast.write_bytes(b"x" * 4096)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "unlink", refuse)
    assert not Disk(house.home, Settings()).throw_off_ballast()


def test_what_is_read_only_is_known(tmp_path: Path) -> None:
    assert not is_read_only(tmp_path)
    assert not is_read_only(tmp_path / "missing")
