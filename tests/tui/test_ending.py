"""How the dashboard ends: by signals and faults, and not by what comes through the line."""

from __future__ import annotations

import os
import signal
import sys
import termios
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from tests.tui.record import Recorder, numbered
from tests.tui.terminal import Terminal, terminal_environment

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home

MODES = (1049, 1000, 1003, 1006, 2004, 1004)
"""What the terminal is asked for while the dashboard is there."""


@pytest.fixture
def filled(home: Home, recorder: Recorder) -> Home:
    number = recorder.execution("deploy", status=Status.COMPLETED)
    recorder.log(number, numbered(50))
    return home


def open_dashboard(home: Home, before: str = "pass", **environ: str) -> Terminal:
    code = f"import sys; {before}; from stepflow_tui.cli import main; main()"
    variables = terminal_environment(STEPFLOW_HOME=str(home.root), **environ)
    return Terminal([sys.executable, "-c", code], variables)


def attributes(terminal: Terminal) -> list[object]:
    return termios.tcgetattr(terminal._master)


def assert_as_before(terminal: Terminal, before: list[object]) -> None:
    """The terminal shows its first screen, and asks for nothing any more."""
    written = terminal.read_rest()
    for mode in MODES:
        on, off = b"\x1b[?%dh" % mode, b"\x1b[?%dl" % mode
        assert written.rindex(off) > written.rindex(on)
    assert written.rindex(b"\x1b[?25h") > written.rindex(b"\x1b[?25l")
    assert written.rindex(b"\x1b[<u") > written.rindex(b"\x1b[>")
    assert attributes(terminal) == before


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 0),
        (signal.SIGHUP, 0),
        (signal.SIGQUIT, -signal.SIGQUIT),
        (signal.SIGABRT, -signal.SIGABRT),
        (signal.SIGUSR1, -signal.SIGUSR1),
        (signal.SIGALRM, -signal.SIGALRM),
        (signal.SIGXCPU, -signal.SIGXCPU),
    ],
)
def test_a_signal_leaves_the_terminal_as_it_was(
    filled: Home, number: signal.Signals, code: int
) -> None:
    with open_dashboard(filled, "import resource; resource.setrlimit(4, (0, 0))") as terminal:
        before = attributes(terminal)
        terminal.wait_for("line 50")
        assert attributes(terminal) != before
        os.kill(terminal.pid, number)
        assert terminal.wait_exit() == code
        assert_as_before(terminal, before)
        assert b"Traceback" not in terminal.received


BROKEN = (
    "from stepflow_tui.tui.screens.main.screen import MainScreen; MainScreen.{} = lambda *_: 1 / 0"
)


@pytest.mark.parametrize("place", ["on_mount", "compose", "action_help", "memory"])
def test_a_fault_is_a_sentence_with_a_code(filled: Home, place: str) -> None:
    secret = "hunter2-is-secret"
    with open_dashboard(filled, BROKEN.format(place), PASSWORD=secret) as terminal:
        before = attributes(terminal)
        if place == "action_help":
            terminal.wait_for("line 50")
            terminal.send("?")
        elif place == "memory":
            terminal.wait_for("line 50")
            terminal.send("q")
        assert terminal.wait_exit() == 1
        assert_as_before(terminal, before)
        said = terminal.received.decode().rpartition("stepflow: ")[2].replace("\r\n", "")
    assert said.startswith("the dashboard ended by a fault of its own, runs go on: ")
    assert "ZeroDivisionError: division by zero; where it came up is told in " in said
    assert b"Traceback" not in terminal.received
    told = filled.dashboard_log.read_text()
    assert "ZeroDivisionError" in told
    assert "line 1, in <lambda>" in told
    assert secret not in told
    assert filled.dashboard_log.stat().st_mode & 0o777 == 0o600


NOISE = [
    b"\x1b[1114112u",
    b"\x1b[99999999999999999999999999u",
    b"\x1b[97;1:3u\x1b[97;1;1114112u\x1b[55296u\x1b[97;1;55296u",
    b"\x1b[1q\x1b[q\x1b[>0q\x1bP>|quit\x1b\\\x1b]11;rgb:q\x07",
    b"\x1b[" + b"9;" * 3000 + b"q",
    b"\x1b[48;1000000;1000000;1;1t\x1b[48;0;0;0;0t\x1b[8;999999;999999t",
    b"\x1b[<0;9999999999999999999999;1M\x1b[<0;" + b"9" * 400 + b";1M\x1b[M\xff\xff\xff",
    b"\x1b[<-1;-1;-1M\x1b[<;;M\x1b[<64;0;0M\x1b[999999999999;1R",
    b"\xff\xfe\xc3\x28\xed\xa0\x80\xf8\x88\x80\x80\x80\xf4\x90\x80\x80",
    b"\x1b[1;2\x1b]0;\x1bP\x1b_\x1bO\x1b[",
    b"\x00\x01\x02\x04\x05\x0e\x1c\x1d\x1e\x1f\x7f\xc2\x9b1q\xc2\x90",
]


