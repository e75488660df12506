from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.core.home import Home
from stepflow_tui.core.text import Style, plain
from stepflow_tui.store.reader import AsyncReader
from stepflow_tui.tui.log.source import KEPT_BYTES, MAX_LINE, PAGE, LogPages
from tests.tui.conftest import CountingSource
from tests.tui.record import START_MS, Recorder, numbered


async def resize(log: LogPages, source: CountingSource, *, ahead: bool = False) -> None:
    pulse = await source.pulse(log.number, 0)
    log.resize(pulse.line_count, pulse.byte_count, pulse.last_chunk if ahead else None)


async def opened(source: CountingSource, number: int) -> LogPages:
    log = LogPages(source, number)
    await resize(log, source)
    return log


def texts(log: LogPages, lines: range) -> list[bytes | None]:
    found = [log.line(index) for index in lines]
    return [line.text if line else None for line in found]


async def test_lines_are_read_where_they_are_looked_at(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(5000))
    log = await opened(source, number)
    await log.load(range(3210, 3214))
    assert texts(log, range(3210, 3213)) == [b"line 3211", b"line 3212", b"line 3213"]
    assert (log.line(0), log.line(4999)) == (None, None)


RED = Style(foreground=1)


@pytest.mark.parametrize("first", [0, 150, 199, 200, 390, 4000])
async def test_a_colour_lasts_at_any_place_of_the_log(
    recorder: Recorder, source: CountingSource, first: int
) -> None:
    number = recorder.execution()
    lines = [b"line %d" % line for line in range(1, 5001)]
    lines[first] = b"\x1b[31m" + lines[first]
    lines[first + 20] += b"\x1b[0m"
    lines[first + 400] += b"\x1b[31m"
    recorder.log(number, b"".join(line + b"\n" for line in lines))
    log = await opened(source, number)
    for line in (first + 450, first + 21, first + 20, first + 10, first):
        await log.load(range(line, line + 1))
    seen = {index: one.style for index in range(5000) if (one := log.line(index))}
    assert all(seen[line] == RED for line in (first + 1, first + 10, first + 20, first + 450))
    assert seen[first] == seen[first + 21] == Style()


async def test_a_colour_lasts_for_lines_that_come_later(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"\x1b[31mred\n")
    log = await opened(source, number)
    await log.load(range(PAGE))
    for piece in (b"red\n" * (PAGE - 2), b"red\nred", b" too\n\x1b[mplain\n"):
        recorder.log(number, piece)
        await resize(log, source, ahead=True)
        await log.load(range(2 * PAGE))
    found = [log.line(line) for line in range(1, PAGE + 2)]
    assert [i for i, line in enumerate(found) if not line or line.style != RED] == []


async def test_a_picked_line_has_the_colour_of_those_before_it(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(3000) + b"\x1b[31mred\nred\n" + numbered(3000))
    log = await opened(source, number)
    log.picked = [3001]
    await log.load(range(1))
    picked = log.line(3001)
    assert picked
    assert (picked.text, picked.style) == (b"red", RED)


async def test_two_logs_do_not_mix(recorder: Recorder, source: CountingSource) -> None:
    first, second = recorder.execution(), recorder.execution()
    for start in (1, 11):
        recorder.log(first, numbered(10, start))
        recorder.log(second, b"other\n" * 10)
    log = await opened(source, first)
    await log.load(range(20))
    assert texts(log, range(20)) == [b"line %d" % number for number in range(1, 21)]


@pytest.mark.parametrize("pieces", [["a\nb\n", "c\n", "d\ne\n"], ["a\nb", "c\n", "d\n"]])
async def test_what_came_last_is_not_read_twice(
    recorder: Recorder, source: CountingSource, pieces: list[str]
) -> None:
    number = recorder.execution()
    recorder.log(number, pieces[0].encode())
    log = await opened(source, number)
    await log.load(range(PAGE))
    for piece in pieces[1:]:
        recorder.log(number, piece.encode())
        await resize(log, source, ahead=True)
        before = len(source.rows)
        await log.load(range(PAGE))
    assert len(source.rows) == before
    whole = "".join(pieces).encode().split(b"\n")
    assert texts(log, range(len(whole))) == [*whole[:-1], None]


PIECES = st.sampled_from([b"a", b"bb\n", b"\n", b"c\nd\n", b"e\nf"])
GROWTH = st.lists(st.tuples(PIECES, st.booleans()), max_size=30)


