from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from stepflow_tui.core.text import Style as TextStyle
from stepflow_tui.store.chunks import LogLine
from stepflow_tui.tui.log.contrast import GOOD_RATIO, Ground, contrast
from stepflow_tui.tui.log.line import (
    Palette,
    Timestamps,
    cells,
    characters,
    cuts,
    line_strip,
    paint,
    rich_style,
    timestamp,
)
from stepflow_tui.tui.theme.themes import LOG_COLOURS

PALETTE = Palette(
    marker=Style(dim=True),
    step=Style(bold=True),
    match=Style(reverse=True),
    after_end=Style(italic=True),
    prefix=Style(),
    selection=Style(underline=True),
)


def drawn(
    text: bytes, pattern: str = "", *, after_end: bool = False, truncated: bool = False
) -> list[tuple[str, Style]]:
    line = LogLine(1, text, 0, size=100_005, truncated=truncated)
    compiled = re.compile(pattern) if pattern else None
    strip = line_strip(line, PALETTE, compiled, after_end=after_end)
    return [(part.text, part.style or Style()) for part in strip if part.text]


def text_of(text: bytes) -> str:
    return "".join(part for part, _ in drawn(text))


def test_colours_of_the_script_stay() -> None:
    red = Style(color=Color.from_ansi(1), bold=True)
    assert drawn(b"a \x1b[1;31mred\x1b[0m b") == [("a ", Style()), ("red", red), (" b", Style())]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"a\tb", "a       b"),
        (b"12345678\tb", "12345678        b"),
        (b"a\t\x1b[31mb\tc", "a       b       c"),
        ("日\tb".encode(), "日      b"),
        (b"[bold]x[/bold]", "[bold]x[/bold]"),
        (b"\x1b]52;c;aGk=\x07plain", "plain"),
        (b"bad \xff byte", "bad � byte"),
        (b"10%\r20%\r100%", "100%"),
    ],
)
def test_a_line_is_shown_as_it_can_be(line: bytes, shown: str) -> None:
    assert text_of(line) == shown


def test_markers_are_told_from_other_lines() -> None:
    assert drawn(b"STEP_START:Build") == [("STEP_START:Build", PALETTE.step)]
    assert drawn(b"META:PROGRESS:42%") == [("META:PROGRESS:42%", PALETTE.marker)]
    assert drawn(b"say STEP_START:x") == [("say STEP_START:x", Style())]


def test_lines_after_the_end_look_different() -> None:
    assert drawn(b"late", after_end=True) == [("late", PALETTE.after_end)]


def test_a_cut_line_says_so() -> None:
    assert drawn(b"begin", truncated=True)[-1][0] == " … 100.0 kB more"


def test_matches_are_highlighted_whatever_their_colour() -> None:
    red = Style(color=Color.from_ansi(1))
    assert drawn(b"an err\x1b[31mor, error", "error") == [
        ("an ", Style()),
        ("err", PALETTE.match),
        ("or", red + PALETTE.match),
        (", ", red),
        ("error", red + PALETTE.match),
    ]


def test_wide_characters_are_painted_by_character() -> None:
    line = LogLine(1, "日本語 log".encode(), 0, size=13)
    strip = line_strip(line, PALETTE, None, after_end=False)
    painted = paint(strip, [(1, 2), (2, 4)], PALETTE.match)
    parts = [(part.text, part.style == PALETTE.match) for part in painted if part.text]
    assert parts == [("日", False), ("本", True), ("語 ", True), ("log", False)]


LETTERS = "ab 日本🚀é\ufe0f\u200d❤"


@given(st.text(alphabet=LETTERS, max_size=60), st.integers(2, 20))
def test_rows_are_the_line_and_fit(text: str, width: int) -> None:
    # Of joiners with nothing before them to join, Rich's two measures of width disagree.
    assume("\u200d\u200d" not in text and not text.startswith("\u200d"))
    starts = cuts(text, width)
    pieces = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    assert "".join(pieces) == text
    assert all(cell_len(piece) <= width for piece in pieces)


@given(st.text(alphabet=LETTERS, max_size=60), st.integers(0, 40), st.integers(1, 40))
def test_a_part_of_a_line_has_its_cells(text: str, start: int, width: int) -> None:
    assume("\u200d\u200d" not in text and not text.startswith("\u200d"))
    strip = line_strip(LogLine(1, text.encode(), 0, size=0), PALETTE, None, after_end=False)
    part, first = cells(strip, start, width)
    wanted = max(0, min(width, cell_len(text) - start))
    assert part.cell_length in (wanted, wanted - 1)
    assert part.cell_length == cell_len(part.text)
    assert part.text.strip() in text
    if part.text:
        assert cell_len(text[:first]) in (start, start - 1, start + 1)


FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        (0, f"{FAMILY}a"),
        (1, f" a{FAMILY}"),
        (2, f"a{FAMILY}a"),
        (3, f"{FAMILY}a"),
        (4, f" a{FAMILY}"),
    ],
)
def test_a_cluster_is_never_cut(start: int, shown: str) -> None:
    part, _ = cells(Strip([Segment(f"{FAMILY}a" * 10)]), start, 4)
    assert part.text == shown