@pytest.mark.parametrize("noise", NOISE, ids=range(len(NOISE)))
def test_noise_ends_nothing(filled: Home, noise: bytes) -> None:
    with open_dashboard(filled) as terminal:
        terminal.wait_for("line 50")
        for _ in range(2):
            terminal.send(noise)
            terminal.send("\x1b[200~\x1b[201~")  # something that ends whatever is open
        terminal.send("\x1b\x1b")
        terminal.send("\x0c")
        terminal.wait_for("deploy")
        terminal.send("\x03\x03")
        assert terminal.wait_exit() == 0
        assert b"Traceback" not in terminal.received


@pytest.mark.parametrize("pasted", [True, False])
def test_a_flood_of_keys_ends_nothing(filled: Home, pasted: bool) -> None:
    flood = b"flood of words " * 20_000
    with open_dashboard(filled) as terminal:
        terminal.wait_for("line 50")
        terminal.send("/")
        terminal.wait_for("filter")
        flood = b"\x1b[200~%s\x1b[201~" % flood if pasted else flood[:3_000]
        for start in range(0, len(flood), 1000):
            terminal.send(flood[start : start + 1000])
            terminal._read(0.0)
        terminal.send("\x03\x03")
        assert terminal.wait_exit() == 0


RUBBISH = {
    "TEXTUAL_DRIVER": "x:y",
    "TEXTUAL_PRESS": "q",
    "TEXTUAL_SCREENSHOT": "0",
    "TEXTUAL_LOG": "/nowhere/x",
    "TEXTUAL_COLOR_SYSTEM": "mauve",
    "TEXTUAL_FILTERS": "nonsense,dim",
    "TEXTUAL_THEME": "nonsense",
    "TEXTUAL_FPS": "9" * 400,
    "TEXTUAL_DIM_FACTOR": "-1000000",
    "TEXTUAL_DEBUG": "1",
    "TEXTUAL_SHOW_RETURN": "1",
    "TEXTUAL_DEVTOOLS_PORT": "x",
    "TEXTUAL_ANIMATIONS": "\udcff",
    "TEXTUAL": "devtools,debug,headless",
    "ESCDELAY": "9" * 400,
    "COLORTERM": "\udcff",
    "FORCE_COLOR": "x",
    "LINES": "-1",
    "COLUMNS": "x",
}


@pytest.mark.parametrize("name", [*RUBBISH, "all"])
def test_no_variable_ends_it(filled: Home, name: str) -> None:
    environ = RUBBISH if name == "all" else {name: RUBBISH[name]}
    with open_dashboard(filled, **environ) as terminal:
        terminal.wait_for("line 50")
        terminal.send("q")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("name", ["dumb", "unknown", ""])
@pytest.mark.parametrize("opens", [False, True])
def test_a_terminal_that_shows_lines_gets_lines(filled: Home, name: str, opens: bool) -> None:
    """TERM may say so, or not be there at all."""
    before = "pass" if name else "import os; os.environ.pop('TERM')"
    before += "; sys.argv += ['open', '1']" if opens else ""
    with open_dashboard(filled, before, TERM=name) as terminal:
        assert terminal.wait_exit() == (2 if opens else 0)
        written = terminal.read_rest().decode()
    given = f"TERM is {name}" if name else "TERM is not set"
    hint = f"stepflow: the dashboard needs a terminal that can place text, and {given}; "
    assert hint in written
    assert "\x1b" not in written
    assert opens or "deploy" in written


def test_what_a_toast_stood_on_is_drawn_anew_under_a_dialog(filled: Home) -> None:
    with open_dashboard(filled) as terminal:
        terminal.wait_for("line 50")
        terminal.send("\x03")
        terminal.wait_for("press ctrl+c again to quit")
        terminal.send("?")
        terminal.wait_for("close")
        terminal.wait(lambda screen: "press ctrl+c again" not in screen)
        terminal.received.clear()  # what comes now is all of the screen once more
        terminal.wait(lambda _: b"Executions" in terminal.received)
        assert "press ctrl+c again" not in terminal.text
