"""What a terminal leaves of a line, and that markers, masks and the viewer see the same line."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepflow_tui.core.markers import ArtifactMarker, StepError, StepStart, parse_line
from stepflow_tui.core.masking import Masker
from stepflow_tui.core.scanner import Found, MarkerScanner
from stepflow_tui.core.text import Style, clean, plain, show_line
from stepflow_tui.core.visible import current_state, raw_parts, style_after, visible_line

BAD = b"STEP_ERROR:bad"
RED = Style(foreground=1)

HIDDEN_LEADS = [
    b"\x1b[?25h",
    b"\x1b[?25l\x1b[?7l\x1b[>4;2m",
    b"50%\r",
    b"\r",
    b"\r\r",
    b" 10%\r 50%\r100%\r",
    b"\x1b[K",
    b"\x1b[2K",
    b"\x1b[2K\x1b[G",
    b"\x1b[2K\x1b[1G",
    b"\x1b[0G\x1b[0K",
    b"working\x1b[2K\x1b[G",
    b"working\x1b[1G\x1b[2K",
    b"working\r\x1b[K",
    b"working\x1b[1K\r",
    b"working\x1b[1000D\x1b[K",
    b"12345678901234\x1b[14D",
    b"\x07",
    b"\x00",
    b"|\b",
    b"|\b/\b-\b",
    b"ab\b\b",
    b"\x1b]0;title\x07",
    b"\x1b]0;title\x1b\\",
    b"\x1b]8;;http://x\x1b\\\x1b]8;;\x1b\\",
    b"\x1b]133;A\x07\x1b]633;C\x07",
    "\x9d0;title\x9c".encode(),
    b"\x9d0;title\x9c",
    b"\x9b0m",
    b"\x9b?25h",
    b"\x9b2K",
    b"\x9b1m\x1b[0m",
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf\x1b[32m",
    b"\x1b(B",
    b"\x1b)0\x1b*A\x1b%G",
    b"\x1b(B\x1b[m",
    b"\x0e\x0f",
    b"\x1bPq#0;2\x1b\\",
    b"\x1bP+q544e\x1b\\",
    b"\x1b=",
    b"\x1b>",
    b"\x1b[?1h\x1b=",
    b"\x1b7\x1b8",
    b"\x1b[s\x1b[u",
    b"\x1b7\x1b[24;0fProgress: [ 10%]\x1b8",
    b"\x1b[2A\x1b[2K",
    b"\x1b[J",
    b"\x1b[2J\x1b[H",
    b"\x1b[?2026h\x1b[?2004l",
    b"\x1b[!p",
    b"\x1b[ q",
    b"\x1b[4 q",
    b"\x1bc",
    b"\x1b#8",
    b"\x7f",
    b"\xe2\x80\x8b",
    "\u00ad".encode(),
    "\ufe0f".encode(),
    "\u2064\u180e".encode(),
    b"\xe2\x80\x8e",
    b"\x1b[2K#12 3.456 ",
    b"\r2024-05-06T12:33:44Z ",
    b"\x1b[?25h\x1b[31m  ",
]


@pytest.mark.parametrize("lead", HIDDEN_LEADS)
@pytest.mark.parametrize("end", [b"", b"\r", b"\x1b[0m\x1b[K\r", b"\x1b[0m\x1b[?25h"])
def test_a_marker_counts_where_the_visible_line_begins_with_it(lead: bytes, end: bytes) -> None:
    line = lead + BAD + end
    found = [Found(2, StepError("bad"))]
    assert parse_line(line) == StepError("bad")
    assert MarkerScanner().feed(b"x\n" + line + b"\ny\n") == found
    assert plain(line).strip().endswith("STEP_ERROR:bad") or b"\x1b[24" in lead


@pytest.mark.parametrize("lead", HIDDEN_LEADS)
def test_a_hidden_lead_may_be_cut_anywhere(lead: bytes) -> None:
    stream = b"x\n" + lead + BAD + b"\n"
    for place in range(len(stream)):
        scanner = MarkerScanner()
        found = scanner.feed(stream[:place]) + scanner.feed(stream[place:])
        assert found == [Found(2, StepError("bad"))]


def test_an_artifact_behind_a_hidden_lead_is_named_to_the_byte() -> None:
    marker = parse_line(b"50%\rARTIFACT:caf\xe9.log")
    assert isinstance(marker, ArtifactMarker)
    assert marker.path == "caf\udce9.log"


def test_what_is_written_over_in_a_marker_does_not_count() -> None:
    assert parse_line(b"STEP_START:Builf\bd") == StepStart("Build")
    assert parse_line(b"STEP_START:a\rSTEP_ERROR:b") == StepError("b")


@pytest.mark.parametrize("size", [100, 200_000])
def test_a_marker_counts_behind_a_progress_bar_of_any_length(size: int) -> None:
    line = b"\r 50% of all" * size + b"\r" + BAD
    whole = MarkerScanner().feed(line + b"\r\n")
    assert whole == [Found(1, StepError("bad"))]
    scanner = MarkerScanner()
    parts = [line[start : start + 4096] for start in range(0, len(line), 4096)]
    assert [found for part in [*parts, b"\r\n"] for found in scanner.feed(part)] == whole


@pytest.mark.parametrize(
    "line",
    [
        b"::add-mask::hunter2",
        b"::add-mask::hunter2\r",
        b"::add-mask::hunter2\x1b[K",
        b"::add-mask::hunter2\r100%",
        b"50%\r::add-mask::hunter2",
        b"50%\r::add-mask::hunter2\r100%",
        b"\x1b[?25h::add-mask::hunter2",
        b"\x1b[2K\x1b[G::add-mask::hunter2\x1b[0m",
        b"\r 50% of all" * 5000 + b"\r::add-mask::hunter2",
        b"::add-mask::other-one\r::add-mask::hunter2",
        b"\xef\xbb\xbf::add-mask::hunter2",
        b"x\x1b[2K\x1b[1G::add-mask::hunter2",
        b"x\x1b[E::add-mask::hunter2",
        "\u00ad::add-mask::hunter2".encode(),
        b"2024-05-06T12:33:44Z \x1b8::add-mask::hunter2",
        b"working hard for a long time\x1b[28D::add-mask::hunter2",
        b"x\x1bE::add-mask::hunter2",
        b"x\x1b[2F::add-mask::hunter2",
        b"x\x1b[3;1H::add-mask::hunter2",
        b"x\x1b[2J\x1b[H::add-mask::hunter2",
        b"x\x1b[5;10f\x1b[31m::add-mask::hunter2\x1b[0m",
        b"::add-mask::hunter2\x1b[5;10Hfoo",
        b"::add-mask::other-one\x1b[E::add-mask::hunter2",
        b"::add-mask::hunter3\b2",
        b"::add-mask::xx\x1b[2Dhunter2",
        b"50%\r::add-mask::hunter2foo\x1b[3D\x1b[K",
    ],
)
def test_a_mask_is_found_in_each_raw_part(line: bytes) -> None:
    for size in (7, 1 << 20):
        masker = Masker()
        stream = line + b"\nsay hunter2\n"
        parts = [stream[start : start + size] for start in range(0, len(stream), size)]
        text = (
            b"".join(masker.feed(part).text for part in parts) + masker.feed(b"", final=True).text
        )
        assert b"hunter2" not in text
        assert text.count(b"\n") == 2


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"tables:  0/16\b\b\b\b\b 1/16\b\b\b\b\b     \b\b\b\b\bdone", "tables: done"),
        (b"abc\b\b\bxy", "xyc"),
        (b"working |\b/\b-\b\\\b \b", "working"),
        (b"\x1b[2K\x1b[1G- loading\x1b[2K\x1b[1G\\ loading\x1b[2K\x1b[1Gdone", "done"),
        (b"\x1b[1G10%\x1b[1G20%\x1b[0K", "20%"),
        (b"10%\x1b[2K\x1b[G", "10%"),
        ("\x1b[?25l\x1b[2K\x1b[1G⠋ build\x1b[1G\x1b[2K✔ build\x1b[?25h".encode(), "✔ build"),
        (b"Starting sshd\r\x1b[20C[ OK ]", "Starting sshd       [ OK ]"),
        (b"Starting sshd\x1b[21G[ OK ]", "Starting sshd       [ OK ]"),
        (b"Starting sshd\x1b[21`[ OK ]", "Starting sshd       [ OK ]"),
        (b"abcdef\x1b[3D\x1b[K", "abc"),
        (b"abcdef\x1b[3D\x1b[1K", "    ef"),
        (b"abcdef\x1b[4D\x1b[2P", "abef"),
        (b"abef\x1b[2D\x1b[2@cd", "abcdef"),
        (b"abcdef\x1b[4D\x1b[2X", "ab  ef"),
        (b"one\x1b[5;10Htwo", "one  two"),
        (b"\x1b[5;10Hone\x1b[6;10Htwo", "one  two"),
        (b"\x1b[5;10Hone\x1b[5;20Htwo", "one       two"),
        (b"\x1b[5;1H10%\x1b[5;1H20%", "20%"),
        (b"\x1b7\x1b[24;0fProgress: [ 10%]\x1b8Unpacking foo", "Unpacking foo  Progress: [ 10%]"),
        (b"\x1b[2A\x1b[2K\ra: done\x1b[1B\x1b[2K\rb: done\x1b[1B", "a: done  b: done"),
        (b"\x1b[1A\x1b[1A\x1b[0G[+] Building 0.2s", "[+] Building 0.2s"),
        (b"10%\x1b[1A\x1b[2K\r20%\x1b[1B\x1b[2K\r", "20%"),
        (b"a\tb\rc\td", "c\td"),
        ("漢字\b\bx".encode(), "漢x"),
        ("漢字\bx".encode(), "漢 x"),
        ("e\u0301x\b\bo".encode(), "ox"),
        (b"caf\xe9 \xff", "caf\ufffd \ufffd"),
        (b"ok\x1b[999999999Gx", "ok" + " " * 998 + "x"),
    ],
)  # fmt: skip
def test_the_last_state_is_shown(line: bytes, shown: str) -> None:
    assert plain(line) == shown


def test_colours_of_what_is_left_are_kept() -> None:
    assert show_line(b"10%\b\b\b\x1b[32mok\x1b[0m!") == "\x1b[32mok\x1b[0m!"
    assert show_line(b"\x1b[31m10%\b\b\b20%") == "\x1b[31m20%"
    assert visible_line(b"more", RED) == "\x1b[31mmore"
    assert visible_line(b"1%\rmore\x1b[0m.", RED) == "\x1b[31mmore\x1b[0m."


@pytest.mark.parametrize(
    ("data", "style"),
    [
        (b"plain", Style()),
        (b"\x1b[31mred\nred", RED),
        (b"\x1b[31mred\x1b[0m\nplain", Style()),
        (b"\x1b[1mbold\x1b[m\x1b[31m", RED),
        (b"\x1b[0;31mred\n\x1b[K", RED),
    ],
)
def test_a_colour_lasts_until_it_is_reset(data: bytes, style: Style) -> None:
    assert style_after(data) == style


PIECES = st.sampled_from(
    [
        *(
            b"\r",
            b"\b",
            b"\t",
            b"a",
            b"bc",
            b" ",
            b"%",
            b"\x1b[",
            b"1",
            b";",
            b"999999999",
            b"\x1b",
        ),
        *(b"\x1b[2K", b"\x1b[K", b"\x1b[1K", b"\x1b[G", b"\x1b[5G", b"\x1b[3C", b"\x1b[2D"),
        *(b"\x1b[A", b"\x1b[2B", b"\x1b[5;10H", b"\x1b7", b"\x1b8", b"\x1b[s", b"\x1b[u", b"\x1bM"),
        *(b"\x1b[2P", b"\x1b[3@", b"\x1b[4X", b"\x1b[31m", b"\x1b[0m", b"\x9b", b"\x9d0;", b"\x9c"),
        *("漢".encode(), "e\u0301".encode(), "👩\u200d💻".encode(), b"\xff", b"\xef\xbb\xbf", BAD),
    ]
)
LINES = st.lists(PIECES | st.binary(max_size=3), max_size=40).map(
    lambda parts: b"".join(parts).replace(b"\n", b"")
)


@settings(max_examples=300)
@given(LINES)
def test_whatever_moves_the_cursor_what_is_shown_is_safe(line: bytes) -> None:
    shown = plain(line)
    assert shown == clean(shown)
    assert len(shown) <= len(line) + 1200 * 42
    assert b"".join(raw_parts(line)) == line
    assert line.endswith(current_state(line))


@given(LINES, st.lists(st.integers(0, 200), max_size=5).map(sorted))
def test_markers_do_not_depend_on_chunks(line: bytes, cuts: list[int]) -> None:
    stream = b"x\n" + line + b"\n"
    edges = [0, *(min(cut, len(stream)) for cut in cuts), len(stream)]
    scanner = MarkerScanner()
    found = [one for low, high in pairwise(edges) for one in scanner.feed(stream[low:high])]
    marker = parse_line(line)
    assert found == ([Found(2, marker)] if marker else [])


@given(st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" ")))
def test_printable_lines_are_unchanged(text: str) -> None:
    assert show_line(text.encode()) == text


@pytest.mark.parametrize(
    "unit",
    [
        *(b"\b", b"a\b", b"\r", b"\r \x1b[C", b"\x1b[2K", b"\x1b[1K", b" \x1b[1K", b"\x1b[A\x1b[B"),
        *(
            b"\x1b[999999999G",
            b"\x1b[999999999Cx",
            b"\x1b[999;999Hx",
            b"\x1b[99@",
            b"x\x1b[D\x1b[P",
        ),
        *(b"\x1b7\x1b8", "e\u0301".encode(), "漢\b".encode(), b"\t\b", b"\x9d0;", b"\x9b", b" "),
        *(b"\r\x1b[C ", b"\x1b[2K\x1b[G", b"a\x1b[1G", b"x\x1b[5;5H\r"),
    ],
)
@pytest.mark.parametrize("start", [b"", b" " * 20_000 + b"x\r", b"x\r" + b" " * 20_000], ids=len)
def test_moves_take_linear_time(unit: bytes, start: bytes) -> None:
    line = start + unit * (60_000 // len(unit)) + BAD
    began = time.thread_time()
    show_line(line)
    parse_line(line)
    assert time.thread_time() - began < 4
    show_line(line * 10)
    assert time.thread_time() - began < 12
