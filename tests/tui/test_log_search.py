from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.store import chunks
from stepflow_tui.store.chunks import LogLine
from stepflow_tui.tui.log import haystack, needle
from stepflow_tui.tui.log import search as log_search
from stepflow_tui.tui.log.finder import Finder, Hit
from stepflow_tui.tui.log.haystack import StoredLog
from stepflow_tui.tui.log.line import Palette, line_strip
from stepflow_tui.tui.log.needle import Found, Needle
from stepflow_tui.tui.log.search import LogSearch
from stepflow_tui.tui.log.shown import shown_line, shown_text
from stepflow_tui.tui.log.source import LogPages
from tests.tui.record import numbered

if TYPE_CHECKING:
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder

BLANK = " "
PIECES = [
    *(b"word ", b"\t", b"\r", b"\r\n", b"\n", b"\x1b[31m", b"\x1b[0m", b"\x1b]0;t\x07", b"\x1bPx"),
    *(
        b"\x1b\\",
        b"\x1b(B",
        b"\x07",
        b"\x00",
        b"\xc2\x9b1m",
        "日本\u200e".encode(),
        b"\xe2\x82",
        b"\xff",
    ),
]


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_many_lines_are_shown_as_each_of_them_is(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert shown_text(data).split("\n") == [shown_line(line) for line in data.split(b"\n")]


def test_what_is_searched_is_what_stands_in_the_log() -> None:
    plain = Style.null()
    palette = Palette(plain, plain, plain, plain, plain, plain)
    for text in (b"a\tb", "日\tb\tc".encode(), b"\x1b[31mab\x1b[0m\tc", b"x\ry\tz", b"\tend\t"):
        line = log_line(text)
        assert line_strip(line, palette, None, after_end=False).text == shown_line(text)


def log_line(text: bytes) -> LogLine:
    return LogLine(1, text, 0, len(text))


def lines_in(text: str, data: bytes, *, is_regex: bool = False, **options: bool) -> list[int]:
    found = Needle(text, is_regex=is_regex, **options).found_in(shown_text(data), 10)
    assert found.skipped == 0
    return found.lines


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
        (f"a{7 * BLANK}b", b"a\tb", True),
        (f"a{8 * BLANK}b", b"a\tb", False),
        ("a  ", b"a\tb", True),
        ("a\tb", b"a\tb", False),
        (f"日{6 * BLANK}b", "日\tb".encode(), True),
        (f"日{7 * BLANK}b", "日\tb".encode(), False),
    ],
)
def test_a_needle_is_found_in_what_is_shown(text: str, line: bytes, found: bool) -> None:
    assert lines_in(text, b"first\n" + line + b"\nlast") == ([11] if found else [])


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ("err.*out", b"error: time out", True),
        ("^err", b"an err", False),
        ("^err", b"err", True),
        ("out$", b"out of", False),
        ("out$", b"time \x1b[1mout\x1b[0m", True),
        (r"first\nline", b"line", False),
        (r"first\s+line", b"line", False),
        (r"t\Wline", b"line", False),
        (r"[^x]+e\b", b"line", True),
        (r"\Aline\Z", b"line", True),
        (r"(?<!t\n)line", b"line", True),
        (r"line(?!\n)", b"line", True),
        (r"line(?=\nlast)", b"line", False),
        (r"(?i)LINE", b"line", True),
        (r"[^x]*+last", b"line", False),
        (r"^$", b"", True),
        (r"\d+\tms", b"12\tms", False),
        (r"\d+ +ms", b"12\tms", True),
        (r"LINE", b"line", False),
        (r"\Sine", b"LINE", True),
    ],
)
def test_a_pattern_is_found_in_one_line(pattern: str, line: bytes, found: bool) -> None:
    lines = lines_in(pattern, b"first\n" + line + b"\n-", is_regex=True)
    assert (11 in lines) is found


