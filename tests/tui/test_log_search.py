from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.tui import log_search
from stepflow_tui.tui.finder import Finder, Hit
from stepflow_tui.tui.log_search import LogSearch, Needle
from tests.tui.record import numbered

if TYPE_CHECKING:
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("error", b"an Error here", True),
        ("Error", b"an error here", False),
        ("Error", b"an Error here", True),
        ("a.c", b"abc", False),
        ("a.c", b"x a.c y", True),
        ("red", b"\x1b[31mr\x1b[1med\x1b[0m", True),
        ("done", b"working\rdone", True),
        ("working", b"working\rdone", False),
        ("größe", "GRÖSSE GRÖẞE Größe".encode(), True),
        ("é", "É".encode(), True),
        ("日本", "日本語".encode(), True),
        ("31m", b"\x1b[31mred", False),
        ("gone", b"\x1b]0;gone\x07", False),
        ("main.c:12", b"\x1b]8;;file:///x\x1b\\main.c\x1b]8;;\x1b\\:12: error", True),
        ("foobar", b"\x1b(B\x1b[mfoo\x1b(Bbar", True),
        ("null", b"nu\x01ll", True),
        ("inside", b"\x1bPinside\x1b\\", False),
    ],
)
def test_a_needle_is_found_in_what_is_shown(text: str, line: bytes, found: bool) -> None:
    assert Needle(text).lines_in(b"first\n" + line + b"\nlast", 10) == ([11] if found else [])


def test_every_matching_line_is_found_once() -> None:
    data = b"hit hit\nmiss\nhit\n\nhit"
    assert Needle("hit").lines_in(data, 0) == [0, 2, 4]


async def searched(source: CountingSource, number: int, text: str) -> LogSearch:
    return LogSearch(source, number, Needle(text))


@pytest.fixture
def number(recorder: Recorder) -> int:
    """A log of 40,000 lines, every thousandth of which has a needle."""
    number = recorder.execution()
    for start in range(1, 40_001, 500):
        recorder.log(number, numbered(500, start).replace(b"000\n", b"000 needle\n"))
    return number


EVERY_THOUSANDTH = [index for index in range(40_000) if (index + 1) % 1000 == 0]


async def test_counting_finds_all(number: int, source: CountingSource) -> None:
    search = await searched(source, number, "000 needle")
    await search.scan(40_000)
    assert list(search.matches) == EVERY_THOUSANDTH
    assert search.scanned == 40_000


async def test_counting_goes_on_where_it_was(
    recorder: Recorder, number: int, source: CountingSource
) -> None:
    search = await searched(source, number, "000 needle")
    await search.scan(10_000)
    assert list(search.matches) == EVERY_THOUSANDTH[:10]
    recorder.log(number, b"one more 000 needle\n")
    await search.scan(40_001)
    assert list(search.matches) == [*EVERY_THOUSANDTH, 40_000]


@pytest.mark.parametrize("scanned", [0, 5_000, 40_000])
async def test_next_and_previous_do_not_depend_on_the_count(
    number: int, source: CountingSource, scanned: int
) -> None:
    search = await searched(source, number, "000 needle")
    await search.scan(scanned)
    assert await search.first(0, 40_000) == 999
    assert await search.first(1000, 40_000) == 1999
    assert await search.first(40_000, 40_000) is None
    assert await search.last(0, 40_000) == 39_999
    assert await search.last(0, 39_999) == 38_999
    assert await search.last(0, 20_500) == 19_999
    assert await search.last(0, 999) is None
    assert await search.last(20_000, 20_999) is None
    assert await search.first(1000, 1999) is None


async def test_a_match_across_chunks_is_found(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    for piece in (b"a nee", b"d", b"le here\n", b"none\n", b"need", b"le\n"):
        recorder.log(number, piece)
    search = await searched(source, number, "needle")
    await search.scan(3)
    assert list(search.matches) == [0, 2]
    fresh = await searched(source, number, "needle")
    assert await fresh.last(0, 2) == 0
    assert await fresh.first(1, 3) == 2


async def test_a_line_of_many_chunks_is_searched_at_its_head(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"start\nhead" + b"x" * 3_000_000 + b"tail\nhead again\n")
    search = await searched(source, number, "head")
    await search.scan(3)
    assert list(search.matches) == [1, 2]
    tail = await searched(source, number, "tail")
    await tail.scan(3)
    assert list(tail.matches) == []


async def test_many_matches_are_capped(
    number: int, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "MAX_MATCHES", 100)
    search = await searched(source, number, "line")
    await search.scan(40_000)
    assert search.is_capped
    assert search.scanned < 40_000
    assert await search.first(39_001, 40_000) == 39_001
    assert await search.last(0, 39_000) == 38_999


async def test_a_search_goes_on_over_the_ends(number: int, source: CountingSource) -> None:
    finder = Finder(source)
    finder.begin("000 needle", number)
    assert await finder.find(39_999, 40_000, backward=False) == Hit(999, wrapped=True)
    assert await finder.find(5, 40_000, backward=True) == Hit(39_999, wrapped=True)
    assert await finder.find(5, 40_000, backward=False) == Hit(999, wrapped=False)
    finder.begin("nowhere", number)
    assert await finder.find(5, 40_000, backward=True) is None


async def test_the_summary_says_what_is_known(number: int, source: CountingSource) -> None:
    finder = Finder(source)
    assert finder.summary(0, 40_000) == ""
    finder.begin("000 needle", number)
    assert finder.search is not None
    assert finder.summary(0, 40_000) == "0 so far"
    await finder.search.scan(40_000)
    assert finder.summary(0, 40_000) == "40 found"
    assert finder.summary(1999, 40_000) == "2 of 40"
