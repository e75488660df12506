"""What stands in the way of recording: a full disk, a database that somebody else has touched."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.core.settings import Settings
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner.disk import Disk
from stepflow_tui.runner.trouble import Trouble
from stepflow_tui.store import queries
from stepflow_tui.store.damage import quick_check, set_aside_before
from tests.house import House, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TICKING = "for i in $(seq 1 100000); do echo line $i; sleep 0.05; done"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[House]:
    """A house on a file system of 40 MB."""
    root = tmp_path / "disk"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m,mode=700", "tmpfs", str(root)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    house = House(root)
    try:
        yield house
    finally:
        house.tear_down()
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def trouble(house: House) -> str:
    runner = live_runner(house.home)
    return runner.trouble if runner else ""


def test_nothing_is_started_while_the_disk_is_low(
    small_disk: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = small_disk
    monkeypatch.setenv("STEPFLOW_MIN_FREE_SHARE", "50%")
    monkeypatch.setenv("STEPFLOW_BALLAST_BYTES", "0")
    filler = house.root / "filler"
    filler.write_bytes(b"x" * 25_000_000)
    execution = house.submit("true")
    wait_for(lambda: house.find(execution))
    assert "are free on the disk of" in wait_for(lambda: trouble(house))
    pending = house.find(execution)
    assert pending is not None
    assert pending.status is Status.PENDING
    filler.unlink()
    assert house.wait(execution, 5.0).status is Status.COMPLETED
    assert trouble(house) == ""


def test_a_full_disk_is_waited_for(small_disk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = small_disk
    monkeypatch.setenv("STEPFLOW_BALLAST_BYTES", "1MB")
    gate = house.root / "gate"
    os.mkfifo(gate)
    script = f"echo begin; read x <{gate}; seq 1 300000; echo end"
    execution = house.submit(house.script(script))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    assert house.home.ballast.stat().st_size == 1_000_000
    filler = house.root / "filler"
    fill(filler)
    gate.write_text("go\n")
    wait_for(lambda: "the disk is full" in trouble(house))
    assert not house.home.ballast.exists()
    filler.unlink()
    done = house.wait(execution, 5.0)
    assert done.status is Status.COMPLETED
    wait_for(lambda: trouble(house) == "")
    lines = house.log(done).splitlines()
    assert lines[0] == b"begin"
    if done.warnings:  # the disk was full for the spool too: the end of the output may be missing
        assert "could not be written" in done.warnings[0]
    else:
        assert (lines[-1], len(lines)) == (b"end", 300_002)


def fill(path: Path) -> None:
    """Leave no room on the disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError:
            pass


def test_the_ballast(small_disk: House) -> None:
    house = small_disk
    disk = Disk(house.home, Settings(ballast_bytes=4_000_000, min_free_share=0.1))
    disk.look()
    assert (disk.is_low, disk.free > 30_000_000) == (False, True)
    assert house.home.ballast.stat().st_size == 4_000_000
    filler = house.root / "filler"
    fill(filler)
    disk.look()
    assert (disk.is_low, house.home.ballast.exists()) == (True, False)
    assert not disk.throw_off_ballast()
    assert 4_000_000 <= disk.free < 4_100_000


def test_a_large_disk_is_not_low_for_its_share_alone(tmp_path: Path) -> None:
    house = House(tmp_path)
    disk = Disk(house.home, Settings(min_free_share=1.0, min_free_bytes=1))
    disk.look()
    assert not disk.is_low


def running_script(house: House) -> str:
    execution = house.submit(house.script(TICKING))
    running = house.wait_running(execution)
    wait_for(lambda: b"line 3\n" in house.log(running))
    return execution


def is_whole(house: House, execution: str) -> bool:
    """Whether what the script wrote from its beginning on is in the new database."""
    found = house.find(execution)
    return found is not None and house.log(found).startswith(b"line 1\nline 2\nline 3\nline 4\n")