def test_every_line_that_a_pattern_could_skip_is_tried() -> None:
    data = b"a\n\n \nb\n  b\nb"
    assert lines_in(r"\s*b", data, is_regex=True) == [13, 14, 15]
    assert lines_in(r"\s+b", data, is_regex=True) == [14]
    assert lines_in(r"[^b]*", data, is_regex=True) == [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("options", [{}, {"exact_case": False}, {"exact_case": True}])
def test_every_matching_line_is_found_once(options: dict[str, bool]) -> None:
    data = b"hit hit\nmiss\nhit\n\nhit"
    for is_regex in (False, True):
        assert lines_in("hit", data, is_regex=is_regex, **options) == [10, 12, 14]


def test_case_is_told_apart_as_it_was_asked() -> None:
    data = b"Hit\nhit\nHIT"
    assert lines_in("hit", data) == [10, 11, 12]
    assert lines_in("Hit", data) == [10]
    assert lines_in("hit", data, exact_case=True) == [11]
    assert lines_in("Hit", data, exact_case=False) == [10, 11, 12]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "missing ) at 2"),
        ("ab[", "unterminated character set at 4"),
        ("a**", "multiple repeat at 3"),
        ("(a{1000}){1000}", "too large a pattern"),
        ("x" * 2000, "too large a pattern"),
        ("(" * 500 + ")" * 500, "too deep or too large a pattern"),
    ],
)
def test_a_wrong_pattern_is_a_few_words(pattern: str, words: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        Needle(pattern, is_regex=True)
    assert str(problem.value) == words
    assert Needle(pattern).text == pattern


SLOW = "(a|aa)+$"
SLOW_LINE = "a" * 60 + "!"


def test_a_pattern_that_takes_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needle, "_STRETCH_S", 0.2)
    monkeypatch.setattr(needle, "_LINE_S", 0.01)
    slow = Needle(SLOW, is_regex=True)
    assert slow.found_in(f"aa\n{SLOW_LINE}\nb\naaa", 5) == Found([5, 8], skipped=1)
    found = slow.found_in("\n".join([SLOW_LINE] * 1000), 0)
    assert found.lines == []
    assert found.skipped == 1000


def test_a_pattern_that_takes_long_is_not_highlighted() -> None:
    slow = Needle(SLOW, is_regex=True)
    assert [match.span() for match in slow.finditer("b aa")] == [(2, 4)]
    assert list(slow.finditer(SLOW_LINE)) == []
    assert list(slow.finditer("b aa")) == []
    assert list(Needle("x*", is_regex=True).finditer("ab")) == []


async def test_a_slow_pattern_holds_nobody_up(
    recorder: Recorder, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needle, "_STRETCH_S", 0.05)
    monkeypatch.setattr(needle, "_LINE_S", 0.01)
    monkeypatch.setattr(haystack, "_STRETCH_BYTES", 1_000_000)
    number = recorder.execution()
    for _ in range(100):
        recorder.log(number, f"{SLOW_LINE}\n".encode() * 2000)
    search = LogSearch(StoredLog(source, number), number, Needle(SLOW, is_regex=True))
    scan = asyncio.ensure_future(search.scan(200_000))
    turns = 0
    while not scan.done():
        await asyncio.sleep(0)
        turns += 1
    assert search.is_stopped
    assert 0 < search.scanned == search.skipped < 200_000
    assert turns > 100
    assert not search.is_behind(200_000, 1)


async def searched(source: CountingSource, number: int, text: str) -> LogSearch:
    return LogSearch(StoredLog(source, number), number, Needle(text))


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


async def test_many_matches_are_counted_beyond_those_noted(
    number: int, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "MAX_MATCHES", 100)
    search = await searched(source, number, "line")
    await search.scan(40_000)
    assert search.count == search.scanned == 40_000
    assert list(search.matches) == list(range(100))
    assert search.noted == 100
    assert await search.first(39_001, 40_000) == 39_001
    assert await search.first(99, 40_000) == 99
    assert await search.first(100, 40_000) == 100
    assert await search.last(0, 39_000) == 38_999
    assert await search.last(0, 100) == 99


async def test_the_last_line_is_looked_at_again_while_it_grows(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"needle\nopen nee")
    search = await searched(source, number, "needle")
    await search.scan(2, 15)
    assert (list(search.matches), search.scanned) == ([0], 2)
    assert not search.is_behind(2, 15)
    assert search.is_behind(2, 17)
    recorder.log(number, b"dle")
    await search.scan(2, 18)
    assert (list(search.matches), search.count) == ([0, 1], 2)
    recorder.log(number, b" more\n")
    await search.scan(2, 24)
    assert (list(search.matches), search.count) == ([0, 1], 2)
    assert not search.is_behind(2, 24)
    assert search.is_behind(3, 30)


async def test_a_redrawn_last_line_may_match_no_more(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"needle")
    search = await searched(source, number, "needle")
    await search.scan(1, 6)
    assert search.count == 1
    recorder.log(number, b"\rdone")
    await search.scan(1, 11)
    assert (search.count, list(search.matches)) == (0, [])


async def test_it_tells_as_it_goes(number: int, source: CountingSource) -> None:
    search, counts = await searched(source, number, "000 needle"), list[int]()
    await search.scan(40_000, told=lambda: counts.append(search.count))
    assert counts == sorted(counts)
    assert len(counts) > 2
    assert counts[-1] == 40


async def test_a_log_may_be_gone(source: CountingSource) -> None:
    search = await searched(source, 77, "needle")
    await search.scan(100)
    assert search.count == 0
    assert await search.last(0, 100) is None


