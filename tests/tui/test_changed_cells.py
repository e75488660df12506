"""What is sent to the terminal, seen through a terminal emulator."""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual._compositor import ChopsUpdate

from stepflow_tui.core.models import Status
from stepflow_tui.tui.terminal import changed_cells, sgr
from stepflow_tui.tui.terminal.alphabet import HALF, UNKNOWN, Alphabet, is_sure
from stepflow_tui.tui.terminal.cells import TerminalCells
from stepflow_tui.tui.terminal.changed_cells import is_textual_known
from stepflow_tui.tui.terminal.row import Row
from stepflow_tui.tui.terminal.scrolling import Scroll, find_scroll
from tests.tui.bandwidth import SYNCHRONIZED, open_dashboard
from tests.tui.record import Recorder, numbered, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    from stepflow_tui.core.home import Home
    from tests.tui.terminal import Terminal

WIDTH, HEIGHT = 24, 8
ALPHABET = Alphabet()
ALONE = (HALF, UNKNOWN, " ")
PATIENCE_S = 10.0
BLUE, ON_GREY = "38;2;10;20;200", "48;2;40;40;40"
LOOKS = ("", "1", BLUE, f"{BLUE};{ON_GREY}", f"1;{BLUE};{ON_GREY}", "3;7;31", "90;104", ON_GREY)
SYNC_START, SYNC_END = b"\x1b[?2026h", b"\x1b[?2026l"


# A terminal, and what stands on it


def emulator(width: int = WIDTH, height: int = HEIGHT) -> pyte.Screen:
    screen = pyte.Screen(width, height)
    feed(screen, "\x1b[?7l")  # as Textual has it: no line goes on in the next row
    return screen


def feed(screen: pyte.Screen, sequences: str) -> None:
    pyte.Stream(screen).feed(sequences)


def cells(screen: pyte.Screen) -> list[list[pyte.screens.Char]]:
    return [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]


def plainly(rows: Sequence[Row], width: int = WIDTH) -> list[list[pyte.screens.Char]]:
    """What stands on a terminal to which each cell was sent with its place and its look."""
    screen = emulator(width, len(rows))
    for y, row in enumerate(rows):
        for x, (cell, code) in enumerate(zip(row.chars, row.looks, strict=True)):
            if char := ALPHABET.text(cell):
                look = ALPHABET.sequence(code)
                feed(screen, f"\x1b[{y + 1};{x + 1}H\x1b[0;{look or 0}m{char}")
    return cells(screen)


def row(*parts: tuple[str, str], width: int = WIDTH) -> Row:
    made = Row(" " * width, ALPHABET.look("") * width)
    x = 0
    for text, look in parts:
        chars = ALPHABET.cells(text)
        made.put(x, chars, ALPHABET.look(look) * len(chars))
        x += len(chars)
    return made


def texts(*lines: str, width: int = WIDTH) -> list[Row]:
    return [row((line, ""), width=width) for line in lines]


def send(screen: pyte.Screen, known: TerminalCells, rows: Sequence[Row]) -> str:
    sequences = known.update(dict(enumerate(rows))).send()
    feed(screen, sequences)
    return sequences


CHARACTERS = st.sampled_from([*"abc  .", "é", "─", "●", "世", "界", "🎉", "e\u0301"])
TEXT = st.lists(CHARACTERS, max_size=WIDTH).map("".join)
PARTS = st.tuples(TEXT, st.sampled_from(LOOKS))
ROW = st.lists(PARTS, max_size=4).map(lambda parts: row(*parts))
ROWS = st.lists(ROW, min_size=HEIGHT, max_size=HEIGHT)
SOME_ROWS: SearchStrategy[dict[int, Row]] = st.dictionaries(st.integers(0, HEIGHT - 1), ROW)


@given(first=ROWS, updates=st.lists(SOME_ROWS, max_size=6), is_thrifty=st.booleans())
def test_the_terminal_shows_what_it_would_show_if_all_was_sent(
    first: list[Row], updates: list[dict[int, Row]], is_thrifty: bool
) -> None:
    screen, known = emulator(), TerminalCells(WIDTH, HEIGHT, ALPHABET, is_thrifty=is_thrifty)
    shown = list(first)
    send(screen, known, shown)
    assert cells(screen) == plainly(shown)
    for update in updates:
        for y, changed in update.items():
            shown[y] = changed
        feed(screen, known.update(update).send())
        assert cells(screen) == plainly(shown)


