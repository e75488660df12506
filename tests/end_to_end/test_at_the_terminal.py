"""What a person does at a terminal, key by key, on the real dashboard with real runs."""

from __future__ import annotations

import base64
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.store import queries
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house import House

COUNTING = "for number in $(seq 60); do echo word $number end; sleep 0.01; done"
OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)")
ELSEWHERE = ("TMUX", "STY", "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY")


@pytest.fixture
def terminal(house: House) -> Iterator[Terminal]:
    environ = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    command = [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root)]
    known = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    with Terminal(command, {**environ, **known}) as terminal:
        yield terminal


def place_of(terminal: Terminal, text: str) -> tuple[int, int]:
    """Column and row of a text, counted from 1."""
    row = next(y for y, line in enumerate(terminal.lines) if text in line)
    return terminal.lines[row].index(text) + 1, row + 1


def click(terminal: Terminal, text: str) -> None:
    x, y = place_of(terminal, text)
    terminal.send(f"\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m")


def copied(terminal: Terminal, keys: str) -> bytes:
    """What these keys send to the clipboard."""
    terminal.received.clear()
    terminal.send(keys)
    terminal.wait(lambda _: OSC_52.search(terminal.received) is not None)
    [encoded] = OSC_52.findall(terminal.received)
    return base64.b64decode(encoded)


def test_a_terminal_on_demand_is_as_large_as_ones_own(house: House) -> None:
    command = [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root), "run", "--tty"]
    with Terminal([*command, "stty", "size"], dict(os.environ), columns=111, rows=33) as terminal:
        assert terminal.wait_exit() == 0
    assert house.log(house.read(queries.newest_executions(1))[0]) == b"33 111\r\n"


def test_a_run_is_started_followed_searched_and_copied(house: House, terminal: Terminal) -> None:
    script = house.script(COUNTING, "count.sh")
    terminal.wait_for("No executions yet")
    terminal.send("s")
    terminal.wait_for("Start a run", "Command")
    terminal.send(str(script))
    terminal.wait_for("count.sh")
    terminal.send("\x13")  # ctrl+s
    terminal.wait_for("started as #1", "word 60 end", "✓ completed")
    terminal.send("\t\tz")
    terminal.wait(lambda text: "Executions" not in text)
    terminal.send("/word 42\r")
    terminal.wait_for("1 of 1", "line 42 of 60")
    assert copied(terminal, "y") == b"word 42 end"
    terminal.wait_for("sent ")
    assert copied(terminal, "vjjy") == b"word 42 end\nword 43 end\nword 44 end"
    terminal.send("q")
    assert terminal.wait_exit() == 0


def test_it_follows_and_keeps_still_while_one_reads(house: House, terminal: Terminal) -> None:
    go = house.root / "go"
    script = house.script(f"{COUNTING}; until [ -e '{go}' ]; do sleep 0.02; done; echo last one")
    execution = house.submit(script)
    terminal.wait_for("word 60 end", "following")
    terminal.send("\t\tk")
    terminal.wait_for("paused")
    row = place_of(terminal, "word 59 end")
    go.touch()
    terminal.wait_for("line 59 of 61")
    assert place_of(terminal, "word 59 end") == row
    assert "last one" not in terminal.text
    terminal.send("f")
    terminal.wait_for("last one")
    assert house.wait(execution).status is Status.COMPLETED


@pytest.mark.parametrize(("columns", "rows"), [(40, 20), (300, 60)])
def test_it_fits_into_any_terminal(
    house: House, terminal: Terminal, columns: int, rows: int
) -> None:
    house.run(house.script("echo STEP_START:Build; echo compiled"))
    terminal.wait_for("compiled", "Build")
    terminal.resize(columns, rows)

    is_narrow = columns < 60  # then one pane is shown at a time

    def fits(text: str) -> bool:
        widest = max(len(line) for line in terminal.lines[1 : rows - 3])
        shows = "Executions" in text and ("compiled" not in text) is is_narrow
        return shows and widest == columns and terminal.lines[rows - 1].endswith("q quit")

    terminal.wait(fits)
    if is_narrow:
        terminal.send("\t\t")
        terminal.wait(lambda text: "compiled" in text and "Executions" not in text)
    terminal.resize(120, 36)
    terminal.wait(lambda text: "Executions" in text and "compiled" in text and "Steps" in text)


def test_the_mouse_selects_scrolls_and_presses(house: House, terminal: Terminal) -> None:
    first = house.script("seq -f 'first %g end' 200", "first.sh")
    second = house.script("seq -f 'second %g end' 200; sleep 60", "second.sh")
    house.run(first)
    terminal.wait_for("first 200 end")
    house.submit(second)
    terminal.wait_for("● running", "#1 first.sh")  # who reads is not torn away
    click(terminal, "second.sh")
    terminal.wait_for("second 200 end")
    x, y = place_of(terminal, "second 190 end")
    terminal.send(f"\x1b[<64;{x};{y}M" * 3)
    terminal.wait(lambda text: "paused" in text and "second 200 end" not in text)
    click(terminal, "first.sh")
    terminal.wait_for("first 200 end", "#1 first.sh")
    click(terminal, "second.sh")
    terminal.wait_for("second 200 end")
    terminal.send("X")
    terminal.wait_for("Kill #2 second.sh?", "Kill it")
    click(terminal, "Kill it")
    terminal.wait_for("⊘ cancelled")


def test_the_screen_is_drawn_anew(house: House, terminal: Terminal) -> None:
    house.run("echo", "hello there")
    terminal.wait_for("hello there")
    terminal.received.clear()
    terminal.send("\x0c")  # ctrl+l
    terminal.wait(lambda _: b"hello there" in terminal.received)


def test_it_goes_to_the_shell_and_comes_back(house: House) -> None:
    """With a shell that has job control, as a person does it."""
    house.run("echo", "hello there")
    command = f"{sys.executable} -m stepflow_tui --home {house.home.root}"
    environ = {**os.environ, "TERM": "xterm-256color", "PS1": "prompt> ", "HISTFILE": ""}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], environ) as terminal:
        terminal.wait_for("prompt>")
        terminal.send(f"{command}\r")
        terminal.wait_for("hello there", "Executions")
        terminal.send("\x1a")  # ctrl+z
        terminal.wait(lambda text: "Stopped" in text and "prompt>" in text)
        terminal.send("echo in the $((1 + 1))nd shell\r")
        terminal.wait_for("in the 2nd shell")
        terminal.received.clear()
        terminal.send("fg\r")
        terminal.wait(lambda _: b"Executions" in terminal.received)
        terminal.send("q")
        terminal.wait(lambda _: b"\x1b[?1049l" in terminal.received)
        terminal.send("echo back in the $((1 + 2))rd\r")
        terminal.wait(lambda _: b"back in the 3rd" in terminal.received)
        terminal.send("exit\r")
        assert terminal.wait_exit() == 0
