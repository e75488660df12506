from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from stepflow_tui.core.text import (
    LineCleaner,
    Style,
    clean,
    clean_keeping_colours,
    clean_line,
    current_state,
    plain,
    show_line,
    spans,
    with_reset,
)
from stepflow_tui.core.visible import has_moves

RED, RESET = "\x1b[31m", "\x1b[0m"
FORBIDDEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
SGR = re.compile(r"\x1b\[[0-9;:]*m")
FRAGMENTS = st.sampled_from(
    [
        *("\x1b", "[", "]", "P", "_", "^", "X", "\\", "(", "#", "m", "31", ";", ":", "0", "K", " "),
        *("\x1b[", "\x1b]52;c;", "\x1b[31m", "\x1b]8;;", "\x1b\\", "\x07", "\x18", "\x1a", "\x00"),
        *("\x9b", "\x9c", "\x9d", "\x90", "\x9f", "\x85", "\x7f", "\t", "\n", "\r", "\x0b", "a"),
        *("\u202e", "\u2066", "\u200f", "\u2028", "\ud800", "é", "漢", "👩\u200d💻", "\ufffd"),
    ]
)
HOSTILE = st.lists(FRAGMENTS | st.text(max_size=3), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a\tb", "a\tb"),
        ("漢字 é 👩\u200d💻", "漢字 é 👩\u200d💻"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("a\x00\x07\x08b\x7f", "ab"),
        ("a\nb\rc\x0bd\x0ce", "abcde"),
        ("a\x80\x85\x99b", "ab"),
        ("a\u202eb\u202c\u2066\u2069\u200e\u200f\u061cc", "abc"),
        ("a\u2028b\u2029c", "abc"),
        ("a\ud800b\udfff", "ab"),
        (f"{RED}red{RESET}", "red"),
        ("\x1b[mreset", "reset"),
        ("\x1b[2J\x1b[1;1Hhome", "home"),
        ("\x1b[?25l\x1b[?1049hx", "x"),
        ("\x1b[6n\x1b[>c\x1b[!px", "x"),
        ("\x1b[4 qx", "x"),
        ("\x9b31mred\x9b2K", "red"),
        ("\x1b[31", ""),
        ("\x1b[31\x07mx", "mx"),
        ("\x1b[31\x1b[1mx", "x"),
        ("\x1b", ""),
        ("a\x1b\x1b\x1bb", "a"),
        ("\x1bcx", "x"),
        ("\x1b(Bx", "x"),
        ("\x1b#8x", "x"),
        ("\x1b7x\x1b8y", "xy"),
        ("\x1b=x\x1b>y", "xy"),
        ("\x1béx", "éx"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]0;title\x1b\\x", "x"),
        ("\x1b]0;title\x9cx", "x"),
        ("\x9d0;title\x07x", "x"),
        ("a\x1b]52;c;aGVsbG8=", "a"),
        ("a\x9d52;c;aGVsbG8=", "a"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;open\nnext", "next"),
        ("\x1b]0;open\x1b[31mnext", "next"),
        ("\x1bPq#0;2\x1b\\x", "x"),
        ("\x90q#0;2\x9cx", "x"),
        ("a\x1bPq", "a"),
        ("\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\x", "x"),
        ("\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\x", "x"),
        ("\x1b_open", ""),
        ("\x1b^open", ""),
        ("\x1bXopen", ""),
        ("\x98sos\x9c\x9epm\x9c\x9fapc\x9cx", "x"),
        ("\x1b]0;cancelled\x18x", "x"),
        ("\x1b]0;cancelled\x1ax", "x"),
    ],
)
def test_clean_leaves_printable_text(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"{RED}red{RESET}", f"{RED}red{RESET}"),
        ("\x1b[m\x1b[;m\x1b[4:3m\x1b[38;2;1;2;3mx", "\x1b[m\x1b[;m\x1b[4:3m\x1b[38;2;1;2;3mx"),
        (f"{RED}\x1b[2Jx\x1b]0;t\x07", f"{RED}x"),
        ("\x1b[?31mx", "x"),
        ("\x1b[>4;2mx", "x"),
        ("\x1b[31 mx", "x"),
        ("\x9b31mx", "x"),
        ("\x1b\x1b[31mx", "\x1b[31mx"),
        ("\x1b\x07[31mx", "[31mx"),
        ("\x1b[\x1b[31mx", "\x1b[31mx"),
        ("\x1b[" + "1" * 61 + "mx", "\x1b[" + "1" * 61 + "mx"),
        ("\x1b[" + "1" * 62 + "mx", "x"),
    ],
)
def test_only_colours_can_be_kept(text: str, cleaned: str) -> None:
    assert clean_keeping_colours(text) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\nb", "a b"),
        ("a\r\nb\n", "a b"),
        ("a\tb", "a b"),
        ("a\x0bb\x85c\u2028d", "a b c d"),
        ("\x1b]0;open\nnext", " next"),
        (f"{RED}a{RESET}", "a"),
        ("a\x00b", "ab"),
    ],
)
def test_a_label_has_one_line(text: str, cleaned: str) -> None:
    assert clean_line(text) == cleaned