@pytest.mark.parametrize("action", ["delete", "move", "replace", "overwrite", "damage"])
def test_a_database_that_was_touched_is_left_within_five_seconds(house: House, action: str) -> None:
    execution = running_script(house)
    first = house.start_runner().pid
    database = house.home.database
    other = make_other(house)
    match action:
        case "delete":
            database.unlink()
        case "move":
            database.rename(house.root / "moved.db")
        case "replace":
            other.rename(database)
        case "overwrite":
            shutil.copyfile(other, database)
        case "damage":
            damage(database)
    runner = wait_for(
        lambda: (found := live_runner(house.home)) and found.pid != first and found, 7
    )
    assert runner
    wait_for(lambda: is_whole(house, execution), 5)
    assert quick_check(database) is None
    if action == "move":
        assert quick_check(house.root / "moved.db") is None
    house.cancel(execution, force=True)
    done = house.wait(execution)
    assert done.status is Status.CANCELLED
    numbers = [int(line.split()[1]) for line in house.log(done).splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))


def make_other(house: House) -> Path:
    """Another database of ours, with nothing in it."""
    from stepflow_tui.store.writer import Writer

    other = house.root / "other.db"
    Writer(other).close()
    other.chmod(0o600)
    return other


def damage(database: Path) -> None:
    with database.open("r+b") as file:
        for page in range(1, 40):
            file.seek(4096 * page)
            file.write(os.urandom(4096))


def test_a_damaged_database_is_set_aside_at_the_start(house: House) -> None:
    kept = house.run(house.script("echo kept\nexit 3"))
    house.kill_runner(signal.SIGTERM)
    house.home.database.write_bytes(os.urandom(100_000))
    house.start_runner()
    wait_for(lambda: set_aside_before(house.home.database) and house.home.database.exists())
    [aside] = set_aside_before(house.home.database)
    assert aside.stat().st_size == 100_000
    wait_for(lambda: house.find(kept.id))
    found = house.wait(kept.id)
    assert (found.status, found.exit_code, found.name) == (Status.FAILED, 3, kept.name)
    assert house.log(found) == b"kept\n"
    assert house.run("true").status is Status.COMPLETED


def spoil_root_page(connection: sqlite3.Connection, database: Path) -> None:
    sql = "SELECT rootpage FROM sqlite_master WHERE name = 'streams'"
    [[page]] = connection.execute(sql).fetchall()
    connection.close()
    with database.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\xff" * 200)


def spoil_value(connection: sqlite3.Connection, _: Path) -> None:
    connection.execute("PRAGMA ignore_check_constraints=ON")
    connection.execute("UPDATE executions SET tags = '[garbage'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("spoil", [spoil_root_page, spoil_value])
def test_damage_that_shows_while_runs_are_taken_up(
    house: House, spoil: Callable[[sqlite3.Connection, Path], None]
) -> None:
    execution = running_script(house)
    house.kill_runner(signal.SIGKILL)
    connection = sqlite3.connect(house.home.database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    spoil(connection, house.home.database)
    house.start_runner()
    wait_for(lambda: set_aside_before(house.home.database))
    wait_for(lambda: house.home.database.exists() and is_whole(house, execution))
    house.cancel(execution, force=True)
    assert house.wait(execution).status is Status.CANCELLED


def test_a_look_through_after_a_reboot(house: House) -> None:
    for _ in range(3):
        house.run("seq", "1", "20000")
    house.kill_runner(signal.SIGTERM)
    with sqlite3.connect(house.home.database) as connection:
        connection.execute("UPDATE runner SET boot_id = 'another boot'")
        [[page]] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'log_chunks_line'"
        )
    connection.close()
    with house.home.database.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\xff" * 200)
    house.start_runner()
    wait_for(lambda: set_aside_before(house.home.database), 10)
    wait_for(lambda: house.home.database.exists() and live_runner(house.home))
    assert house.run("true").status is Status.COMPLETED
    assert len(house.read(queries.newest_executions(10))) == 4


def test_trouble_is_told_when_it_changes() -> None:
    told: list[str] = []
    trouble = Trouble(told.append)
    trouble.note("a", "first")
    trouble.note("a", "first")
    trouble.note("b", "second")
    trouble.note("a", "again")
    trouble.over("a")
    trouble.over("c")
    trouble.over("b")
    assert told == ["first", "first; second", "again; second", "second", ""]
