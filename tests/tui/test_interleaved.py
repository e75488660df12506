from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.text import plain
from stepflow_tui.tui.log import interleaved
from stepflow_tui.tui.log.finder import Finder, Hit
from stepflow_tui.tui.log.interleaved import Interleaved
from stepflow_tui.tui.log.needle import Needle
from tests.tui.record import START_MS, numbered

if TYPE_CHECKING:
    import pytest

    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder


async def shown(log: Interleaved) -> list[str]:
    await log.load(range(log.line_count))
    lines = [log.line(index) for index in range(log.line_count)]
    assert [line.number for line in lines if line] == list(range(1, log.line_count + 1))
    return [plain(line.text) for line in lines if line]


async def both(source: CountingSource, recorder: Recorder, *numbers: int) -> Interleaved:
    log = Interleaved(source, [recorder.get(number) for number in numbers])
    await log.refresh()
    return log


async def test_lines_stand_as_they_arrived(recorder: Recorder, source: CountingSource) -> None:
    a, b = recorder.execution("web"), recorder.execution("database")
    recorder.log(a, b"a1\na2\n", START_MS)
    recorder.log(b, b"b1\n", START_MS + 500)
    recorder.log(a, b"a3\n", START_MS + 1000)
    recorder.log(b, b"b2\nb3\n", START_MS + 1500)
    log = await both(source, recorder, a, b)
    assert await shown(log) == [
        "#1 web      │ a1",
        "#1 web      │ a2",
        "#2 database │ b1",
        "#1 web      │ a3",
        "#2 database │ b2",
        "#2 database │ b3",
    ]
    assert [log.line_at(START_MS + moment) for moment in (0, 400, 1000, 1500, 1501)] == [
        *(0, 2, 3, 4),
        None,
    ]


async def test_a_line_never_moves(recorder: Recorder, source: CountingSource) -> None:
    a, b = recorder.execution("a"), recorder.execution("b")
    recorder.log(a, b"a1\n", START_MS + 1000)
    log = await both(source, recorder, a, b)
    version = log.version
    recorder.log(b, b"late\n", START_MS)
    recorder.log(a, b"a2\nop", START_MS + 3000)
    recorder.log(b, b"b2\n", START_MS + 2000)
    await log.refresh()
    assert log.version != version
    before = await shown(log)
    assert before == ["#1 a │ a1", "#2 b │ late", "#2 b │ b2", "#1 a │ a2", "#1 a │ op"]
    recorder.log(a, b"en\na3\n", START_MS + 4000)
    await log.refresh()
    assert await shown(log) == [*before[:4], "#1 a │ open", "#1 a │ a3"]
    assert log.byte_count == sum(recorder.get(number).byte_count for number in (a, b))


async def test_the_last_lines_of_each_are_shown(
    recorder: Recorder, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interleaved, "LAST_LINES", 100)
    a, b, quiet = (recorder.execution(name) for name in "abc")
    for place in range(300):
        recorder.log(a, numbered(10, 10 * place + 1), START_MS + 10 * place)
    recorder.log(b, numbered(30), START_MS + 2950)
    log = await both(source, recorder, a, b, quiet)
    lines = await shown(log)
    assert len(lines) == 130
    assert lines[0] == "#1 a │ line 2901"
    assert lines[49] == "#1 a │ line 2950"
    assert lines[50:61] == [
        *(f"#1 a │ line {number}" for number in range(2951, 2961)),
        "#2 b │ line 1",
    ]
    recorder.log(quiet, b"hello\n", START_MS + 9000)
    await log.refresh()
    assert (await shown(log))[130:] == ["#3 c │ hello"]


async def test_only_what_is_looked_at_is_read(recorder: Recorder, source: CountingSource) -> None:
    a, b = recorder.execution("a"), recorder.execution("b")
    for place in range(100):
        recorder.log(a, numbered(50, 50 * place + 1), START_MS + 10 * place)
        recorder.log(b, numbered(50, 50 * place + 1), START_MS + 10 * place + 5)
    log = await both(source, recorder, a, b)
    assert log.line_count == 10_000
    assert log.line(5000) is None
    assert not log.is_loaded(range(5000, 5040))
    await log.load(range(5000, 5040))
    assert log.is_loaded(range(5000, 5040))
    line = log.line(5000)
    assert line is not None
    assert plain(line.text) == "#1 a │ line 2501"
    assert log.line(0) is None
    assert log.line(10_000) is None
    log.picked = [9_999]
    await log.load(range(0))
    line = log.line(9_999)
    assert line is not None
    assert plain(line.text) == "#2 b │ line 5000"


async def test_a_line_that_was_redrawn_keeps_its_prefix(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution("\x1b[31mname\tof " + "x" * 50)
    recorder.log(number, b"10%\r20%\r\nwin\r\n")
    log = await both(source, recorder, number)
    assert await shown(log) == [
        "#1 name of xxxxxxxxxxx… │ 20%",
        "#1 name of xxxxxxxxxxx… │ win",
    ]


async def test_it_can_be_searched(recorder: Recorder, source: CountingSource) -> None:
    a, b = recorder.execution("a"), recorder.execution("b")
    for place in range(100):
        recorder.log(a, numbered(50, 50 * place + 1), START_MS + 10 * place)
        recorder.log(b, b"needle\n" * (place % 50 == 49), START_MS + 10 * place + 5)
    log = await both(source, recorder, a, b)
    finder = Finder()
    finder.turn_to(log)
    finder.begin(Needle("needle"))
    assert finder.search is not None
    await finder.search.scan(log.line_count, log.byte_count)
    assert list(finder.search.matches) == [2500, 5001]
    assert await finder.find(2500, log.line_count, backward=False) == Hit(5001, wrapped=False)
    recorder.log(b, b"needle\n", START_MS + 9999)
    await log.refresh()
    assert finder.search.is_behind(log.line_count, log.byte_count)
    await finder.search.scan(log.line_count, log.byte_count)
    assert finder.search.count == 3


async def test_one_may_be_removed(recorder: Recorder, source: CountingSource) -> None:
    a, b = recorder.execution("a"), recorder.execution("b")
    recorder.log(a, b"a1\n")
    recorder.log(b, b"b1\n")
    log = await both(source, recorder, a, b)
    recorder.finish(a)
    recorder.remove(a)
    await log.refresh()
    recorder.log(b, b"b2\n", START_MS + 10)
    await log.refresh()
    await log.load(range(3))
    line = log.line(2)
    assert line is not None
    assert plain(line.text) == "#2 b │ b2"