@given(first=ROWS, moves=st.lists(st.tuples(st.integers(-5, 5), ROW), max_size=5))
def test_rows_that_move_end_up_where_they_belong(
    first: list[Row], moves: list[tuple[int, Row]]
) -> None:
    screen, known = emulator(), TerminalCells(WIDTH, HEIGHT, ALPHABET, is_thrifty=True)
    shown = list(first)
    send(screen, known, shown)
    for by, new in moves:
        shown = [shown[y + by] if 0 <= y + by < HEIGHT else new for y in range(HEIGHT)]
        send(screen, known, shown)
        assert cells(screen) == plainly(shown)


@given(first=ROWS, by=st.integers(-HEIGHT + 1, HEIGHT - 1).filter(bool))
def test_any_scroll_is_right_whether_rows_moved_or_not(first: list[Row], by: int) -> None:
    screen = emulator()
    send(screen, TerminalCells(WIDTH, HEIGHT, ALPHABET, is_thrifty=False), first)
    scroll = Scroll(1, HEIGHT, by)
    feed(screen, scroll.sequences)
    moved = scroll.apply(first)
    assert [moved[0], len(moved)] == [first[0], HEIGHT]
    for y, known in enumerate(moved):
        if UNKNOWN not in known.chars:
            assert cells(screen)[y] == plainly(moved)[y]


@given(first=ROWS, second=ROWS)
def test_nothing_is_sent_of_what_stands_there_already(first: list[Row], second: list[Row]) -> None:
    known = TerminalCells(WIDTH, HEIGHT, ALPHABET, is_thrifty=False)
    known.update(dict(enumerate(first))).send()
    unsent = known.update(dict(enumerate(second)))
    assert known.update(dict(enumerate(first))).sequences == ""  # as `unsent` was not sent
    unsent.send()
    assert known.update(dict(enumerate(second))).sequences == ""


@given(first=ROWS, second=ROWS, rubbish=ROWS)
def test_after_somebody_else_has_written_all_is_sent(
    first: list[Row], second: list[Row], rubbish: list[Row]
) -> None:
    screen, known = emulator(), TerminalCells(WIDTH, HEIGHT, ALPHABET, is_thrifty=True)
    send(screen, known, first)
    send(screen, TerminalCells(WIDTH, HEIGHT, ALPHABET, is_thrifty=False), rubbish)
    feed(screen, "\x1b[1;31m")
    known.forget()
    send(screen, known, second)
    assert cells(screen) == plainly(second)


# How little is sent


def test_a_changed_cell_takes_its_place_its_look_and_itself() -> None:
    known = TerminalCells(WIDTH, 2, ALPHABET, is_thrifty=False)
    known.update({0: row(("took 1s", BLUE)), 1: row()}).send()
    update = known.update({0: row(("took 2s", BLUE))})
    assert update.sequences == f"\x1b[{BLUE}m\x1b[1;6H2\x1b[m"


def test_a_short_gap_is_written_again_and_a_long_one_jumped_over() -> None:
    known = TerminalCells(WIDTH, 1, ALPHABET, is_thrifty=True)
    known.update({0: row(("a12b12345678c", ""))}).send()
    assert known.update({0: row(("X12Y12345678Z", ""))}).sequences == "\x1b[1HX12Y\x1b[8CZ"


def test_on_a_near_terminal_what_lies_between_is_written_again_unless_it_is_unknown() -> None:
    known = TerminalCells(WIDTH, 1, ALPHABET, is_thrifty=False)
    before = known.row(0)
    before.put(0, "a12", "\0\0\0")
    known.update({0: before}).send()
    after = known.row(0)
    after.put(0, "X12", "\0\0\0")
    after.put(10, "Z", "\0")
    assert known.update({0: after}).send() == "\x1b[1HX\x1b[9CZ"
    known.update({0: row(("a12b12345678c", ""))}).send()
    assert known.update({0: row(("X12Y12345678Z", ""))}).sequences == "\x1b[1HX12Y12345678Z"


@given(before=ROW, after=ROW)
def test_the_span_of_a_row_goes_from_its_first_to_its_last_change(before: Row, after: Row) -> None:
    changes = list(after.changes(before))
    assert after.span(before) == ((changes[0][0], changes[-1][1]) if changes else None)


def test_after_a_character_of_doubtful_width_the_place_is_named_anew() -> None:
    known = TerminalCells(WIDTH, 1, ALPHABET, is_thrifty=False)
    known.update({0: row()}).send()
    assert known.update({0: row(("🎉a世b", ""))}).sequences == ("\x1b[1H  \x1b[1H🎉\x1b[1;3Ha世b")


