"""Another program opens the database to write while executions are recorded: nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store.damage import quick_check
from stepflow_tui.store.writer import Writer
from tests.house import wait_for
from tests.store.test_database_file import OUTSIDER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house import House

SECRET = "hunter2-hunter2"
MODES = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")
VISITS = {
    **{mode.lower(): [f"PRAGMA wal_checkpoint({mode})"] for mode in MODES},
    "vacuum": ["VACUUM"],
    "journal": ["PRAGMA journal_mode=DELETE", "PRAGMA journal_mode=TRUNCATE"],
    "close": ["SELECT count(*) FROM executions"],
    "all": [*(f"PRAGMA wal_checkpoint({mode})" for mode in MODES), "VACUUM"],
}


def visit(database: Path, statements: list[str], program: str) -> None:
    command = [sys.executable, "-c", OUTSIDER, str(database), *statements]
    if program == "shell":
        command = ["sqlite3", "-cmd", ".timeout 20000", str(database), ";".join(statements)]
    subprocess.run(command, check=False, capture_output=True)


@pytest.mark.parametrize(
    ("kind", "program"),
    [*((kind, "python") for kind in VISITS), ("all", "shell"), ("close", "shell")],
)
def test_visits_of_a_program_that_may_write(house: House, kind: str, program: str) -> None:
    if program == "shell" and shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 shell is not installed")
    ended = house.run("sh", "-c", "echo $S", secrets=[SECRET], environment=with_secret())
    loop = "for i in $(seq 1 20); do echo line $i $S; sleep 0.05; done"
    execution = house.submit("sh", "-c", loop, secrets=[SECRET], environment=with_secret())
    runner = house.start_runner()
    house.wait_running(execution)
    while not (found := house.find(execution)) or not found.status.is_final:
        visit(house.home.database, VISITS[kind], program)
        os.utime(house.home.database)
        assert live_runner(house.home) == runner
    assert found.status is Status.COMPLETED
    assert not found.warnings
    numbers = [int(line.split()[1]) for line in house.log(found).splitlines()]
    assert numbers == list(range(1, 21))
    assert SECRET.encode() not in house.log(found)
    # What ended before, and of which no spool is left, is there still.
    kept = house.find(ended.id)
    assert kept is not None
    assert house.log(kept) == house.log(ended) != b""
    assert house.run("true").status is Status.COMPLETED
    assert live_runner(house.home) == runner
    assert quick_check(house.home.database) is None


def with_secret() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "S": SECRET}


def test_a_visit_while_nobody_records(house: House) -> None:
    """The last connection that closes takes the log away, and all of it is in the database."""
    execution = house.run("seq", "1", "100")
    house.kill_runner()
    visit(house.home.database, ["PRAGMA journal_mode=DELETE"], "python")
    assert not house.home.wal.exists()
    assert house.run("true").status is Status.COMPLETED
    assert len(house.log(execution).splitlines()) == 100


def test_the_log_of_a_database_that_was_overwritten_is_kept(house: House) -> None:
    house.submit("sleep", "60")
    runner = house.start_runner()
    house.run("true")
    other = house.root / "other.db"
    Writer(other).close()
    log = house.home.wal.read_bytes()
    subprocess.run(["cp", str(other), str(house.home.database)], check=True)
    wait_for(lambda: live_runner(house.home) != runner, 7)
    [aside] = wait_for(lambda: list(house.home.root.glob("stepflow.db.overwritten-*-wal")))
    assert aside.read_bytes().startswith(log)
