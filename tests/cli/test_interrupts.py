"""Ctrl-C while the program is loaded: at each import one process is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.tui.terminal import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home

INTERRUPT = """
import os, signal, sys
left = int(sys.argv.pop(1))
from stepflow_tui.cli import main
def interrupt(event, arguments):
    global left
    if event == "import":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)
            signal.pthread_sigmask(signal.SIG_BLOCK, ())  # a handler in Python comes at once
sys.addaudithook(interrupt)
main()
"""


def interrupted(at: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", INTERRUPT, str(at), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.parametrize("arguments", ["list", "--help", "run true", "health", "show 1", ""])
@pytest.mark.usefixtures("home")
def test_an_interrupt_in_an_import_is_no_traceback(arguments: str) -> None:
    for at in (*range(1, 12), *range(15, 500, 23)):
        done = interrupted(at, *arguments.split())
        assert done.stderr in ("", f"{NOTHING}\n", f"{NOTHING}\n{HINT}\n", f"{UNKNOWN}\n")
        if done.returncode != 130:  # there are fewer imports
            assert at > 11
            break


NOTHING = "stepflow: nothing was run here yet; begin with: stepflow run COMMAND"
HINT = "stepflow: the dashboard needs a terminal; other commands: stepflow --help"
UNKNOWN = "stepflow: no execution 1; see: stepflow list"


def test_what_a_shell_starts_in_the_background_ignores_it_still(home: Home) -> None:  # noqa: ARG001
    command = [sys.executable, "-c", INTERRUPT, "3", "--version"]
    done = subprocess.run(
        ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_runner_that_is_loaded_takes_an_interrupt(home: Home) -> None:
    program = [sys.executable, "-m", "stepflow_tui", "runner", "run"]
    for wait_s in (0.0, 0.01, 0.02, 0.05, 0.1, 0.2):
        with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            command_line = f"/proc/{process.pid}/cmdline"
            deadline = time.monotonic() + 30
            while b"stepflow_tui.runner" not in _read(command_line):
                assert time.monotonic() < deadline
            time.sleep(wait_s)
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()
            assert process.wait() in (130, 0)  # 0 once it works
            assert "Traceback" not in said
    assert home.root.exists()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - as short as it can be
        return file.read()


def test_an_interrupt_that_waits_ends_the_runner_before_it_begins(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys;"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT});"
        "os.kill(os.getpid(), signal.SIGINT);"
        "os.execv(sys.executable, [sys.executable, '-m', 'stepflow_tui.runner', *sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", str(tmp_path / "home")],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (130, b"")
    assert not (tmp_path / "home").exists()