def test_rows_that_move_are_moved_by_the_terminal() -> None:
    lines = [f"{number} " * 20 for number in range(40)]
    screen, known = emulator(80, 30), TerminalCells(80, 30, ALPHABET, is_thrifty=True)
    send(screen, known, texts(*lines[:30], width=80))
    assert send(screen, known, texts(*lines[2:32], width=80)).startswith("\x1b[1;30r\x1b[1H\x1b[2M")
    assert screen.display[-1].rstrip() == lines[31].rstrip()
    sent = send(screen, known, texts(*lines[:30], width=80))
    assert sent.startswith("\x1b[1;30r\x1b[1H\x1b[2L\x1b[r\x1b[1H" + lines[0].rstrip())
    assert len(sent) < 250


def test_rows_move_beside_a_list_only_where_that_is_less() -> None:
    def beside(entries: Sequence[str], first: int) -> list[Row]:
        lines = (f"{entry:<40}{f'{n} ' * 9}" for n, entry in enumerate(entries, first))
        return texts(*lines, width=80)

    for entries, moves in ((["│"] * 30, True), ([chr(n) * 30 for n in range(65, 95)], False)):
        screen, known = emulator(80, 30), TerminalCells(80, 30, ALPHABET, is_thrifty=True)
        send(screen, known, beside(entries, 100))
        assert (b"\x1b[1;30r" in send(screen, known, beside(entries, 103)).encode()) is moves
        assert cells(screen) == plainly(beside(entries, 103), 80)


def test_few_rows_or_rows_that_did_not_move_are_no_scroll() -> None:
    rows = texts("one", "two", "three", "four", "five", "six")
    assert find_scroll(rows, dict(enumerate(rows[1:4]))) is None
    others = dict(enumerate(texts("a", "b", "c", "d", "e", "f")))
    assert find_scroll(rows, others) is None
    assert find_scroll(rows, dict(enumerate(rows[1:]))) == Scroll(0, 6, 1)


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ("", "", ""),
        ("1", "", "\x1b[m"),
        ("", f"1;{BLUE}", f"\x1b[1;{BLUE}m"),
        (BLUE, f"{BLUE};{ON_GREY}", f"\x1b[{ON_GREY}m"),
        (f"{BLUE};{ON_GREY}", BLUE, "\x1b[49m"),
        (f"{BLUE};{ON_GREY}", ON_GREY, "\x1b[39m"),
        (f"1;{BLUE}", BLUE, f"\x1b[0;{BLUE}m"),
        (f"{BLUE};{ON_GREY}", f"1;31;{ON_GREY}", "\x1b[1;31m"),
        (f"{BLUE};{ON_GREY}", "1", "\x1b[0;1m"),
        ("38;5;200", "38;5;201", "\x1b[38;5;201m"),
        ("90;104", "97;104", "\x1b[97m"),
        ("4", "9;4", "\x1b[9m"),
    ],
)
def test_a_look_changes_by_what_differs(before: str, after: str, sent: str) -> None:
    assert sgr.change(before, after) == sent


def test_widths_that_are_sure_are_those_that_everybody_tells() -> None:
    for code in range(0x20, 0x10000):
        char = chr(code)
        if is_sure(char):
            assert cell_len(char) == pyte.screens.wcwidth(char) in (1, 2)


# Between Textual and its driver


def test_textual_is_as_we_know_it() -> None:
    assert is_textual_known()


def test_another_textual_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [(ChopsUpdate.__init__, ("self", "chops", "spans"))]
    monkeypatch.setattr(changed_cells, "_KNOWN_SHAPES", shapes)
    assert not is_textual_known()


AS_TEXTUAL = (
    "from stepflow_tui.tui.terminal.changed_cells import ThriftyApp as A; A._is_thrifty = False; "
    "from stepflow_tui.tui.terminal import parts; parts._KNOWN_SHAPES = ((A, ('other',)),); "
)


@pytest.fixture
def finished(home: Home, recorder: Recorder) -> Home:
    """Nothing in it changes by itself."""
    for name in ("lint", "世界 build 🎉", "deploy"):
        number = recorder.execution(name, step_count=1)
        recorder.steps(number, step(1, "Build", 1))
        wide = "".join(f"\x1b[3{n % 8}mline {n}\x1b[0m ─ 日本語 {'x' * n}\n" for n in range(80))
        recorder.log(number, numbered(300) + wide.encode())
        recorder.finish(number, Status.COMPLETED)
    return home