async def test_a_search_goes_on_over_the_ends(number: int, source: CountingSource) -> None:
    finder = Finder()
    finder.turn_to(LogPages(source, number))
    finder.begin(Needle("000 needle"))
    assert await finder.find(39_999, 40_000, backward=False) == Hit(999, wrapped=True)
    assert await finder.find(5, 40_000, backward=True) == Hit(39_999, wrapped=True)
    assert await finder.find(5, 40_000, backward=False) == Hit(999, wrapped=False)
    finder.begin(Needle("nowhere"))
    assert await finder.find(5, 40_000, backward=True) is None
    finder.begin(None)
    assert await finder.find(5, 40_000, backward=True) is None


async def test_a_needle_stays_from_log_to_log(
    recorder: Recorder, number: int, source: CountingSource
) -> None:
    other = recorder.execution()
    recorder.log(other, b"no\n000 needle\n")
    finder = Finder()
    finder.begin(Needle("000 needle"))
    assert finder.search is None
    finder.turn_to(LogPages(source, number))
    first = finder.search
    finder.turn_to(LogPages(source, number))
    assert finder.search is first
    finder.turn_to(LogPages(source, other))
    assert await finder.find(0, 2, backward=False) == Hit(1, wrapped=False)
    finder.turn_to(None)
    assert finder.search is None


async def test_the_summary_says_what_is_known(number: int, source: CountingSource) -> None:
    finder = Finder()
    assert finder.summary(0, 40_000) == ""
    finder.turn_to(LogPages(source, number))
    finder.begin(Needle("000 needle"))
    assert finder.search is not None
    assert finder.summary(0, 40_000) == "0 so far"
    await finder.search.scan(40_000)
    assert finder.summary(0, 40_000) == "40 found"
    assert finder.summary(1999, 40_000) == "2 of 40"
    finder.search.skipped = 1200
    assert finder.summary(1999, 40_000) == "40 found, 1,200 lines took too long"


async def test_stretches_adjoin(number: int, source: CountingSource) -> None:
    texts = []
    async for stretch in StoredLog(source, number).stretches(100, 20_000):
        assert stretch.first <= stretch.start < stretch.stop
        lines = stretch.text.split("\n")
        texts += lines[stretch.start - stretch.first : stretch.stop - stretch.first]
    assert texts[:2] == ["line 101", "line 102"]
    assert len(texts) == 19_900


async def test_a_stretch_stays_small_where_chunks_become_large(
    recorder: Recorder, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haystack, "_STRETCH_BYTES", 50_000)
    number = recorder.execution()
    for line in range(200):
        recorder.log(number, b"%d\n" % line)
    for line in range(200, 300):
        recorder.log(number, b"%d %s\n" % (line, b"x" * 20_000))
    recorder.log(number, b"y" * 300_000 + b"\nend\n")
    first, sizes = [], []
    async for stretch in StoredLog(source, number).stretches(0, 302):
        lines = stretch.text.split("\n")[stretch.start - stretch.first :]
        first += [line.split(" ")[0] for line in lines[: stretch.stop - stretch.start]]
        sizes.append(len(stretch.text))
    assert first[:300] == [str(line) for line in range(300)]
    assert (first[300][:3], first[301:]) == ("yyy", ["end"])
    assert sorted(sizes)[-2] < 75_000


async def test_a_gap_takes_no_memory_however_many_lines_it_holds(
    recorder: Recorder, source: CountingSource
) -> None:
    number, left_out = recorder.execution(), 10**12
    recorder.log(number, b"one\ntw")
    end = left_out + 2
    with recorder._writer.transaction(durable=False) as transaction:
        gap = chunks.gap_of(left_out, 10**14, first_line=1, first_byte=6, arrived_at=0)
        transaction.append_log(number, gap)
        behind = chunks.pack(
            b"o\nthree\n", first_line=left_out + 1, first_byte=10**14 + 6, arrived_at=0
        )
        transaction.append_log(number, behind)
    stretches = [one async for one in StoredLog(source, number).stretches(0, end + 1)]
    assert [(one.start, one.stop, one.first) for one in stretches] == [
        (0, left_out + 1, 0),
        (left_out + 1, end + 1, left_out + 1),
    ]
    assert [one.text.split("\n")[:2] for one in stretches] == [["one", "tw"], ["o", "three"]]


async def test_a_gap_within_a_log(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    recorder.log(number, b"needle 1\nneed")
    gap = chunks.gap_of(3, 500, first_line=1, first_byte=13, arrived_at=0)
    with recorder._writer.transaction(durable=False) as transaction:
        transaction.append_log(number, gap)
        behind = chunks.pack(b"needle 5\n", first_line=4, first_byte=513, arrived_at=0)
        transaction.append_log(number, behind)
    pages = LogPages(source, number)
    pages.resize(5, 522)
    await pages.load(range(5))
    search = await searched(source, number, "need")
    await search.scan(5, 522)
    assert list(search.matches) == [0, 1, 4]
    for index in search.matches:
        line = pages.line(index)
        assert line is not None
        assert b"need" in line.text
