from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import log_printer, terminal
from stepflow_tui.cli.log_cursor import Lines
from stepflow_tui.cli.log_printer import LogPrinter, Place
from stepflow_tui.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _plain_output() -> None:
    terminal.standard_output.cache_clear()


def lines(first: int, *texts: bytes) -> Lines:
    return Lines(first, list(texts), [(first, 1_700_000_000_000), (first + 1, 1_700_000_001_234)])


def test_notices_stand_at_their_lines(capsys: Capture) -> None:
    printer = LogPrinter(markers=True)
    printer.put("late", Place(4, after=True), "after 4")
    printer.put("head", Place(2, after=False, rank=1), "before 2")
    printer.put("end", Place(1, after=True, rank=-1), "after 1")
    printer.put("outer", Place(3, after=True, rank=-1), "outer ends after 3")
    printer.put("inner", Place(3, after=True, rank=-2), "inner ends after 3")
    printer.print(lines(1, b"a", b"b"))
    printer.print(lines(3, b"c"))
    assert capsys.readouterr().out == (
        "a\nafter 1\nbefore 2\nb\nc\ninner ends after 3\nouter ends after 3\n"
    )
    printer.print_due()
    assert capsys.readouterr().out == ""
    printer.print(lines(4, b"d"))
    assert capsys.readouterr().out == "d\nafter 4\n"


def test_a_notice_of_a_line_that_was_printed_comes_at_once(capsys: Capture) -> None:
    printer = LogPrinter(markers=True)
    printer.print(lines(1, b"a", b"b"))
    printer.put("end", Place(1, after=True), "moved")
    printer.print_due()
    assert capsys.readouterr().out == "a\nb\nmoved\n"


def test_a_notice_is_replaced_while_it_waits(capsys: Capture) -> None:
    printer = LogPrinter(markers=True)
    printer.put("end", Place(1, after=True), "completed")
    printer.put("end", Place(2, after=True), "failed")
    printer.print(lines(1, b"a", b"b"))
    assert capsys.readouterr().out == "a\nb\nfailed\n"


def test_the_end_is_marked_once_and_only_if_something_follows(capsys: Capture) -> None:
    printer = LogPrinter(markers=True)
    printer.print(lines(1, b"a"))
    printer.mark_end(1)
    printer.print_due()
    assert capsys.readouterr().out == "a\n"
    printer.print(lines(2, b"late"))
    printer.mark_end(1)
    printer.print(lines(3, b"later"))
    assert capsys.readouterr().out == "the run has ended; this came after its end:\nlate\nlater\n"


def test_marker_lines_can_be_hidden(capsys: Capture) -> None:
    log = lines(1, b"STEP_START:a", b"about STEP_START:x", b"\x1b[1mMETA:k:v", b"STEP_START:")
    LogPrinter(markers=False).print(log)
    assert capsys.readouterr().out == "about STEP_START:x\nSTEP_START:\n"
    LogPrinter(markers=False, timestamps=True).print(log)
    assert len(capsys.readouterr().out.splitlines()) == 2
    LogPrinter(markers=True).print(log)
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_timestamps_are_local_with_their_offset(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("TZ", "IST-05:30")
    time.tzset()
    log_printer._local_time.cache_clear()
    request.addfinalizer(_restored(monkeypatch))
    LogPrinter(markers=True, timestamps=True).print(lines(1, b"a", b"b", b"c"))
    assert capsys.readouterr().out == (
        "2023-11-15T03:43:20.000+05:30 a\n"
        "2023-11-15T03:43:21.234+05:30 b\n"
        "2023-11-15T03:43:21.234+05:30 c\n"
    )


def _restored(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def restore() -> None:
        monkeypatch.undo()
        time.tzset()
        log_printer._local_time.cache_clear()

    return restore


HOSTILE = b"\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07\x1b[2Jx\x00 \xff"


def test_without_a_terminal_colours_go_with_all_else(capsys: Capture) -> None:
    LogPrinter(markers=True).print(lines(1, HOSTILE))
    assert capsys.readouterr().out == "red x \ufffd\n"


def test_a_terminal_gets_colours_that_end_with_their_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    colourful = Terminal(is_terminal=True, colours=True, unicode=True)
    monkeypatch.setattr(log_printer, "standard_output", lambda: colourful)
    LogPrinter(markers=True).print(lines(1, HOSTILE, b"\x1b[1mopen", b"\x1b[mplain"))
    assert capsys.readouterr().out == (
        "\x1b[31mred\x1b[0m x \ufffd\x1b[0m\n\x1b[1mopen\x1b[0m\n\x1b[1m\x1b[mplain\x1b[0m\n"
    )


def test_a_colour_lasts_for_the_lines_behind_it(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    colourful = Terminal(is_terminal=True, colours=True, unicode=True)
    monkeypatch.setattr(log_printer, "standard_output", lambda: colourful)
    printer = LogPrinter(markers=False)
    printer.print(lines(1, b"\x1b[31mred", b"META:a:b\x1b[1m", b"bold red"))
    printer.print(lines(4, b"still\x1b[0m not", b"plain"))
    assert capsys.readouterr().out == (
        "\x1b[31mred\x1b[0m\n\x1b[1;31mbold red\x1b[0m\n\x1b[1;31mstill\x1b[0m not\x1b[0m\nplain\n"
    )
