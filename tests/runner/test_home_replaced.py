"""A home whose lock or directories are moved, removed or replaced under the live runner."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.home import Home
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.requests.runner import RunnerIdentity, RunnerLock, live_runner, start_runner
from stepflow_tui.requests.runner_lock import Standing
from stepflow_tui.runner import proc
from stepflow_tui.store.home import prepare_home
from tests.house import House, wait_for
from tests.lateness import in_time

if TYPE_CHECKING:
    from collections.abc import Callable

TICKING = "for i in $(seq 1 60); do echo line $i; sleep 0.1; done"
LINES = b"".join(b"line %d\n" % number for number in range(1, 61))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare_home(home)
    return home


def runners_of(house: House) -> set[int]:
    """The pids of all runners of this home that live."""
    root = os.fsencode(house.home.root)
    found = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                words = (Path(entry.path) / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"stepflow_tui.runner" in words and root in words:
                found.add(int(entry.name))
    return found


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved.lock"))


def copy(path: Path) -> None:
    shutil.copy2(path, path.with_name("copy.lock"))
    path.with_name("copy.lock").rename(path)


@pytest.mark.parametrize("harm", [remove, move, copy])
def test_one_runner_whatever_becomes_of_its_lock_file(
    house: House, harm: Callable[[Path], None]
) -> None:
    script = house.script(TICKING)
    executions = [house.submit(script) for _ in range(3)]
    for execution in executions:
        house.wait_running(execution)
    first = house.start_runner().pid
    for _ in range(3):
        harm(house.home.runner_lock)
        executions.append(house.submit(script))
        house.wait_running(executions[-1])
    wait_for(lambda: first not in runners_of(house))
    for execution in executions:
        done = house.wait(execution)
        assert (done.status, done.warnings) == (Status.COMPLETED, [])
        assert house.log(done) == LINES
    wait_for(lambda: len(runners_of(house)) == 1)


def test_a_lock_that_is_taken_away_is_left(home: Home) -> None:
    lock = RunnerLock(home)
    assert lock.acquire(RunnerIdentity(os.getpid(), "1", 0))
    assert lock.standing() is Standing.HELD
    home.runner_lock.rename(home.root / "moved")
    assert lock.standing() is Standing.LOST
    (home.root / "moved").rename(home.runner_lock)
    assert lock.standing() is Standing.HELD
    home.root.rename(home.root.with_name("elsewhere"))
    assert lock.standing() is Standing.AWAY
    assert lock.place() == home.root.with_name("elsewhere")
    home.root.mkdir()
    assert lock.standing() is Standing.AWAY
    lock.release()


def test_a_second_lock_waits_until_the_first_has_left(home: Home) -> None:
    first, second = RunnerLock(home), RunnerLock(home)
    identity = RunnerIdentity(os.getpid(), "1", 0)
    assert first.acquire(identity)
    home.runner_lock.unlink()
    with pytest.raises(HomeProblem, match=f"locked by process {os.getpid()}; end it"):
        second.acquire(identity, leaving_s=0.05)
    threading.Timer(0.1, first.release).start()
    assert second.acquire(identity)
    second.release()


@pytest.mark.parametrize(
    "content", [b"", b"[" * 100_000, b'{"pid": 1e999, "version": "1", "started_at": 1}', b"\xff"]
)
def test_a_lock_file_that_says_nothing_still_tells_who_holds_it(
    house: House, content: bytes
) -> None:
    pid = house.start_runner().pid
    house.home.runner_lock.write_bytes(content)
    found = live_runner(house.home)
    assert found is not None
    assert found.pid == pid
    house.run("true")
    wait_for(lambda: (found := live_runner(house.home)) and not found.trouble)
    assert house.start_runner().pid == pid
    house.kill_runner(signal.SIGTERM)
    assert house.run("true").status is Status.COMPLETED


def test_no_commit_goes_out_without_the_lock(house: House) -> None:
    execution = house.submit(house.script(TICKING))
    house.wait_running(execution)
    pid = house.start_runner().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        house.home.runner_lock.unlink()
        start_runner(house.home)  # it waits until the first one has left
        wait_for(lambda: (found := live_runner(house.home)) and found.pid != pid)
        before = house.log(house.wait_running(execution))
        time.sleep(0.5)
        assert house.log(house.wait_running(execution)) == before
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: proc.process(pid) is None)
    assert house.log(house.wait(execution)) == LINES


@pytest.mark.parametrize("name", ["requests", "spool", "artifacts"])
@pytest.mark.parametrize("harm", ["move", "remove"])
def test_a_directory_that_is_gone_is_made_again(house: House, name: str, harm: str) -> None:
    assert house.run("true").status is Status.COMPLETED
    pid = house.start_runner().pid
    directory = house.home.root / name
    if harm == "move":
        directory.rename(house.root / "away")
    else:
        shutil.rmtree(directory)
    script = house.script("echo text > out.txt\necho ARTIFACT:out.txt")
    done = house.run(script)
    assert (done.status, done.warnings) == (Status.COMPLETED, [])
    assert house.log(done) == b"ARTIFACT:out.txt\n"
    assert house.home.directories[0].is_dir()
    assert len(list((house.home.artifacts / done.id).rglob("out.txt"))) == 1
    assert house.start_runner().pid == pid


def remake(directory: Path) -> bool:
    """Make a directory anew with all that is in it; whether it has the inode of the old one."""
    inode = directory.stat().st_ino
    others = [directory.with_name(f"other-{number}") for number in range(20)]
    others[0].mkdir(mode=0o700)
    content = [path.rename(others[0] / path.name) for path in directory.iterdir()]
    directory.rmdir()
    for other in others[1:]:
        other.mkdir(mode=0o700)
    [same] = [other for other in others if other.stat().st_ino == inode] or [others[1]]
    same.rename(directory)
    for path in content:
        path.rename(directory / path.name)
    return directory.stat().st_ino == inode


@pytest.mark.parametrize("name", ["requests", "spool"])
def test_a_directory_that_is_made_again_with_the_same_inode(house: House, name: str) -> None:
    runner = house.start_runner()
    house.run("true")
    os.kill(runner.pid, signal.SIGSTOP)  # it sees nothing of what was in between
    try:
        if not remake(house.home.root / name):
            pytest.skip("this file system uses no inode again at once")
    finally:
        os.kill(runner.pid, signal.SIGCONT)
    time.sleep(1.0)  # what it heard of the removal is dealt with
    began = time.monotonic()
    done = house.run(house.script("echo hi"))
    in_time(time.monotonic() - began, 3, "a run in directories made again")
    assert (done.status, house.log(done)) == (Status.COMPLETED, b"hi\n")
    assert house.start_runner().pid == runner.pid


@pytest.mark.parametrize("secrets", [[], ["hidden-word"]])
def test_a_file_in_place_of_the_spool_is_waited_for(house: House, secrets: list[str]) -> None:
    going = house.submit(house.script(TICKING))
    running = house.wait_running(going)
    wait_for(lambda: b"line 5\n" in house.log(running))
    runner = house.start_runner()
    away = house.root / "away"
    os.kill(runner.pid, signal.SIGSTOP)  # it would make the directory again in between
    house.home.spool.rename(away)
    house.home.spool.touch()
    os.kill(runner.pid, signal.SIGCONT)
    request = house.request("echo", "hi", secrets=secrets)
    given_up = house.request("echo", "never")
    inbox.submit(house.home, request, given_up)
    inbox.submit(house.home, CancelRequest(new_id(), given_up.id, force=False))
    wait_for(lambda: (found := live_runner(house.home)) and "not a directory" in found.trouble)
    time.sleep(3.0)  # longer than a sweep
    os.kill(runner.pid, signal.SIGSTOP)
    house.home.spool.unlink()
    away.rename(house.home.spool)
    os.kill(runner.pid, signal.SIGCONT)
    done = house.wait(request.id)
    assert (done.status, done.warnings, house.log(done)) == (Status.COMPLETED, [], b"hi\n")
    assert house.wait(given_up.id).status is Status.CANCELLED
    ticked = house.wait(going)
    assert (ticked.status, ticked.warnings, house.log(ticked)) == (Status.COMPLETED, [], LINES)
    assert live_runner(house.home) is not None
    assert house.start_runner().pid == runner.pid
    assert "Traceback" not in house.home.runner_log.read_text()


def test_a_home_that_is_moved_and_comes_back(house: House) -> None:
    execution = house.submit(house.script(TICKING))
    running = house.wait_running(execution)
    wait_for(lambda: b"line 5\n" in house.log(running))
    pid = house.start_runner().pid
    away = house.root / "away"
    for _ in range(2):
        house.home.root.rename(away)
        time.sleep(1.0)
        assert not house.home.root.exists()
        away.rename(house.home.root)
        wait_for(lambda: (found := live_runner(house.home)) and not found.trouble)
    done = house.wait(execution)
    assert (done.status, done.warnings) == (Status.COMPLETED, [])
    assert house.log(done) == LINES
    assert house.start_runner().pid == pid


def test_a_script_that_ends_while_its_home_is_away(house: House) -> None:
    execution = house.submit(house.script(TICKING + "\nexit 3"))
    running = house.wait_running(execution)
    wait_for(lambda: b"line 5\n" in house.log(running))
    away = house.root / "away"
    house.home.root.rename(away)
    wait_for(lambda: b"drained" in (away / f"spool/{execution}.exit").read_bytes())
    time.sleep(1.0)
    away.rename(house.home.root)
    done = house.wait(execution)
    assert (done.status, done.exit_code, done.warnings) == (Status.FAILED, 3, [])
    assert house.log(done) == LINES


def test_a_parent_link_that_is_turned_and_turned_back(house: House, tmp_path: Path) -> None:
    current = tmp_path / "current"
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
    current.symlink_to("v1")
    house.home = Home(current / "home")
    prepare_home(house.home)
    execution = house.submit(house.script(TICKING))
    running = house.wait_running(execution)
    wait_for(lambda: b"line 5\n" in house.log(running))
    current.unlink()
    current.symlink_to("v2")
    time.sleep(3.0)
    assert list((tmp_path / "v2").iterdir()) == []
    current.unlink()
    current.symlink_to("v1")
    done = house.wait(execution)
    assert (done.status, done.error, done.warnings) == (Status.COMPLETED, None, [])
    assert house.log(done) == LINES


def test_a_home_that_is_moved_is_served_where_it_is(house: House) -> None:
    execution = house.submit(house.script(TICKING))
    running = house.wait_running(execution)
    wait_for(lambda: b"line 5\n" in house.log(running))
    pid = house.start_runner().pid
    house.home.root.rename(house.root / "new")
    house.home = Home(house.root / "new")
    later = house.request("true")
    inbox.submit(house.home, later)
    assert house.wait(later.id).status is Status.COMPLETED
    done = house.wait(execution)
    assert (done.status, done.warnings) == (Status.COMPLETED, [])
    assert house.log(done) == LINES
    assert house.start_runner().pid != pid
    assert not (house.root / "home").exists()
