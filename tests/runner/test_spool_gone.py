"""Spools that are moved or deleted while their scripts run: read on, or taken up again."""

from __future__ import annotations

import json
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.runner import proc
from tests.house import House, wait_for

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution

SCRIPT = "for i in $(seq 1 30); do echo line $i; sleep 0.1; done; exit 3"
LINES = b"".join(b"line %d\n" % number for number in range(1, 31))


def begun(house: House) -> Execution:
    """A run that has printed something."""
    running = house.wait_running(house.submit(house.script(SCRIPT)))
    wait_for(lambda: b"line 3\n" in house.log(running))
    return running


def is_whole(house: House, running: Execution) -> bool:
    done = house.wait(running.id)
    assert (done.status, done.exit_code, done.error) == (Status.FAILED, 3, "exit code 3")
    assert done.warnings == []
    assert house.log(done) == LINES
    return True


@pytest.mark.parametrize("suffix", ["out", "exit"])
@pytest.mark.parametrize("harm", ["delete", "move", "replace"])
def test_a_file_that_is_held_open_is_read_on(house: House, suffix: str, harm: str) -> None:
    running = begun(house)
    path = house.home.spool / f"{running.id}.{suffix}"
    match harm:
        case "delete":
            path.unlink()
        case "move":
            path.rename(house.root / "away")
        case "replace":
            copy = path.with_name("copy")
            shutil.copy2(path, copy)
            copy.rename(path)
    if (harm, suffix) == ("replace", "exit"):
        return  # nobody can tell the one from the other
    assert is_whole(house, running)


def test_a_spool_directory_that_is_removed(house: House) -> None:
    running = begun(house)
    shutil.rmtree(house.home.spool)
    assert is_whole(house, running)


def test_a_later_runner_reads_on_as_well(house: House) -> None:
    running = begun(house)
    (house.home.spool / f"{running.id}.out").unlink()
    house.kill_runner()
    house.start_runner()
    assert is_whole(house, running)


def test_a_spool_that_comes_back_after_the_end_is_taken_up_again(house: House) -> None:
    running = begun(house)
    start = wait_for(lambda: house.find(running.id))
    assert start is not None
    house.kill_runner()
    paths = [house.home.spool / f"{running.id}{suffix}" for suffix in (".out", ".exit")]
    wait_for(lambda: b"drained" in paths[1].read_bytes())
    for path in paths:
        path.rename(house.root / path.name)
    pid = house.start_runner().pid
    wait_for(lambda: "taken up" in house.home.runner_log.read_text())
    for path in paths:
        (house.root / path.name).rename(path)
    assert is_whole(house, running)
    assert house.start_runner().pid == pid


def test_a_spool_that_is_gone_for_good_is_said(house: House) -> None:
    running = begun(house)
    house.kill_runner()
    exit_file = house.home.spool / f"{running.id}.exit"
    wait_for(lambda: b"drained" in exit_file.read_bytes())
    (house.home.spool / f"{running.id}.out").unlink()
    house.start_runner()
    done = house.wait(running.id)
    assert (done.status, done.exit_code) == (Status.FAILED, 3)
    assert done.warnings == ["the spool was deleted from outside; its log ends here"]


def open_spools(pid: int) -> set[str]:
    """The files of spools that this process has open now."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(str(descriptor.readlink()))
    return {name for name in found if "/spool/" in name}


def test_nothing_is_held_open_while_all_is_in_its_place(house: House) -> None:
    running, other = begun(house), begun(house)
    pid = house.start_runner().pid
    wait_for(lambda: not open_spools(pid))
    path = house.home.spool / f"{running.id}.out"
    path.unlink()
    wait_for(lambda: open_spools(pid) == {f"{path} (deleted)"})
    for execution in (running, other):
        assert is_whole(house, execution)
    wait_for(lambda: not open_spools(pid))


def test_a_shim_that_is_killed_is_still_lost(house: House) -> None:
    running = begun(house)
    lock = house.home.spool / f"{running.id}.lock"
    found = proc.process(json.loads(lock.read_bytes())["pid"])
    assert found is not None
    proc.send_signal(found, signal.SIGKILL)
    done = house.wait(running.id)
    assert (done.status, done.error) == (Status.LOST, "lost: its shim was killed")