@given(HOSTILE)
def test_nothing_forbidden_passes(text: str) -> None:
    assert not FORBIDDEN.search(clean(text))
    assert not FORBIDDEN.search(SGR.sub("", clean_keeping_colours(text)))
    assert not FORBIDDEN.search(clean_line(text))
    assert "\t" not in clean_line(text)
    assert not FORBIDDEN.search("".join(run for run, _ in spans(text)))


@given(HOSTILE)
@example("\x1b\x1b[31m[31m")
def test_cleaning_twice_changes_nothing(text: str) -> None:
    coloured = clean_keeping_colours(text)
    assert clean_keeping_colours(coloured) == coloured
    assert clean(coloured) == clean(text)
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" \t")))
def test_printable_text_is_left_alone(text: str) -> None:
    assert clean(text) == clean_keeping_colours(text) == text


@given(st.binary(max_size=60) | HOSTILE.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_shown_line_is_safe(line: bytes) -> None:
    assert not FORBIDDEN.search(plain(line))
    assert plain(line) == clean(show_line(line))


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "unit",
    [
        "\x1b",
        "\x1b[",
        "\x1b]",
        "\x9b1",
        "\x9d",
        "\x1bP\x1b",
        "\x1b[1;",
        "\x1b(",
        " ",
        "\r",
        "\r ",
        "a\0",
        "1",
    ],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (300_000 // len(unit)) + "\x7f"
    clean_line(text)
    spans(f"a{text}")
    assert len(show_line(text.encode())) <= len(text)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"", ""),
        (b"plain", "plain"),
        (b"  indented\t", "  indented\t"),
        (b"dos\r", "dos"),
        (b"dos\r\r", "dos"),
        (b" 10%\r 50%\r100%", "100%"),
        (b" 10%\r 50%\r100%\r", "100%"),
        (b"100%\r\x1b[K", "100%"),
        (b"100%\r      \r", "100%"),
        (b"\x1b[32m100%\r\x1b[0m", "\x1b[32m100%"),
        (b"\r\r", ""),
        (b"  \r", "  "),
        (b"\rfirst", "first"),
        (b"\x1b[31mred\x1b[0m\x1b[K", f"{RED}red{RESET}"),
        ("é漢".encode(), "é漢"),
        (b"caf\xe9 \xff", "caf\ufffd \ufffd"),
        (b"a\x00b", "ab"),
        (b"a\xc2\x9b31mb", "ab"),
        (b"a\xe2\x80\xaeb", "ab"),
    ],
)
def test_a_line_is_shown_as_the_terminal_left_it(line: bytes, shown: str) -> None:
    assert show_line(line) == shown


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (b"", b""),
        (b"plain", b"plain"),
        (b"dos\r", b"dos\r"),
        (b"10%\r20%\r30%", b"30%"),
        (b"10%\r20%\r30%\r", b"30%\r"),
        (b"10%\r20%\r   \r\x1b[K\r", b"20%\r   \r\x1b[K\r"),
        (b"\r\r", b"\r\r"),
    ],
)
def test_states_that_were_written_over_do_not_count(line: bytes, state: bytes) -> None:
    assert current_state(line) == state
    assert show_line(state) == show_line(line)


def fed(*parts: bytes) -> str:
    cleaner = LineCleaner()
    head = [cleaner.feed(part, final=False) for part in parts[:-1]]
    return "".join([*head, cleaner.feed(parts[-1], final=True)])


@given(
    HOSTILE.map(lambda text: text.encode("utf-8", "surrogatepass").replace(b"\r", b"")),
    st.lists(st.integers(0, 60), max_size=4).map(sorted),
)
@example(b"\x1b]0;title\x1b\\x", [4, 10])
@example("é\x9b31mx".encode(), [1, 3, 5])
def test_a_line_may_be_cut_anywhere(line: bytes, places: list[int]) -> None:
    assume(not has_moves(line))  # they are for lines that are shown as a whole
    edges = [0, *places, len(line)]
    parts = [line[low:high] for low, high in pairwise(edges)]
    assert fed(*parts) == show_line(line)


