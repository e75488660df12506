"""Frames that a program draws over one another: the log shows the last state of each row."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.frames import Frames
from stepflow_tui.core.models import Status
from stepflow_tui.tui.log.filter import LineFilter, LogFilter
from stepflow_tui.tui.log.marks import LogMarks
from stepflow_tui.tui.log.needle import Needle
from stepflow_tui.tui.log.source import LogPages
from tests.buildkit import LAST, build
from tests.tui.dashboard import dashboard
from tests.tui.log_host import log_host
from tests.tui.record import numbered, step

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.tui.log.scan import LogScan
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder

STEP = "▾ ● Build  1s"


async def test_a_live_build_shows_its_last_frame(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"before\nSTEP_START:Build\n")
    recorder.steps(number, step(1, "Build", 2, status=Status.RUNNING))
    async with dashboard(home, (140, 36)) as board:
        await board.until_last(STEP)
        first, second, *others = build()
        recorder.log(number, first)
        await board.until(lambda: board.log_rows[2:] == ["[+] Building 0.1s (0/3)"])
        recorder.log(number, second)
        await board.until(lambda: len(board.log_rows) == 6)
        assert board.log_rows[2] == "[+] Building 1.2s (1/3)"
        for frame in others:
            recorder.log(number, frame)
        shown = ["before", STEP, *LAST]
        await board.until(lambda: board.log_rows == shown)
        recorder.log(number, b"done\n")
        await board.until(lambda: board.log_rows == [*shown, "done"])
        assert "15 lines" in board.text  # those that are hidden count
        await board.press("tab", "tab", "M")
        await board.until(lambda: len(board.log_rows) == 14)
        await board.press("M")
        await board.until(lambda: board.log_rows == ["before", *LAST, "done"])
        await board.press("M")
        await board.until(lambda: board.log_rows == [*shown, "done"])


async def test_a_build_that_is_looked_at_while_it_runs(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    *frames, last = build()
    recorder.log(number, numbered(500) + b"".join(frames))
    async with dashboard(home, (140, 24)) as board:
        await board.until(lambda: board.log_rows[-1:] == [" [2/2] RUN make  0.9s"])
        assert board.log_rows[-4] == "line 500"
        recorder.log(number, last)
        await board.until(lambda: board.log_rows[-4:] == ["line 500", *LAST])
        recorder.log(number, b"done\n")
        recorder.finish(number)
        await board.until(lambda: board.log_rows[-5:] == ["line 500", *LAST, "done"])


async def test_frames_that_were_there_before(recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(2_000) + b"".join(build()) + b"done\n" + numbered(30))
    recorder.finish(number)
    async with log_host(source, recorder, number, (80, 50)) as host:
        await host.scanned()
        await host.until(lambda: host.rows[-34:-30] == [*LAST, "done"])
        assert host.rows[-35] == "line 2000"
        # the number of a line is that of the stored one, and a hidden one can be gone to
        host.log.jump(2_002, above=1, reveal=True)
        assert host.line == 2_003
        assert host.rows[host.log._cursor_y] == LAST[1]


async def test_who_reads_on_keeps_his_line_while_frames_go(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"one\ntwo\na 1\nb 1\n")
    async with log_host(source, recorder, number) as host:
        await host.press("g", "j")
        assert (host.line, host.rows[-4:]) == (2, ["one", "two", "a 1", "b 1"])
        recorder.log(number, b"\x1b[2A\x1b[2Ka 2\n\x1b[2Kb 2\n")
        await host.refresh()
        await host.until(lambda: host.rows[-4:] == ["one", "two", "a 2", "b 2"])
        assert host.line == 2
        await host.press("j")
        assert host.line == 5
        recorder.log(number, b"\x1b[2A\x1b[2Ka 3\n\x1b[2Kb 3\nend\n")
        await host.refresh()
        await host.until(lambda: host.rows[-3:] == ["a 3", "b 3", "end"])
        assert host.line == 2  # the next line above that is left


async def finish(scan: LogScan, stop: int) -> None:
    while await scan.advance(stop):
        pass


@pytest.mark.parametrize("start", [0, 1, 30_003, 60_007, 119_999, 120_000])
async def test_it_does_not_matter_where_the_scan_begins(
    recorder: Recorder, source: CountingSource, start: int
) -> None:
    number, count = recorder.execution(), 120_000
    frame = b"\x1b[19A\x1b[?25l" + b"".join(b"\x1b[2Krow %d\n" % row for row in range(19)) + b"x\n"
    data = b"META:a:b\n" * 10 + frame * 6_000
    lines = data.split(b"\n")[:count]
    for first in range(0, count, 7_001):
        recorder.log(number, b"".join(line + b"\n" for line in lines[first : first + 7_001]))
    log = LogPages(source, number)
    log.resize(count, 1)
    marks = LogMarks(log)
    marks.begin(start)
    await finish(marks, count)
    over = Frames().feed(0, b"\n".join(lines))
    assert len(over) > 100_000
    assert list(marks.silent) == sorted({*range(10), *over})


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (LineFilter(silent=False), [0, 3, 4]),
        (LineFilter(markers=False), [0, 3, 4]),
        (LineFilter(None, Needle("b 2"), silent=False), [0, 3]),
        (LineFilter(None, Needle("b 2")), [0, 1, 2, 3]),
        (LineFilter(Needle("1"), silent=False), [1, 2]),
    ],
)
async def test_filters(
    recorder: Recorder, source: CountingSource, chosen: LineFilter, left: list[int]
) -> None:
    number = recorder.execution()
    recorder.log(number, b"head\na 1\nb 1\n\x1b[2Aa 2\nb 2\n")
    log = LogPages(source, number)
    log.resize(5, 1)
    found = LogFilter(log, chosen)
    await finish(found, 5)
    shown = found.shown()
    assert [shown.at(place) for place in range(shown.below(5))] == left


def test_markers_and_frames_in_one_go(recorder: Recorder, source: CountingSource) -> None:
    """Thousands of lines are put among thousands, which takes no longer than a sort."""
    log = LogPages(source, recorder.execution())
    marks = LogMarks(log)
    marks.found[2].extend(range(0, 400_000, 2))
    begun = time.process_time()
    marks._note_over(marks.found, list(range(1, 400_000, 2)))
    assert time.process_time() - begun < 2
    assert list(marks.silent) == list(range(400_000))
