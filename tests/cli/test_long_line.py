from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import log_printer, long_line
from stepflow_tui.cli.log_cursor import MAX_LINE, Lines
from stepflow_tui.cli.log_printer import LogPrinter, Place
from stepflow_tui.cli.long_line import LongLine
from stepflow_tui.cli.terminal import Terminal, standard_output
from tests.tui.terminal import Terminal as Pty

if TYPE_CHECKING:
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording

    Capture = pytest.CaptureFixture[str]

ARRIVALS = [(1, 1_700_000_000_000)]
X, Y, Z = (letter * MAX_LINE for letter in (b"x", b"y", b"z"))


@pytest.fixture(autouse=True)
def _own_output() -> None:
    standard_output.cache_clear()


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(is_terminal=True, colours=True, unicode=True)
    monkeypatch.setattr(log_printer, "standard_output", lambda: terminal)
    monkeypatch.setattr(long_line, "standard_output", lambda: terminal)


MARK = "\x1b[2m↪ \x1b[0m"


@pytest.mark.usefixtures("on_a_terminal")
def test_a_terminal_gets_rows_of_which_all_but_the_first_are_marked() -> None:
    line = LongLine("now ")
    assert line.text(X + Y + b"z", final=False) == (
        f"now {X.decode()}\nnow {MARK}{Y.decode()}\nnow {MARK}z\n"
    )
    assert line.text(b"more", final=False) == f"now {MARK}more\n"
    assert line.text(b"", final=True) == ""


@pytest.mark.usefixtures("on_a_terminal")
def test_colours_end_with_each_row_and_sequences_are_never_cut() -> None:
    line = LongLine()
    first = b"\x1b[31m" + b"a" * (MAX_LINE - 7) + b"\x1b["
    assert line.text(first + b"32mb\x1b]0;", final=False) == (
        f"\x1b[31m{'a' * (MAX_LINE - 7)}\x1b[0m\n{MARK}\x1b[32mb\x1b[0m\n"
    )
    assert line.text(b"title\x07\xe6\x97", final=False) == ""
    assert line.text(b"\xa5", final=True) == f"{MARK}日\n"


def test_a_pipe_gets_the_line_whole_and_clean() -> None:
    line = LongLine("now ")
    parts = [line.text(X + b"\x1b[3", final=False), line.text(b"1m" + Y, final=False)]
    parts.append(line.text(b"\x1b[0mend\r", final=True))
    assert "".join(parts) == f"now {X.decode()}{Y.decode()}end\n"


def test_no_notice_comes_between_the_parts_of_a_line(capsys: Capture) -> None:
    printer = LogPrinter(markers=True)
    printer.put("start", Place(2, after=False), "before 2")
    printer.put("end", Place(2, after=True), "after 2")
    printer.put("next", Place(3, after=False), "before 3")
    printer.print(Lines(1, [b"one", X + b"<"], ARRIVALS, open=True))
    printer.put("late", Place(1, after=True), "after 1, told late")
    printer.put("later", Place(2, after=False), "before 2, told late")
    printer.print_due()
    printer.print(Lines(2, [b">"], ARRIVALS, continues=True, open=True))
    printer.print_due()
    printer.print(Lines(2, [b".", b"three"], ARRIVALS, continues=True))
    assert capsys.readouterr().out == (
        f"one\nbefore 2\n{X.decode()}<>.\n"
        "after 1, told late\nbefore 2, told late\nafter 2\nbefore 3\nthree\n"
    )


def test_the_end_of_a_long_line_is_no_marker(capsys: Capture) -> None:
    printer = LogPrinter(markers=False)
    printer.print(Lines(1, [X + b"x"], ARRIVALS, open=True))
    printer.print(Lines(1, [b"META:k:v", b"META:k:v", b"end"], ARRIVALS, continues=True))
    assert capsys.readouterr().out == f"{X.decode()}xMETA:k:v\nend\n"


@pytest.mark.parametrize("options", [[], ["--timestamps"], ["--tail", "2"], ["--no-markers"]])
def test_logs_prints_the_whole_of_a_long_line(
    recording: Recording, stepflow: Stepflow, options: list[str]
) -> None:
    number = recording.add().number
    line = b"0123456789" * 700_000
    recording.log(number, b"before\n" + line + b"\n" + line)
    shown = stepflow("logs", *options, str(number)).out.splitlines()
    assert [text.rpartition(" ")[2] for text in shown[-2:]] == [line.decode()] * 2


def test_logs_of_a_step_end_with_its_last_line_however_long_that_is(
    recording: Recording, stepflow: Stepflow
) -> None:
    number = recording.add().number
    recording.log(number, b"STEP_START:a\n" + b"x" * 7_000_000 + b"\nbehind\n")
    recording.step(number, 1, "a", (1, 2))
    shown = stepflow("logs", "--step", "a", str(number)).out
    assert shown == "STEP_START:a\n" + "x" * 7_000_000 + "\n"


def test_a_real_terminal_gets_marked_rows(recording: Recording) -> None:
    number = recording.add().number
    recording.log(number, b"\x1b[31m" + b"#" * 200_000 + b"\n")
    recording.finish(number)
    for command in ("logs", "watch"):
        arguments = [sys.executable, "-m", "stepflow_tui", command, str(number)]
        with Pty(arguments, os.environ, draws=False) as terminal:
            assert terminal.wait_exit() == 0
            rows = terminal.read_rest().decode().split("\r\n")
        sizes = [(row.startswith(MARK), row.count("#")) for row in rows if row.count("#") > 9]
        assert sizes == [(False, 65_531), (True, 65_536), (True, 65_536), (True, 3_397)]


MEASURED = """
import resource, sys
from stepflow_tui.cli.program import run_program
run_program(["list"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run_program(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["logs", "watch"])
def test_memory_is_bounded(recording: Recording, command: str) -> None:
    number = recording.add().number
    for _ in range(8):
        recording.log(number, b"@" * 10_000_000)
    recording.finish(number)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, command, str(number)],
        capture_output=True,
        check=True,
    )
    assert done.stdout.count(b"@") == 80_000_000
    assert int(done.stderr) < 40_000
