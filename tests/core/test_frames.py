"""Which lines a program has written over by going up: against a terminal, and piece by piece."""

from __future__ import annotations

import time
from copy import copy
from itertools import pairwise

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepflow_tui.core.frames import MAX_ROWS, Frames, moves_up
from stepflow_tui.core.text import plain
from tests.buildkit import LAST, build


def over(text: str, *, first: int = 0) -> list[int]:
    """The lines of a whole text that are written over at its end."""
    return Frames().feed(first, text.encode())


def left(text: str) -> list[str]:
    """The lines that stay."""
    gone = over(text)
    return [line for number, line in enumerate(text.split("\n")) if number not in gone]


@pytest.mark.parametrize(
    "up",
    [
        "\x1b[2A",
        "\x1b[A\x1b[A",
        "\x1b[2F",
        "\x1b[F\x1b[1F",
        "\x1bM\x1bM",
        "\x1b[?25l\x1b[2A\x1b[1G\x1b[0G",
        "\r\x1b[2A\x1b[2K",
        "\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[G",
        "\x1b[2A\x1b[0J",
        "\x1b[2A\x1b[J",
        "\x1b[2A\x1b[1B\x1b[1A",
        "\x9b2A",
    ],
)
def test_a_frame_takes_the_place_of_the_one_before(up: str) -> None:
    assert over(f"head\na 1\nb 1\n{up}a 2\nb 2\n{up}a 3\nb 3\nend") == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("a\nb\n\x1b[A\n", [2]),  # moves on over what is there
        ("a\nb\n\x1b[2A\n\x1b[Kc", [1, 2]),
        ("a\nb\nc\n\x1b[3A\x1b[J", [0, 1, 2]),
        ("a\nb\nc\n\x1b[2A\x1b[Jd\ne\nf", [1, 2]),
        ("a\nb\nc\n\x1b[99Ad\n", [0]),
        ("a\nb\n\x1b[2A\x1b[20Cdone\x1b[2B\nc", []),
        ("a\nb\n\x1b[2A\x1b[20Cdone\n\x1b[1Ac", [0, 2]),
        ("a\nb\n\x1b[2A\x1b[2Kx\x1b[2B\rc\n", [0]),
        ("a\nb\n\x1b[A\x1b[5;9Hbar\n", [2]),
        ("a\nb\n\x1b7\x1b[5;9H\x1b[2Abar\x1b8\nc", []),
        ("a\nb\n\x1b[2A\x1b[2A\x1b[2J", [0, 1]),
        ("a\nb\n\x1b[2Alonger", [0]),
        ("STEP_START:x\na\n\x1b[2Ab\nc\n", [1]),
        ("STEP_ERROR:x\na\n\x1b[2Ab\nc\n", [1]),
        ("META:a:b\na\n\x1b[2Ab\nc\n", [0, 1]),
        ("a\nb\r\n\x1b[2Ac\r\nd\r\n", [0, 1]),
        ("a\n\x1b7\x1b[0;23r\x1b8\x1b[1A\x1b7\x1b[24;0f 50%\x1b8\rb\nc\n", []),
    ],
)
def test_rows(text: str, gone: list[int]) -> None:
    # an unfinished, empty last line is none
    assert [line for line in over(text) if line <= text.rstrip("\n").count("\n")] == gone


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31mred\x1b[0m\n\x1b[2K\r\x1b[Kb", "", "\n\n"])
def test_where_nothing_moves_up_nothing_goes(text: str) -> None:
    assert not moves_up(text.encode())
    assert over(text) == []


def test_no_row_further_up_than_a_hundred() -> None:
    lines = "".join(f"{number}\n" for number in range(300))
    assert over(f"{lines}\x1b[250Ax") == [300 - MAX_ROWS]


def test_lines_that_are_missing_stand_where_they_stood() -> None:
    frames = Frames()
    assert frames.feed(0, b"a\nb") == []
    assert frames.feed(10, b"c\nd") == []
    assert frames.feed(12, b"\x1b[12Ax") == [0]
    assert frames.feed(13, b"\x1b[12A\x1b[Jx\x1b[11By") == [1, 10, 11, 12]


RICH = "\r\x1b[2K\x1b[1A\x1b[2K"
COMPOSE = "\x1b[?25h\x1b[3A\x1b[0G\x1b[?25l"
PULLED = "\x1b[2A\x1b[2K\ra: Complete\x1b[2B\r\x1b[1A\x1b[2K\rb: Complete\x1b[1B\r"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (  # tqdm with two bars; a line stays as a whole while one of its rows is left
            "\r 0%|a\n\r 0%|b\x1b[A\r50%|a\n\r50%|b\x1b[A\r99%|a\n\r99%|b\x1b[A\n\nend",
            ["50%|b  99%|a", "99%|b", "end"],
        ),
        (  # rich: no newline behind the last line of a frame
            f"\x1b[?25la 1\nb 1{RICH}a 2\nb 2{RICH}a 3\nb 3\n\x1b[?25hend",
            ["a 3", "b 3", "end"],
        ),
        (  # log-update, as ora, listr and ink use it, here with a frame that becomes shorter
            "a 1\nb 1\n\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[Gdone\nend",
            ["done", "end"],
        ),
        (  # docker compose
            f"\x1b[?25l[+] Running\n - a\n - b\n{COMPOSE}[+] Running\n + a\n + b\n\x1b[?25hend",
            ["[+] Running", "+ a", "+ b", "end"],
        ),
        (  # docker pull: one row at a time
            f"a: Pulling\nb: Pulling\n{PULLED}Digest: x\n",
            ["Digest: x  a: Complete  b: Complete"],
        ),
        (  # apt sets aside the last row of the screen
            "one\n\n\x1b7\x1b[0;23r\x1b8\x1b[1Atwo\n\x1b7\x1b[24;0f 10%\x1b8three\n",
            ["one", "two", "three  10%"],
        ),
        # as a terminal of its own writes it
        ("a 1\r\nb 1\r\n\x1b[2A\x1b[2Ka 2\r\n\x1b[2Kb 2\r\nend\r\n", ["a 2", "b 2", "end"]),
    ],
)
def test_what_programs_do(text: str, shown: list[str]) -> None:
    lines = [plain(line.encode()).strip() for line in left(text.rstrip("\n"))]
    assert [line for line in lines if line] == shown


@pytest.mark.parametrize(
    "line", ["\x1b[A\x1b[1J", "\x1b[9A\x1b[J", "\x1b[A" * 9, "\x1b[B\x1bM\x1b[2J"]
)
def test_hostile_lines_take_their_time_but_no_more(line: str) -> None:
    def seconds(count: int) -> float:
        data = f"{line}\n".encode() * count
        begun = time.process_time()
        Frames().feed(0, data)
        return time.process_time() - begun

    seconds(10)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.01)


