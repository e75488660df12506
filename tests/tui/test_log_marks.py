from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.tui.log.filter import LineFilter, LogFilter, marker_lines
from stepflow_tui.tui.log.marks import LogMarks, Severity, problems_in, severity
from stepflow_tui.tui.log.needle import Needle
from stepflow_tui.tui.log.source import LogPages
from tests.tui.record import numbered

if TYPE_CHECKING:
    from stepflow_tui.tui.log.scan import LogScan
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("error: no such file", ERROR),
        ("E: error", ERROR),
        ("ERROR", ERROR),
        ("[ERROR] it broke", ERROR),
        ("2026-11-23 12:00:00 ERROR it broke", ERROR),
        ("level=error msg=broken", ERROR),
        ('{"level":"fatal","msg":"x"}', ERROR),
        ("npm ERR! code 1", ERROR),
        ("--- FAIL: TestAll", ERROR),
        ("3 tests failed", ERROR),
        ("10 errors", ERROR),
        ("ValueError: bad", ERROR),
        ("java.lang.NullPointerException: x", ERROR),
        ("Traceback (most recent call last):", ERROR),
        ("panic: runtime error", ERROR),
        ("STEP_ERROR:out of disk", ERROR),
        ("Fehler größer, fatal: ja", ERROR),
        ("warning: unused `error`", WARNING),
        ("WARN failed to connect", WARNING),
        ("DeprecationWarning: old", WARNING),
        ("level=warning msg=error", WARNING),
        ("STEP_START:fix the error", None),
        ("META:error:many", None),
        ("STEP_COMPLETE:failed tests", None),
        ("INFO the error rate is low", None),
        ("DEBUG exception handler installed", None),
        ("0 errors, 0 warnings", None),
        ("no errors", None),
        ("failed=0 unreachable=0", None),
        ('"errors": 0', None),
        ("tests/test_error.py", None),
        ("--error-exitcode=1", None),
        ("written to stderr", None),
        ("set -e: exit on error", None),
        ("errors.log", None),
        ("terraform apply", None),
        ("", None),
    ],
)
def test_problems_are_told_from_other_lines(line: str, kind: Severity | None) -> None:
    assert severity(line) is kind
    found = problems_in(f"before\n{line}\nbehind", 10)
    assert found == ([11] * (kind is ERROR), [11] * (kind is WARNING))


def test_each_line_counts_once() -> None:
    text = "error error fatal\nok\nwarning\nérror, no: error\n"
    assert problems_in(text, 0) == ([0, 3], [2])


def test_marker_lines_are_found_but_for_errors() -> None:
    text = "STEP_START:a\nx META:y\n  META:PROGRESS:3%\nSTEP_ERROR:b\nMETA:\n\x1bSTEP_COMPLETE:a"
    assert list(marker_lines(text, 7)) == [7, 9]


async def log_of(recorder: Recorder, source: CountingSource, count: int) -> LogPages:
    number = recorder.execution()
    for start in range(1, count + 1, 5000):
        data = numbered(5000, start)
        data = data.replace(b"000\n", b"000 error\n").replace(b"500\n", b"500 warning\n")
        recorder.log(number, data)
    log = LogPages(source, number)
    log.resize(count, 1)
    return log


async def finish(scan: LogScan, stop: int) -> None:
    while await scan.advance(stop):
        pass


@pytest.mark.parametrize("start", [0, 7, 30_000, 60_000])
async def test_a_scan_goes_outward_and_finds_all(
    recorder: Recorder, source: CountingSource, start: int
) -> None:
    marks = LogMarks(await log_of(recorder, source, 60_000))
    marks.begin(start)
    await finish(marks, 60_000)
    assert (marks.low, marks.high) == (0, 60_000)
    assert list(marks.errors) == list(range(999, 60_000, 1000))
    assert list(marks.warnings) == list(range(499, 60_000, 1000))


async def test_what_is_near_is_known_first(recorder: Recorder, source: CountingSource) -> None:
    marks = LogMarks(await log_of(recorder, source, 60_000))
    marks.begin(60_000)
    assert await marks.advance(60_000)
    assert (marks.low, marks.high) == (60_000 - 16_384, 60_000)
    assert marks.errors[-1] == 59_999
    assert not marks.is_done(60_000)


async def test_marks_are_counted_and_found_from_a_line(
    recorder: Recorder, source: CountingSource
) -> None:
    marks = LogMarks(await log_of(recorder, source, 5_000))
    await finish(marks, 5_000)
    assert marks.counts(0, 5_000) == (5, 5)
    assert marks.counts(499, 999) == (0, 1)
    assert [marks.following(line) for line in (0, 499, 500, 4_999)] == [499, 999, 999, None]
    assert [marks.preceding(line) for line in (499, 500, 999, 1_000)] == [None, 499, 499, 999]


async def test_lines_in_memory_need_no_reading(recorder: Recorder, source: CountingSource) -> None:
    log = await log_of(recorder, source, 5_000)
    marks = LogMarks(log)
    await finish(marks, 5_000)
    recorder.log(log.number, b"error: one more\nan error to c")
    log.resize(5_002, 2)
    await log.load(range(4_990, 5_002))
    queries = len(source.rows)
    marks.take(5_002)
    assert (marks.errors[-1], marks.high, len(source.rows)) == (5_000, 5_001, queries)
    assert not await marks.advance(5_001)
    recorder.log(log.number, b"ome\n")
    log.resize(5_002, 3)
    await log.load(range(4_990, 5_002))
    marks.take(5_002)
    assert list(marks.errors[-2:]) == [5_000, 5_001]


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (LineFilter(Needle("red")), [0, 2, 4]),
        (LineFilter(Needle("red"), Needle("green")), [0, 4]),
        (LineFilter(None, Needle("green")), [0, 1, 4, 5]),
        (LineFilter(markers=False), [0, 2, 3, 4, 5]),
        (LineFilter(silent=False), [0, 2, 3, 4, 5]),
        (LineFilter(None, Needle("red"), silent=False), [3, 5]),
        (LineFilter(Needle("e"), silent=False), [0, 1, 2, 3, 4]),
        (LineFilter(None, Needle("red"), markers=False), [3, 5]),
        (LineFilter(Needle("e"), markers=False), [0, 2, 3, 4]),
        (LineFilter(Needle("^.e.$", is_regex=True)), [0, 4]),
    ],
)
async def test_a_filter_leaves_lines(
    recorder: Recorder, source: CountingSource, chosen: LineFilter, left: list[int]
) -> None:
    number = recorder.execution()
    recorder.log(number, b"\x1b[31mred\x1b[0m\nMETA:a:b\nred green\ngreen\nred\n\n")
    log = LogPages(source, number)
    log.resize(6, 1)
    found = LogFilter(log, chosen)
    await finish(found, 6)
    shown = found.shown()
    assert [shown.at(place) for place in range(shown.below(6))] == left
