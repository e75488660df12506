from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.places import (
    ClockTime,
    Elapsed,
    End,
    LineNumber,
    Percent,
    Place,
    line_of,
    moment_of,
    parse_place,
)
from stepflow_tui.store.chunks import merge, pack
from stepflow_tui.tui.log.arrivals import line_at
from tests.tui.dashboard import dashboard
from tests.tui.record import START_MS, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder

HOUR, MINUTE, SECOND = 3_600_000, 60_000, 1_000


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1234", LineNumber(1234)),
        (" 1,234 ", LineNumber(1234)),
        ("0", LineNumber(1)),
        ("50%", Percent(50.0)),
        ("12.5 %", Percent(12.5)),
        ("100%", Percent(100.0)),
        ("$", End()),
        ("+1m30s", Elapsed(90 * SECOND)),
        ("+90", Elapsed(90 * SECOND)),
        ("+0:01:30", Elapsed(90 * SECOND)),
        ("+10:00:00.5", Elapsed(10 * HOUR + 500)),
        ("0:01:30", Elapsed(90 * SECOND)),
        ("1:02:03.4", Elapsed(HOUR + 2 * MINUTE + 3 * SECOND + 400)),
        ("14:05:10", ClockTime(14 * HOUR + 5 * MINUTE + 10 * SECOND)),
        ("00:00", ClockTime(0)),
        ("23:59", ClockTime(23 * HOUR + 59 * MINUTE)),
        ("14:05:10.250", ClockTime(14 * HOUR + 5 * MINUTE + 10 * SECOND + 250)),
    ],
)
def test_a_place_is_read_as_it_was_meant(text: str, place: Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize("text", ["", "x", "101%", "-3", "24:00", "12:60", "+x", "1:2", "+", "1.5"])
def test_what_is_no_place_says_what_is(text: str) -> None:
    with pytest.raises(UsageProblem, match="no such place; go to 1234, 50%"):
        parse_place(text)


@pytest.mark.parametrize(
    ("place", "count", "line"),
    [
        (LineNumber(1), 10, 0),
        (LineNumber(10), 10, 9),
        (LineNumber(99), 10, 9),
        (LineNumber(5), 0, 0),
        (Percent(0), 101, 0),
        (Percent(50), 101, 50),
        (Percent(100), 101, 100),
        (End(), 10, 9),
        (End(), 0, 0),
    ],
)
def test_a_place_is_a_line(place: LineNumber | Percent | End, count: int, line: int) -> None:
    assert line_of(place, count) == line


@pytest.fixture
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.usefixtures("_berlin")
def test_a_time_of_day_is_the_nearest_one() -> None:
    start = ms("2026-03-10T22:00+01:00")
    assert moment_of(Elapsed(5), start, 0) == start + 5
    quarter = ClockTime(23 * HOUR + 15 * MINUTE)
    assert moment_of(quarter, start, ms("2026-03-10T22:00+01:00")) == ms("2026-03-10T23:15+01:00")
    assert moment_of(quarter, start, ms("2026-03-11T04:00+01:00")) == ms("2026-03-10T23:15+01:00")
    assert moment_of(quarter, start, ms("2026-03-11T21:00+01:00")) == ms("2026-03-11T23:15+01:00")
    early = ClockTime(MINUTE)
    assert moment_of(early, start, ms("2026-03-10T23:59+01:00")) == ms("2026-03-11T00:01+01:00")


@pytest.mark.usefixtures("_berlin")
def test_a_day_may_be_shorter() -> None:
    near = ms("2026-03-29T01:00+01:00")
    assert moment_of(ClockTime(4 * HOUR), 0, near) == ms("2026-03-29T04:00+02:00")


async def test_a_moment_is_found_in_few_steps(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    for place in range(300):
        recorder.log(number, numbered(10, 10 * place + 1), START_MS + 1000 * place)
    assert await line_at(source, number, START_MS, 3000) == 0
    assert await line_at(source, number, 0, 3000) == 0
    assert await line_at(source, number, START_MS + 1, 3000) == 10
    assert await line_at(source, number, START_MS + 150_000, 3000) == 1500
    assert await line_at(source, number, START_MS + 299_000, 3000) == 2990
    source.rows.clear()
    assert await line_at(source, number, START_MS + 299_001, 3000) is None
    assert len(source.rows) < 16
    assert await line_at(source, number, START_MS, 0) == 0
    assert await line_at(source, 99, START_MS, 10) is None


async def test_a_moment_within_a_merged_chunk(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    chunks = []
    for place in range(5):
        chunks += pack(
            numbered(2), first_line=2 * place, first_byte=14 * place, arrived_at=1000 * place
        )
    with recorder._writer.transaction(durable=False) as transaction:
        transaction.append_log(number, merge(chunks))
    assert [await line_at(source, number, moment, 10) for moment in (0, 1, 1000, 3999, 4001)] == [
        *(0, 2, 2, 8),
        None,
    ]


async def test_lines_in_parts_come_when_they_end(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    for place, data in enumerate((b"one\ntw", b"o, ", b"two\nthree\n", b"open")):
        recorder.log(number, data, START_MS + 1000 * place)
    found = [await line_at(source, number, START_MS + moment, 4) for moment in (0, 1, 1001, 2001)]
    assert found == [0, 1, 1, 3]


async def test_one_goes_to_a_place(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    for place in range(100):
        recorder.log(number, numbered(10, 10 * place + 1), START_MS + 1000 * place)
    async with dashboard(home) as board:
        await board.until_last("line 1000")
        for text, line in (
            ("500", 499),
            ("50%", 500),
            ("+10s", 100),
            ("0:01:30", 900),
            ("+9h", 999),
        ):
            await board.main.go_to_place(text)
            assert board.log.cursor == line, text
            assert not board.log.follow
        clock = time.strftime("%H:%M:%S", time.localtime(START_MS / 1000 + 20))
        await board.main.go_to_place(clock)
        assert board.log.cursor == 200
        await board.main.go_to_place("$")
        assert board.log.follow
        with pytest.raises(UsageProblem):
            await board.main.go_to_place("nowhere")
    assert board.messages == ["the log ends before that time"]