def test_a_part_of_a_line_keeps_its_colours() -> None:
    red = Style(color=Color.from_ansi(1))
    line = LogLine(1, b"ab\x1b[31mcdef\x1b[0mgh", 0, size=17)
    strip = line_strip(line, PALETTE, None, after_end=False)
    parts = [(part.text, part.style) for part in characters(strip, 1, 5)]
    assert parts == [("b", Style()), ("cde", red)]
    assert characters(strip, 3, None).text == "defgh"


def test_a_character_wider_than_the_row_gets_a_row_of_its_own() -> None:
    assert cuts("日本", 1) == [0, 1]


@pytest.mark.parametrize("cluster", ["❤️x", "👨‍👩‍👧‍👦", "e\u0301\u0302\u0303"])
def test_rows_hold_clusters_whole_and_full(cluster: str) -> None:
    text = cluster * 60
    starts = cuts(text, 12)
    rows = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    assert "".join(rows) == text
    assert [cell_len(row) for row in rows[:-1]] == [12] * (len(rows) - 1)
    part, _ = cells(Strip([Segment(text)]), 0, 12)
    assert part.cell_length == 12


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (Timestamps.OFF, ""),
        (Timestamps.ELAPSED, "1:02:03.4  "),
        (Timestamps.CLOCK, None),
    ],
)
def test_timestamps_have_the_width_of_their_kind(mode: Timestamps, text: str | None) -> None:
    started = 1_790_000_000_000
    line = LogLine(1, b"", started + 3_723_456, size=0)
    shown = timestamp(line, mode, started)
    assert len(shown) == mode.value
    if text is None:
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.456  ", shown)
    else:
        assert shown.lstrip() == text


def test_timestamps_take_turns() -> None:
    assert Timestamps.OFF.next.next.next is Timestamps.OFF


@pytest.mark.parametrize(
    ("style", "foreground", "background"),
    [
        (TextStyle(foreground=0), 8, None),
        (TextStyle(foreground=0, background=7), 0, 7),
        (TextStyle(foreground=3, background=3), None, None),
        (TextStyle(foreground=2), 2, None),
    ],
)
def test_no_colour_hides_its_text(
    style: TextStyle, foreground: int | None, background: int | None
) -> None:
    shown = rich_style(style)
    assert (shown.color and shown.color.number) == foreground
    assert (shown.bgcolor and shown.bgcolor.number) == background


GROUND = Ground(ColorTriplet(201, 207, 216), ColorTriplet(18, 21, 27), LOG_COLOURS)


@pytest.mark.parametrize(
    "style",
    [
        TextStyle(foreground=0),
        TextStyle(foreground=3, background=3),
        TextStyle(background=3),
        TextStyle(foreground=7, background=15),
        TextStyle(foreground="#101010"),
        TextStyle(foreground="#777777", background="#888888"),
        TextStyle(foreground=16, background=17),
        TextStyle(foreground=0, reverse=True),
    ],
)
def test_unreadable_colours_are_repaired(style: TextStyle) -> None:
    shown = rich_style(style, GROUND)
    text = shown.color.get_truecolor(LOG_COLOURS) if shown.color else GROUND.foreground
    below = shown.bgcolor.get_truecolor(LOG_COLOURS) if shown.bgcolor else GROUND.background
    assert contrast(text, below) >= GOOD_RATIO


@pytest.mark.parametrize(
    "style",
    [
        TextStyle(foreground=1),
        TextStyle(foreground=2, bold=True),
        TextStyle(foreground=15, background=0),
        TextStyle(foreground="#ff8800"),
        TextStyle(foreground=2, reverse=True),
    ],
)
def test_readable_colours_stay(style: TextStyle) -> None:
    assert rich_style(style, GROUND) == rich_style(style)


def test_a_repaired_colour_keeps_its_ground_and_its_hue() -> None:
    shown = rich_style(TextStyle(foreground="#000080"), GROUND)
    assert shown.color is not None
    red, green, blue = shown.color.get_truecolor()
    assert blue > red
    assert blue > green
    on_yellow = rich_style(TextStyle(background=3), GROUND)
    assert on_yellow.bgcolor == Color.from_ansi(3)
    folded = rich_style(TextStyle(foreground=3, background=3), GROUND)
    assert folded.bgcolor == Color.from_ansi(3)


def test_an_error_of_a_step_looks_like_one() -> None:
    palette = replace(PALETTE, error=Style(color="red"))
    strip = line_strip(LogLine(1, b"STEP_ERROR:no", 0, size=13), palette, None, after_end=False)
    assert [part.style for part in strip] == [Style(color="red")]


CLUSTERS = st.sampled_from(["a", "b", "漢", "🎉", "e\u0301", "\u0301"])


@given(text=st.lists(CLUSTERS, max_size=12).map("".join), start=st.integers(0, 20))
def test_what_is_cut_knows_where_it_begins(text: str, start: int) -> None:
    part, first = cells(Strip([Segment(text)]), start, 6)
    shown = part.text.strip(" ")
    blanks = len(part.text) - len(part.text.lstrip(" "))
    assert text[first + blanks :].startswith(shown)


def test_half_a_wide_character_counts_as_it() -> None:
    assert cells(Strip([Segment("a漢a漢a漢")]), 2, 6)[1] == 1
    part, first = cells(Strip([Segment("e\u0301漢b漢b")]), 2, 6)
    assert (part.text, first) == (" b漢b", 2)
