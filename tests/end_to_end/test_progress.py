"""Lines that are redrawn with carriage returns, as pip, curl and apt do it, through everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.tui.widgets.log.painter import GUTTER
from tests.faults.output import COLOUR, take_apart
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from tests.house import House

CURL = (
    b"  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    b"\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
    b"\r 43 1000k   43  437k    0     0   421k      0  0:00:02  0:00:01  0:00:01  421k"
    b"\r100 1000k  100 1000k    0     0   498k      0  0:00:02  0:00:02 --:--:--  498k\n"
)
PIP = (
    "Downloading numpy-2.1.whl (16.3 MB)\n"
    "\x1b[?25l\r\x1b[2K   \x1b[38;5;237m━━━━━━━━\x1b[0m \x1b[32m0.0/16.3 MB\x1b[0m"
    "\r\x1b[2K   \x1b[38;2;249;38;114m━━━━\x1b[0m\x1b[38;5;237m╺━━━\x1b[0m"
    " \x1b[32m8.1/16.3 MB\x1b[0m \x1b[31m38 MB/s\x1b[0m"
    "\r\x1b[2K   \x1b[38;2;114;156;31m━━━━━━━━\x1b[0m"
    " \x1b[32m16.3/16.3 MB\x1b[0m \x1b[31m40 MB/s\x1b[0m"
    "\n\x1b[?25hInstalling collected packages: numpy\r\n"
).encode()
APT = (
    b"Reading package lists... 0%\r\rReading package lists... 47%"
    b"\r\rReading package lists... Done\r\n"
    b"\r0% [Working]\r            \rGet:1 http://deb.debian.org bookworm InRelease [151 kB]\r\n"
    b"\r20% [1 Packages 1,234 kB/8,788 kB 14%]\r                                      \r\r\n"
    b"(Reading database ... \r(Reading database ... 5%\r(Reading database ... 100%"
    b"\r(Reading database ... 24567 files and directories currently installed.)\r\n"
    b"\x1b7\x1b[0;23r\x1b8\x1b[1A\x1b7\x1b[24;0f"
    b"\x1b[42m\x1b[30mProgress: [ 50%]\x1b[49m\x1b[39m\x1b8"
    b"\rSetting up less (590) ...\r\n"
    b"blank behind:\r\n\r\n"
)
WRITTEN = CURL + PIP + APT + b"last\rthe last line"
SHOWN = [
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current",
    "100 1000k  100 1000k    0     0   498k      0  0:00:02  0:00:02 --:--:--  498k",
    "Downloading numpy-2.1.whl (16.3 MB)",
    "   ━━━━━━━━ 16.3/16.3 MB 40 MB/s",
    "Installing collected packages: numpy",
    "Reading package lists... Done",
    "Get:1 http://deb.debian.org bookworm InRelease [151 kB]",
    "20% [1 Packages 1,234 kB/8,788 kB 14%]",
    "(Reading database ... 24567 files and directories currently installed.)",
    "Setting up less (590) ...",
    "blank behind:",
    "",
    "the last line",
]
SLOWLY = """#!/usr/bin/env python3
import sys, time
data = open(sys.argv[1], "rb").read()
for start in range(0, len(data), 37):
    sys.stdout.buffer.write(data[start:start + 37])
    sys.stdout.buffer.flush()
    time.sleep(0.001)
