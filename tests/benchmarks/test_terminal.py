from __future__ import annotations

import os
import time

import pytest

from benchmarks.stamps import Stamp
from benchmarks.terminal import COLUMNS, ROWS, Terminal

ENVIRON = {"PATH": os.environ["PATH"], "TERM": "xterm"}


def shell(script: str) -> Terminal:
    return Terminal(["sh", "-c", script], ENVIRON)


def test_the_moment_is_that_of_the_bytes_and_not_of_the_drawing() -> None:
    began = time.monotonic_ns()
    with shell("read line; printf '\\033[5;5Hthere'; sleep 1; printf gone; exec cat") as terminal:
        terminal.type(b"\r")
        moment = terminal.wait_for("there")
        assert began < moment < time.monotonic_ns() - 400_000_000  # it was seen to be calm first
        assert moment in [written for written, _ in terminal.writes]


def test_each_frame_tells_the_rows_that_changed() -> None:
    with shell("printf 'one\\r\\ntwo\\r\\n'; read line; printf 'three'; exec cat") as terminal:
        terminal.wait_for("two")
        terminal.type(b"\r")
        terminal.wait_for("three")
        assert [row.rstrip() for row in terminal.text.split("\n")][:2] == ["one", "two"]
        terminal.type(b"\x04")
        assert list(terminal.frames()) == []


def test_the_size_is_known_before_the_program_asks() -> None:
    with shell("stty size; exec cat") as terminal:
        terminal.wait_for(f"{ROWS} {COLUMNS}")


def test_questions_to_the_terminal_are_answered() -> None:
    script = "stty raw -echo; printf '\\033[6n'; head -c 6 | od -An -c; exec cat"
    with shell(script) as terminal:
        terminal.wait_for("033   [   1   ;   1   R")


def test_a_program_that_leaves_is_told_with_its_last_words() -> None:
    with shell("echo no such file") as terminal, pytest.raises(RuntimeError, match="no such file"):
        terminal.wait_for("ready")


def test_what_never_comes_is_told_with_the_screen() -> None:
    with shell("printf here; exec cat") as terminal, pytest.raises(TimeoutError, match="here"):
        terminal.wait_for(Stamp(1, 1).line, patience_s=0.3)


def test_the_program_is_gone_in_the_end() -> None:
    with shell("exec cat") as terminal:
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(terminal.pid, 0)
