"""The dashboard in a real pseudo-terminal, seen through a terminal emulator."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.config import Config
from stepflow_tui.core.models import Status
from stepflow_tui.tui import app, keyboard, start
from tests.tui.record import Recorder, numbered, step
from tests.tui.terminal import ROOT, Terminal, terminal_environment

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from tests.house import House

OPEN = (
    "import sys; from pathlib import Path;"
    "from stepflow_tui.core.home import Home; from stepflow_tui.tui.start import start_dashboard;"
    "start_dashboard(Home(Path(sys.argv[1])))"
)


def open_dashboard(home: Home, columns: int = 120, rows: int = 36, **environ: str) -> Terminal:
    command = [sys.executable, "-c", OPEN, str(home.root)]
    return Terminal(command, terminal_environment(**environ), columns, rows)


@pytest.fixture
def filled(home: Home, recorder: Recorder) -> Home:
    recorder.execution("lint", status=Status.COMPLETED, duration_ms=2500)
    number = recorder.execution("deploy", step_count=1)
    recorder.steps(number, step(1, "Build", 1, status=Status.RUNNING))
    recorder.log(number, numbered(500))
    return home


def test_rows_resize_and_leaving(filled: Home) -> None:
    with open_dashboard(filled) as terminal:
        terminal.wait_for("deploy", "● running", "✓ completed", "● Build", "line 500")
        for columns, rows in ((80, 24), (40, 20)):
            terminal.resize(columns, rows)
            terminal.wait(lambda _: terminal.lines[-1].endswith("? help  q quit"))
        terminal.wait(lambda screen: "line 500" not in screen)
        terminal.send("\t\t")
        terminal.wait_for("#2 deploy  ● running", "line 500")
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert b"\x1b[?1049l" in terminal.received


def test_text_typed_ahead_is_searched_for_and_commands_nothing(filled: Home) -> None:
    with open_dashboard(filled) as terminal:
        terminal.wait_for("line 500")
        terminal.send("\t\tk")
        terminal.wait_for("paused")
        terminal.send("/rxq/line 12")
        terminal.wait_for("/ rxq/line 12")
        terminal.send("\x15")
        terminal.wait(lambda screen: "rxq" not in screen)
        terminal.send("line 12")
        terminal.wait_for("11 found")
        terminal.send("\r")
        terminal.wait_for("1 of 11", "paused")
        assert "Cancel" not in terminal.text
        assert "runs again" not in terminal.text


@pytest.mark.parametrize(
    "junk",
    [
        "Größe".encode("latin-1"),
        b"\xff\xfe\x80\xc3",
        b"\x1b[200~caf\xe9\x1b]0;no\x07\nsecond\x1b[201~",
        b"\x1b[M\x20\xff\xff",
    ],
)
def test_bytes_that_are_no_text_close_nothing(filled: Home, junk: bytes) -> None:
    with open_dashboard(filled) as terminal:
        terminal.wait_for("line 500")
        terminal.send("/")
        terminal.wait_for("filter")
        terminal.send(junk)
        terminal.send("\x15deploy")
        terminal.wait_for("filter deploy", "1 of 2")
        terminal.send("\r")
        terminal.wait(lambda screen: "tab:" not in screen)
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_new_lines_reach_the_terminal(filled: Home, recorder: Recorder) -> None:
    with open_dashboard(filled) as terminal:
        terminal.wait_for("line 500")
        for line in range(501, 521):
            recorder.log(2, numbered(1, line))
            terminal.wait_for(f"line {line}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_makes_it_leave_in_order(filled: Home, number: signal.Signals) -> None:
    with open_dashboard(filled) as terminal:
        terminal.wait_for("line 500")
        os.kill(terminal.pid, number)
        assert terminal.wait_exit(5.0) == 0
        assert b"\x1b[?1049l" in terminal.received


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN], ids=["plain", "nohup"])
def test_it_leaves_with_its_terminal(filled: Home, handler: signal.Handlers) -> None:
    before = signal.signal(signal.SIGHUP, handler)
    try:
        terminal = open_dashboard(filled)
    finally:
        signal.signal(signal.SIGHUP, before)
    with terminal:
        terminal.wait_for("line 500")
        terminal.hang_up()
        assert terminal.wait_exit(5.0) in (0, 128 + signal.SIGHUP)


def test_the_pager_gets_the_terminal_and_gives_it_back(filled: Home, tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\ntail -n 1 "$1"; echo "seen with $#"; read answer\n')
    pager.chmod(0o755)
    with open_dashboard(filled, PAGER=str(pager)) as terminal:
        terminal.wait_for("line 500", "● running")
        terminal.send("o")
        terminal.wait_for("seen with 1")
        left = terminal.received.rindex(b"\x1b[?1049l")
        assert left < terminal.received.rindex(b"seen with")
        terminal.send("\n")
        terminal.wait_for("● running", "line 500")


def test_no_color_means_no_colour(filled: Home) -> None:
    with open_dashboard(filled, NO_COLOR="1") as terminal:
        terminal.wait_for("deploy", "line 500")
        terminal.send("q")
        terminal.wait_exit()
        codes = re.findall(rb"\x1b\[([0-9;]+)m", bytes(terminal.received))
        coloured = [code for code in codes if re.search(rb"(^|;)(3[1-8]|4[0-8]|9[0-7])(;|$)", code)]
        assert coloured == []


def test_over_ssh_fewer_frames_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("TEXTUAL_FPS", "TEXTUAL_ANIMATIONS", "TEXTUAL_SMOOTH_SCROLL", "ESCDELAY")
    own = ["33", "full", "1", "50"]
    for name, value in zip(names, own, strict=True):
        monkeypatch.setenv(name, value)
    start._set_defaults({"SSH_CONNECTION": "1 2 3 4"})
    assert [os.environ[name] for name in names] == own
    for name in names:
        monkeypatch.delenv(name)
    start._set_defaults({"SSH_CONNECTION": "1 2 3 4"})
    assert [os.environ[name] for name in names] == ["10", "none", "0", "25"]
    monkeypatch.delenv("TEXTUAL_FPS")
    start._set_defaults({})
    assert os.environ["TEXTUAL_FPS"] == "120"


async def test_any_bytes_are_taken_before_the_application_is_made(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def make(*_: object, **__: object) -> None:
        done.append("made")
        raise InterruptedError

    monkeypatch.setattr(keyboard, "take_anything", lambda: done.append("taken"))
    monkeypatch.setattr(app, "StepflowApp", make)
    with pytest.raises(InterruptedError):
        await start._run(home, {}, Config(), None)
    assert done == ["taken", "made"]


def test_nothing_of_textual_is_imported_before_the_settings_are_made() -> None:
    code = "import sys, stepflow_tui.tui.start; print([m for m in sys.modules if 'textual' in m])"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"


@pytest.mark.parametrize("how", ["SIGKILL", "closed terminal"])
def test_a_dashboard_that_dies_touches_no_run(house: House, tmp_path: Path, how: str) -> None:
    go = tmp_path / "go"
    script = house.script(f'echo started; while [ ! -e "{go}" ]; do sleep 0.05; done; echo done')
    execution = house.submit(script)
    with open_dashboard(house.home) as terminal:
        terminal.wait_for("started", "● running")
        if how == "SIGKILL":
            os.kill(terminal.pid, signal.SIGKILL)
        else:
            terminal.hang_up()
        terminal.wait_exit()
    go.touch()
    finished = house.wait(execution)
    assert finished.status is Status.COMPLETED
    assert house.log(finished) == b"started\ndone\n"


@pytest.mark.slow
def test_a_line_is_on_the_screen_within_milliseconds(house: House) -> None:
    count, period = 135, 1 / 27
    script = house.script(
        "#!/usr/bin/env python3\nimport time\ntime.sleep(1.5)\n"
        f"for tick in range({count}):\n"
        "    print(f'tick {tick} at {time.monotonic_ns()}.', flush=True)\n"
        f"    time.sleep({period})\n"
    )
    house.submit(script)
    latencies: dict[int, float] = {}

    def note(screen: str) -> bool:
        seen = time.monotonic_ns()
        for tick, at in re.findall(r"tick (\d+) at (\d+)\.", screen):
            latencies.setdefault(int(tick), (seen - int(at)) / 1e6)
        return len(latencies) == count

    with open_dashboard(house.home) as terminal:
        terminal.wait(note)
    assert statistics.median(latencies.values()) <= 40