"""


def stepflow(house: House, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root), *arguments]


def on_a_terminal(house: House, *arguments: str) -> Terminal:
    environ = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    return Terminal(stepflow(house, *arguments), environ, 200, 40)


def _framed(screen: str) -> list[str]:
    """The rows with a list at the left and the log at the right."""
    return [row for row in screen.split("\n") if "││" in row]


def test_the_last_state_is_shown_and_all_are_stored(house: House) -> None:
    samples = house.root / "samples"
    samples.write_bytes(WRITTEN)
    execution = house.run(house.script(SLOWLY), samples)
    assert execution.status is Status.COMPLETED
    assert house.log(execution) == WRITTEN
    raw = subprocess.run(stepflow(house, "logs", "--raw", "1"), capture_output=True, check=True)
    assert raw.stdout == WRITTEN
    piped = subprocess.run(stepflow(house, "logs", "1"), capture_output=True, check=True)
    assert piped.stdout.decode().split("\n") == [*SHOWN, ""]
    with on_a_terminal(house, "logs", "1") as terminal:
        assert terminal.wait_exit() == 0
        written = take_apart(terminal.read_rest())
        assert terminal.lines[: len(SHOWN)] == SHOWN
    assert written.text.split("\n") == [*SHOWN, ""]
    assert written.sequences.keys() == {COLOUR}
    with on_a_terminal(house) as terminal:
        rows = _framed(terminal.wait_for("the last line"))
        log = [row.split("││")[1][GUTTER:].rstrip("│ ") for row in rows[: len(SHOWN)]]
        assert log == SHOWN


def test_a_line_is_redrawn_while_it_runs(house: House) -> None:
    go = house.root / "go"
    script = house.script(
        "printf 'loading'; for i in $(seq 2000); do "
        "printf '\\r%4d of 4000, and so that it is longer than any line should be' $i; done\n"
        f'while [ ! -e "{go}" ]; do sleep 0.02; done\n'
        "for i in $(seq 2001 4000); do "
        "printf '\\r%4d of 4000, and so that it is longer than any line should be' $i; done"
    )
    execution = house.submit(script)
    with on_a_terminal(house) as terminal:
        terminal.wait_for("2000 of 4000")
        go.touch()
        terminal.wait_for("4000 of 4000", "✓ completed")
        assert "loading" not in terminal.text
    finished = house.wait(execution)
    assert house.log(finished).count(b"\r") == 4000
    piped = subprocess.run(stepflow(house, "logs", "1"), capture_output=True, check=True)
    expected = b"4000 of 4000, and so that it is longer than any line should be\n"
    assert piped.stdout == expected


@pytest.mark.parametrize("command", [["watch", "1"], ["logs", "-f", "1"]])
def test_followers_redraw_a_line_in_place_on_a_terminal(house: House, command: list[str]) -> None:
    go, gone = house.root / "go", house.root / "gone"
    script = house.script(
        "echo first; printf '10%%\\r50%% of \\033[32mall\\033[0m'\n"
        f'while [ ! -e "{go}" ]; do sleep 0.02; done\n'
        f"printf '\\r70%% {'wide ' * 100}'\n"
        f'while [ ! -e "{gone}" ]; do sleep 0.02; done\n'
        "printf '\\r100%%\\nlast\\n'"
    )
    house.submit(script)
    with on_a_terminal(house, *command) as terminal:
        terminal.wait_for("first", "50% of all")
        assert "10%" not in terminal.text
        go.touch()
        terminal.wait_for("70% wide")
        assert "50%" not in terminal.text
        assert sum("wide" in line for line in terminal.lines) == 1  # no wider than the terminal
        gone.touch()
        assert terminal.wait_exit() == 0
        terminal.wait_for("100%", "last")
        assert not any(old in terminal.text for old in ("50%", "70%", "wide"))


@pytest.mark.parametrize("command", [["watch", "1"], ["logs", "-f", "1"]])
def test_nothing_is_redrawn_in_a_pipe(house: House, command: list[str]) -> None:
    house.run(house.script("printf '10%%\\r'; sleep 0.2; printf '50%%\\r'; sleep 0.2; echo 100%"))
    piped = subprocess.run(stepflow(house, *command), capture_output=True, check=True)
    assert b"100%\n" in piped.stdout
    assert not any(byte in piped.stdout for byte in (b"\x1b", b"\r", b"50%"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_itself(house: House) -> None:
    size = 3_000_000
    (house.root / "file").write_bytes(bytes(size))
    script = house.script(
        f'curl --limit-rate 20M -o "{house.root}/copy" "file://{house.root}/file" 2>&1'
    )
    execution = house.run(script)
    assert b"\r  0 " in house.log(execution)
    piped = subprocess.run(stepflow(house, "logs", "1"), capture_output=True, check=True)
    lines = piped.stdout.decode().split("\n")
    assert lines[0].startswith("  % Total")
    assert lines[-2].startswith("100 ")
    assert len(lines) == 4