def attributes(terminal: Terminal) -> list[list[pyte.screens.Char]]:
    return cells(terminal._screen)


def settled(terminal: Terminal) -> list[list[pyte.screens.Char]]:
    """What stands there once nothing more comes."""
    while terminal._read(0.3):
        pass
    return attributes(terminal)


def differences(ours: Terminal, theirs: Terminal) -> list[tuple[int, int, object, object]]:
    """Where two terminals show different cells, and which."""
    return [
        (y, x, our, their)
        for y, rows in enumerate(zip(attributes(ours), attributes(theirs), strict=True))
        for x, (our, their) in enumerate(zip(*rows, strict=True))
        if our != their
    ]


def same(ours: Terminal, theirs: Terminal) -> None:
    """Wait until both show the same, to the last colour."""
    deadline = time.monotonic() + PATIENCE_S
    while differences(ours, theirs) and time.monotonic() < deadline:
        theirs._read(0.05)
        ours._read(0.05)
    assert differences(ours, theirs) == []


def test_the_dashboard_looks_as_it_does_without_us(finished: Home) -> None:
    with (
        open_dashboard(finished, {}) as ours,
        open_dashboard(finished, {}, before=AS_TEXTUAL) as theirs,
    ):
        for terminal in (ours, theirs):
            terminal.wait_for("line 79", "deploy", "Build")
        for keys in (
            "j",
            "j",
            "\t\t",
            "kkkkkkkkkkkkkkkkkkkkkkkk",
            "w",
            "bbbb",
            "g",
            "?",
            "\x1b",
            "G",
        ):
            for terminal in (ours, theirs):
                terminal.send(keys)
                settled(terminal)
            same(ours, theirs)
        for size in ((80, 24), (150, 30), (120, 40)):
            for terminal in (ours, theirs):
                terminal.resize(*size)
                settled(terminal)
            same(ours, theirs)
        assert len(ours.received) < len(theirs.received) / 3


@pytest.mark.parametrize("how", ["suspended", "redrawn"])
def test_what_others_have_written_is_written_over(finished: Home, how: str) -> None:
    with open_dashboard(finished, {}) as terminal:
        terminal.wait_for("line 79", "deploy")
        before = settled(terminal)
        if how == "suspended":
            os.kill(terminal.pid, signal.SIGTSTP)
            os.waitpid(terminal.pid, os.WUNTRACED)
        terminal.read_rest()
        send(
            terminal._screen,
            TerminalCells(120, 40, ALPHABET, is_thrifty=False),
            texts(*["#"] * 40, width=120),
        )
        if how == "suspended":
            os.kill(terminal.pid, signal.SIGCONT)
        else:
            os.kill(terminal.pid, signal.SIGWINCH)
        terminal.wait_for("line 79", "deploy", "Build")
        assert settled(terminal) == before


def test_large_updates_are_shown_at_once_where_the_terminal_can(finished: Home) -> None:
    with open_dashboard(finished, {}) as terminal:
        terminal.wait_for("line 79", "deploy")
        terminal.send(SYNCHRONIZED)
        settled(terminal)
        for key in "?\x1b?\x1b":
            terminal.received.clear()
            terminal.send(key)
            terminal.wait(lambda _: SYNC_END in terminal.received)
            settled(terminal)
            assert terminal.received.count(SYNC_START) == terminal.received.count(SYNC_END)


# Wide characters of which a half is written over


@given(before=ROW, put=ROW, x=st.integers(0, WIDTH - 1), width=st.integers(1, WIDTH))
def test_no_half_of_a_wide_character_is_left_alone(
    before: Row, put: Row, x: int, width: int
) -> None:
    after = before.copy()
    after.put(x, changed_cells._cut(put.chars, 0, width), put.looks[:width])
    for left, right in pairwise(f" {after.chars} "):
        assert (right == HALF) == (left not in ALONE and cell_len(ALPHABET.text(left)) == 2)


def test_a_blank_stands_where_the_other_half_was() -> None:
    after = row(("a世b界c", "")).copy()
    after.put(2, "X", "\0")
    after.put(4, "Y", "\0")
    assert after.chars.rstrip() == "a XbY c"
    assert [changed_cells._cut(f"a世{HALF}b", *cut) for cut in ((0, 2), (2, 4))] == [
        "a ",
        " b",
    ]