def test_a_sequence_may_be_longer_than_all_parts() -> None:
    assert fed(b"a\x1b]1337;File=", *[b"QUJD" * 100] * 9, b"QUI=\x07b") == "ab"
    assert fed(b"a\x1b[", *[b"1;" * 50] * 9, b"1m\x1b[31mb") == f"a{RED}b"
    assert fed(b"a\x1b]0;open", b"b" * 100, b"c") == "a"


def test_colours_end_where_their_line_ends() -> None:
    assert with_reset("plain") == "plain"
    assert with_reset(f"{RED}red") == with_reset(f"{RED}red{RESET}") == f"{RED}red{RESET}"


def test_plain_has_no_colours() -> None:
    assert plain(b"10%\r\x1b[1;31mred\x1b[0m\tend\r") == "red\tend"


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("", Style()),
        ("0", Style()),
        ("1", Style(bold=True)),
        ("2", Style(dim=True)),
        ("3", Style(italic=True)),
        ("4", Style(underline=True)),
        ("4:3", Style(underline=True)),
        ("4:0", Style()),
        ("4;4:0", Style()),
        ("7", Style(reverse=True)),
        ("9", Style(strike=True)),
        ("1;2;3;4;7;9", Style(None, None, True, True, True, True, True, True)),
        ("1;2;22", Style()),
        ("3;23;4;24;7;27;9;29", Style()),
        ("1;0", Style()),
        ("1;", Style()),
        ("1;;3", Style(italic=True)),
        ("01;031", Style(foreground=1, bold=True)),
        ("30", Style(foreground=0)),
        ("37", Style(foreground=7)),
        ("31;39", Style()),
        ("40", Style(background=0)),
        ("47", Style(background=7)),
        ("41;49", Style()),
        ("90", Style(foreground=8)),
        ("97", Style(foreground=15)),
        ("100", Style(background=8)),
        ("107", Style(background=15)),
        ("38;5;208", Style(foreground=208)),
        ("48;5;0", Style(background=0)),
        ("38:5:208", Style(foreground=208)),
        ("38;2;1;2;255", Style(foreground="#0102ff")),
        ("48;2;1;2;3", Style(background="#010203")),
        ("38:2:1:2:3", Style(foreground="#010203")),
        ("38:2::1:2:3", Style(foreground="#010203")),
        ("48:2:0:1:2:3:4:5", Style(background="#010203")),
        ("38;5;1;1", Style(foreground=1, bold=True)),
        ("38;2;1;2;3;1", Style(foreground="#010203", bold=True)),
        ("58;5;1;3", Style(italic=True)),
        ("58:2::1:2:3", Style()),
        ("31;38;5;256", Style(foreground=1)),
        ("31;38;2;1;2;256", Style(foreground=1)),
        ("38", Style()),
        ("38;5", Style()),
        ("38;2;1;2", Style()),
        ("38;9;1", Style(bold=True)),
        ("38;5;", Style(foreground=0)),
        ("38:5", Style()),
        ("5;6;8;10;21;25;28;51;53;73;999", Style()),
        ("9" * 61, Style()),
    ],
)
def test_sgr_codes(codes: str, style: Style) -> None:
    assert spans(f"\x1b[{codes}mx") == [("x", style)]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", []),
        (RED, []),
        ("plain", [("plain", Style())]),
        (
            f"a{RED}b\x1b[1mc{RESET}d",
            [
                ("a", Style()),
                ("b", Style(foreground=1)),
                ("c", Style(foreground=1, bold=True)),
                ("d", Style()),
            ],
        ),
        (f"{RED}a{RED}b", [("ab", Style(foreground=1))]),
        ("a\x1b]52;c;x\x07b\x1b[2Jc", [("abc", Style())]),
    ],
)
def test_text_is_split_into_runs(text: str, runs: list[tuple[str, Style]]) -> None:
    assert spans(text) == runs


@settings(max_examples=200)
@given(HOSTILE)
def test_runs_hold_the_clean_text(text: str) -> None:
    runs = spans(text)
    assert "".join(run for run, _ in runs) == clean(text)
    assert all(run for run, _ in runs)
    assert all(before[1] != after[1] for before, after in pairwise(runs))
