"""Whatever stands in an argument, a sound database is not called damaged."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house import House

ARGUMENTS: tuple[list[str | bytes], ...] = (
    ["list", b"name:\xff"],
    ["list", b"tag:\xff"],
    ["list", b"user:\xff\xfe"],
    ["list", b"\xff"],
    ["list", b"name:=\xe9"],
    ["list", "--", b"-tag:\xff"],
    ["list", "--name", b"\xff"],
    ["list", "--tag", b"\xff"],
    ["list", "name:" + ",".join(f"w{number}" for number in range(1500))],
    ["list", *(f"w{number}" for number in range(3000))],
    ["list", "--limit", "9" * 40],
    ["list", "since:" + "9" * 300],
    ["list", b"since:\xff"],
    ["list", b"status:\xff"],
    *(
        list[str | bytes]([command, b"\xff"])
        for command in ("show", "logs", "watch", "open", "rerun", "artifacts")
    ),
    *(
        list[str | bytes]([command, "9" * 40])
        for command in ("show", "logs", "watch", "cancel", "rm", "mark")
    ),
    ["show", "#" + "9" * 18],
    ["show", "\u0661\u0662"],
    ["cancel", b"\xff"],
    ["rm", b"\xff"],
    ["mark", b"\xff"],
    ["compare", b"\xff", b"\xfe"],
    ["tag", "1", b"+\xff"],
    ["note", "1", b"\xff"],
    ["prune", "--dry-run", "--status", b"\xff"],
)


def stepflow(house: House, *arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "STEPFLOW_HOME": str(house.home.root)}
    command = [sys.executable, "-m", "stepflow_tui", *arguments]
    return subprocess.run(
        command,
        check=False,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_an_argument_is_not_blamed_on_the_database(house: House) -> None:
    house.run("true")
    for arguments in ARGUMENTS:
        done = stepflow(house, *arguments)
        told = (done.stdout + done.stderr).decode("utf-8", "replace")
        what = f"{arguments[:3]!r:.80}: {told}"
        assert b"damaged" not in done.stderr, what
        assert b"cannot read" not in done.stderr, what
        assert b"Traceback" not in done.stderr, what
        assert done.returncode in (0, 1, 2), what


def test_numbers_of_a_script_never_make_a_command_fail(house: House) -> None:
    lines = """
        STEP_START:q [duration=1e308]
        META:ESTIMATED_DURATION:1e308
        META:PROGRESS:1e308/0
        META:PROGRESS:nan
        STEP_START:r [duration=inf]
        STEP_START:s [duration=-1, timeout=1e308]
        STEP_START:t [timeout=nan]
        STEP_COMPLETE:s [x=1e+308, y=-1e+308, z=1e+309]
        META:ESTIMATED_DURATION:nan
    """
    script = house.script("cat <<'.'\n" + "\n".join(map(str.strip, lines.split("\n"))) + "\n.\n")
    found = house.run(script, timeout_s=1e8)
    assert found.exit_code == 0
    house.kill_runner()
    with sqlite3.connect(house.home.database) as connection:
        connection.execute("UPDATE steps SET estimated_s = 9e999, progress = 9e999")
        connection.execute("UPDATE executions SET progress = -9e999, timeout_s = 1e308")
    connection.close()
    for command in (["show", "1"], ["list"], ["compare", "1", "1"], ["logs", "1"], ["watch", "1"]):
        done = stepflow(house, *command)
        assert done.returncode in (0, 1, 2), done.stderr.decode()
        assert b"Traceback" not in done.stderr
    for command in (["show", "1", "--json"], ["list", "--json"]):
        done = stepflow(house, *command)
        assert (done.returncode, done.stderr) == (0, b"")
        json.loads(done.stdout, parse_constant=pytest.fail)


def test_a_blob_in_a_name_is_shown(house: House) -> None:
    house.run("true")
    house.kill_runner()
    with sqlite3.connect(house.home.database) as connection:
        connection.execute("UPDATE executions SET name = x'ff61', user = x'00', note = x'62'")
    connection.close()
    for command in (["list"], ["show", "1"], ["list", "--json"], ["list", "name:a"]):
        done = stepflow(house, *command)
        assert done.returncode == 0, done.stderr.decode()
    assert "\ufffda" in stepflow(house, "list").stdout.decode()