def test_buildkit() -> None:
    text = "STEP_START:Build\n" + b"".join(build()).decode() + "done"
    shown = [plain(line.encode()).rstrip() for line in left(text)]
    assert shown == ["STEP_START:Build", *LAST, "done"]


FRAME_TEXT = st.text("ab ", min_size=1, max_size=6)
FRAME = st.tuples(
    st.integers(0, 8),
    st.sampled_from(["", "\r", "\x1b[?25l", "\x1b[1G", "\x1b[J", "\x1b[2K"]),
    st.lists(FRAME_TEXT, min_size=1, max_size=6),
)


def _drawn(frames: list[tuple[int, str, list[str]]]) -> str:
    text, rows = "", 0
    for wanted, lead, lines in frames:
        up = min(wanted, rows)
        text += (f"\x1b[{up}A" if up else "") + lead
        text += "".join(f"{number}{line:<8}\n" for number, line in enumerate(lines))
        rows = len(lines)
    return text


@given(st.lists(FRAME, max_size=8))
def test_as_a_terminal_shows_it(frames: list[tuple[int, str, list[str]]]) -> None:
    text = _drawn(frames)
    screen = pyte.Screen(20, 80)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    shown = sorted(row.rstrip() for row in screen.display if row.strip())
    lines = [line.rpartition("\x1b[")[2] for line in left(text)]
    texts = [line.lstrip("\r").rstrip() for line in lines]
    for code in ("?25l", "1G", "2K", "J", *(f"{number}A" for number in range(1, 9))):
        texts = [text.removeprefix(code).lstrip("\r") for text in texts]
    assert sorted(filter(None, texts)) == shown


PIECE = (
    "a|b\n|\n|  |\r|\x1b[2A|\x1b[A|\x1b[3F|\x1bM|\x1b[B|\x1bE|\x1b[J|\x1b[K|\x1b[2K|\x1b[1J|\x1b[2J"
)
MORE = "\x1b[9C|\x1b[G|\x1b[H|\x1b7|\x1b8|\x1b[s|\x1b[u|\x1b[99999999999A|\x1b[;A|\x08|\t|é|\x9bA"
LONG = ("STEP_START:x\n", "x\n" * 120)
PIECES = st.lists(st.sampled_from((*PIECE.split("|"), *MORE.split("|"), *LONG)), max_size=60)


@given(PIECES, st.sets(st.integers(0, 300)))
def test_pieces_do_not_matter(parts: list[str], cuts: set[int]) -> None:
    lines = "".join(parts).encode().split(b"\n")
    whole = Frames().feed(7, b"\n".join(lines))
    frames, found = Frames(), list[int]()
    bounds = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    for start, stop in pairwise(bounds):
        found += frames.feed(7 + start, b"\n".join(lines[start:stop]))
        frames = copy(frames)
    assert sorted(found) == whole


@given(st.lists(FRAME, min_size=2, max_size=8), st.data(), st.booleans())
def test_lines_above_can_come_later(
    frames: list[tuple[int, str, list[str]]], data: st.DataObject, is_long: bool
) -> None:
    text = _drawn(frames).rstrip("\n")
    if is_long:
        text = "x\n" * 150 + text
    lines = text.encode().split(b"\n")
    cuts = data.draw(st.sets(st.integers(1, len(lines) - 1), min_size=1)) if lines[1:] else set()
    below, found, stop = Frames(at_start=False), list[int](), len(lines)
    for start in sorted({0, *cuts}, reverse=True):
        above = Frames(at_start=start == 0)
        found += above.feed(start, b"\n".join(lines[start:stop]))
        found += below.join(above)
        stop = start
    assert sorted(found) == Frames().feed(0, text.encode())
    again = ("\x1b[30A" + "y\n" * 29 + "z").encode()
    whole = Frames()
    whole.feed(0, text.encode())
    assert below.feed(len(lines), again) == whole.feed(len(lines), again)


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_anything_can_be_fed(data: bytes) -> None:
    found = Frames().feed(0, data + b"\x1b[2A" + data)
    assert found == sorted(set(found))


def test_the_time_goes_with_the_size() -> None:
    frame = "\x1b[20A" + "".join(f"\x1b[2Kline {number} of it\n" for number in range(20))

    def seconds(count: int) -> float:
        data = (frame * count).encode()
        begun = time.process_time()
        Frames().feed(0, data)
        return time.process_time() - begun

    seconds(10)
    assert seconds(2000) < 40 * max(seconds(200), 0.01)