@given(growth=GROWTH, grows=st.booleans())
def test_lines_that_come_ahead_are_those_that_would_be_read(
    growth: list[tuple[bytes, bool]], grows: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = Home(tmp_path_factory.mktemp("grown"))
    recorder = Recorder(home)
    recorder.grows = grows

    async def grow() -> None:
        reader = await AsyncReader.open(home.database)
        source = CountingSource(reader)
        number, whole = recorder.execution(), b""
        log = LogPages(source, number)
        for moment, (piece, is_looked_at) in enumerate(growth):
            recorder.log(number, piece, START_MS + moment)
            whole += piece
            if is_looked_at:
                await resize(log, source, ahead=True)
                every = range(log.line_count)
                await log.load(every)
                assert texts(log, every) == whole.splitlines()
                anew = await opened(source, number)
                await anew.load(every)
                assert [log.line(line) for line in every] == [anew.line(line) for line in every]
        await reader.close()

    try:
        asyncio.run(grow())
    finally:
        recorder.close()


async def test_a_growing_log_reads_only_what_is_new(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    for line in range(1, 101):
        recorder.log(number, numbered(1, line))
    log = await opened(source, number)
    await log.load(range(60, 100))
    recorder.log(number, numbered(2, 101))
    await resize(log, source)
    source.rows.clear()
    await log.load(range(62, 102))
    assert sum(source.rows) <= 2
    assert texts(log, range(99, 102)) == [b"line 100", b"line 101", b"line 102"]


async def test_an_unfinished_line_grows(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    recorder.log(number, b"one\nPassw")
    log = await opened(source, number)
    await log.load(range(2))
    assert texts(log, range(2)) == [b"one", b"Passw"]
    recorder.log(number, b"ord: ")
    await resize(log, source)
    assert not log.is_loaded(range(2))
    await log.load(range(2))
    assert texts(log, range(2)) == [b"one", b"Password: "]
    source.rows.clear()
    await log.load(range(2))
    assert source.rows == []


@pytest.mark.parametrize("size", [1, 7, 300])
async def test_a_line_in_many_chunks_is_one_line(
    recorder: Recorder, source: CountingSource, size: int
) -> None:
    number = recorder.execution()
    for _ in range(size):
        recorder.log(number, b"x")
    recorder.log(number, b"\nnext\n")
    log = await opened(source, number)
    await log.load(range(2))
    assert texts(log, range(2)) == [b"x" * size, b"next"]


async def test_a_line_of_ten_megabytes_is_cut(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    recorder.log(number, b"before\n" + b"y" * 10_000_000 + b"\nafter\n")
    log = await opened(source, number)
    await log.load(range(3))
    assert texts(log, range(3)) == [b"before", b"y" * MAX_LINE, b"after"]
    assert cut(log, 1) == (True, 10_000_000)


def cut(log: LogPages, index: int) -> tuple[bool, int]:
    line = log.line(index)
    assert line is not None
    return line.truncated, line.size


@pytest.mark.parametrize("behind", [b"", b"\n", b"\nafter\n"])
async def test_a_line_that_is_cut_knows_its_size(
    recorder: Recorder, source: CountingSource, behind: bytes
) -> None:
    number = recorder.execution()
    recorder.log(number, b"before\n" + b"y" * 30_000_000)
    log = await opened(source, number)
    await log.load(range(2))
    assert cut(log, 1) == (True, 30_000_000)
    recorder.log(number, b"z" * 1_000_000 + behind)
    await resize(log, source)
    await log.load(range(3))
    assert cut(log, 1) == (True, 31_000_000)
    after = b"after" if b"after" in behind else None
    assert texts(log, range(3)) == [b"before", b"y" * MAX_LINE, after]
    source.rows.clear()
    await log.load(range(3))
    assert source.rows == []


def progress(start: int, stop: int) -> bytes:
    return b"".join(b"\r%7d of all done" % at for at in range(start, stop))


@pytest.mark.parametrize("new", [b"\x1b[2K\x1b[1G", b"\x1b[G", b"\x1b[1A\x1b[2K\r"])
@pytest.mark.parametrize("states", [8_000, 300_000])
async def test_a_spinner_that_uses_no_carriage_return_shows_its_last_state(
    recorder: Recorder, source: CountingSource, new: bytes, states: int
) -> None:
    number = recorder.execution()
    recorder.log(number, progress(0, states).replace(b"\r", new) + new + b"done\nafter\n")
    log = await opened(source, number)
    await log.load(range(2))
    shown = [plain(text or b"") for text in texts(log, range(2))]
    assert shown == ["done", "after"]
    line = log.line(0)
    assert line is not None
    assert not line.truncated


@pytest.mark.parametrize("states", [10_000, 1_000_000])
async def test_of_a_line_that_is_redrawn_the_last_state_counts(
    recorder: Recorder, source: CountingSource, states: int
) -> None:
    number = recorder.execution()
    recorder.log(number, b"loading" + progress(0, states))
    log = await opened(source, number)
    await log.load(range(1))
    for at in range(states, states + 50):
        recorder.log(number, progress(at, at + 1))
        await resize(log, source)
        await log.load(range(1))
        line = log.line(0)
        assert line is not None
        assert (plain(line.text), line.truncated) == (f"{at:7} of all done", False)
        assert line.size == log.byte_count
    recorder.log(number, b"\nafter\n")
    await resize(log, source)
    await log.load(range(2))
    shown = [plain(text or b"") for text in texts(log, range(2))]
    assert shown == [f"{states + 49:7} of all done", "after"]


async def test_a_redrawn_line_in_many_small_chunks_is_not_read_whole_each_time(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    for at in range(0, 40_000, 10):
        recorder.log(number, progress(at, at + 10))
    log = await opened(source, number)
    source.rows.clear()
    await log.load(range(1))
    assert sum(source.rows) <= 1500
    line = log.line(0)
    assert line is not None
    assert (plain(line.text), line.size) == ("  39999 of all done", log.byte_count)


async def test_opening_a_long_log_reads_no_more_than_a_short_one(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(300_000))
    log = await opened(source, number)
    source.rows.clear()
    await log.load(range(300_000 - 40, 300_000))
    assert sum(source.rows) <= 4
    assert texts(log, range(299_999, 300_000)) == [b"line 300000"]


async def test_memory_is_bounded(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    recorder.log(number, (b"z" * 20_000 + b"\n") * (10 * PAGE))
    log = await opened(source, number)
    for page in range(10):
        await log.load(range(page * PAGE, (page + 1) * PAGE))
    kept = [index for index in range(10 * PAGE) if log.line(index) is not None]
    assert len(kept) * 20_000 <= KEPT_BYTES + 4_000_000
    assert kept[-1] == 10 * PAGE - 1


async def test_a_log_without_lines(recorder: Recorder, source: CountingSource) -> None:
    log = await opened(source, recorder.execution())
    await log.load(range(40))
    assert (log.line(0), log.is_loaded(range(40))) == (None, True)
