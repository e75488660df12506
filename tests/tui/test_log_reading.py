"""What one can do in the view of a log itself: fold, filter, go to problems, select lines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.tui.log.heading import Markers
from stepflow_tui.tui.log.needle import Needle
from stepflow_tui.tui.screens.pretty import Pretty, json_in
from stepflow_tui.tui.widgets.log.selection import Excerpt
from tests.tui.log_host import log_host
from tests.tui.record import numbered, step

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from textual.geometry import Region

    from stepflow_tui.tui.widgets.log.view import LogView
    from tests.tui.conftest import CountingSource
    from tests.tui.log_host import LogHost
    from tests.tui.record import Recorder

    Show: TypeAlias = Callable[[int], AbstractAsyncContextManager[LogHost]]

SCRIPT = b"""\
hello
STEP_START:Build
compile
warning: old
STEP_COMPLETE:Build
STEP_START:Test
META:PROGRESS:50%
error: bad
one
two
STEP_ERROR:1 test failed
STEP_COMPLETE:Test
bye
"""


@pytest.fixture
def number(recorder: Recorder) -> int:
    """An execution of thirteen lines and two steps."""
    number = recorder.execution()
    recorder.log(number, SCRIPT)
    recorder.steps(
        number,
        step(1, "Build", 2, last_line=5, duration_ms=12_300),
        step(2, "Test", 6, last_line=12, status=Status.FAILED),
    )
    return number


@pytest.fixture
def show(source: CountingSource, recorder: Recorder) -> Show:
    """Shows the log of an execution."""
    return partial(log_host, source, recorder)


async def test_steps_have_headings(show: Show, number: int) -> None:
    async with show(number) as host:
        assert host.rows[:3] == ["hello", "▾ ✓ Build  12.3s", "compile"]
        assert host.rows[4] == "▾ ✗ Test  1.0s"
        assert host.signs == "   ! ✗  ✗ "


async def test_a_step_folds_and_unfolds(show: Show, number: int) -> None:
    async with show(number) as host:
        await host.scanned()
        await host.press("g", "j", "j", "full_stop")
        assert host.rows[:3] == [
            "hello",
            "▸ ✓ Build  12.3s  · 2 lines  ! 1",
            "▾ ✗ Test  1.0s",
        ]
        assert host.line == 2
        await host.press("j")
        assert host.line == 6
        await host.press("k", "full_stop")
        assert host.rows[2] == "compile"
        await host.press("g", "full_stop")
        assert host.messages == ["this line belongs to no step"]


async def test_all_steps_fold_and_the_place_stays(show: Show, number: int) -> None:
    async with show(number) as host:
        await host.scanned()
        await host.press("g", "j", "j", "comma")
        assert host.rows == [
            "hello",
            "▸ ✓ Build  12.3s  · 2 lines  ! 1",
            "▸ ✗ Test  1.0s  · 4 lines  ✗ 2",
            "bye",
        ]
        assert host.log.folded_steps == {1, 2}
        await host.press("comma")
        assert len(host.rows) == 10


async def test_a_jump_unfolds_what_hides_its_goal(show: Show, number: int) -> None:
    async with show(number) as host:
        await host.press("comma")
        host.log.jump(8, above=1)
        assert host.line == 9
        assert host.log.folded_steps == {1}


async def test_folds_of_a_long_log_are_read_where_they_are(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    for start in range(1, 100_001, 10_000):
        recorder.log(number, numbered(10_000, start))
    steps = [step(i, f"S{i}", i * 1000 + 1, last_line=i * 1000 + 1000) for i in range(100)]
    recorder.steps(number, *steps)
    async with show(number) as host:
        await host.press("comma", "g")
        await host.until(lambda: host.rows[:1] == ["▸ ✓ S0  1.0s  · 999 lines"])
        assert [row.split()[2] for row in host.rows] == [f"S{i}" for i in range(len(host.rows))]
        await host.press("G")
        await host.until(lambda: host.rows[-1].startswith("▸ ✓ S99"))
        assert host.log.view.lines.size == 100


async def test_markers_are_headings_or_hidden_or_raw(show: Show, number: int) -> None:
    async with show(number) as host:
        log = host.log
        assert log.cycle_markers() is Markers.RAW
        assert log.cycle_markers() is Markers.HIDDEN
        await host.until(lambda: log.view.lines.size == 8)
        assert host.rows == [
            "hello",
            "compile",
            "warning: old",
            "error: bad",
            "one",
            "two",
            "STEP_ERROR:1 test failed",
            "bye",
        ]
        await host.press("g", "j", "full_stop")
        assert host.rows[:3] == ["hello", "▸ ✓ Build  12.3s  · 2 lines  ! 1", "error: bad"]
        await host.press("full_stop", "M")
        assert host.rows == [
            "hello",
            "▾ ✓ Build  12.3s",
            "compile",
            "warning: old",
            "▾ ✗ Test  1.0s",
            "error: bad",
            "one",
            "two",
            "STEP_ERROR:1 test failed",
            "bye",
        ]
        await host.press("M")
        assert host.rows == SCRIPT.decode().splitlines()
        assert host.messages == [
            "steps as headings, other markers hidden",
            "all lines, as printed",
        ]


async def test_hidden_markers_are_reached_by_search_and_by_number(show: Show, number: int) -> None:
    async with show(number) as host:
        await host.press("g")
        host.log.jump(6, above=1, reveal=True)
        assert (host.line, host.rows[4:7]) == (
            7,
            ["▾ ✗ Test  1.0s", "META:PROGRESS:50%", "error: bad"],
        )
        await host.press("j")
        assert (host.line, host.rows[5]) == (8, "META:PROGRESS:50%")
        host.log.jump(4, above=1, reveal=True)
        assert (host.line, host.rows[4:7]) == (
            5,
            ["STEP_COMPLETE:Build", "▾ ✗ Test  1.0s", "error: bad"],
        )
        await host.press("G")
        assert "STEP_COMPLETE:Build" not in host.rows
        host.log.jump(11, above=1)
        assert (host.line, host.rows[-2:]) == (11, ["STEP_ERROR:1 test failed", "bye"])


async def test_only_markers_are_hidden_and_it_is_said(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    recorder.log(number, b"META:a:b\n" * 50)
    async with show(number) as host:
        assert host.drawn[0] == "only markers, M shows them"
        await host.press("M")
        await host.until(lambda: host.rows == ["META:a:b"] * host.log.height)


async def test_markers_among_many_lines_hide_as_they_are_found(
    recorder: Recorder, show: Show
) -> None:
    number = recorder.execution()
    for start in range(1, 100_001, 10_000):
        recorder.log(number, numbered(10_000, start).replace(b"7\n", b"7\nMETA:PROGRESS:7%\n"))
    async with show(number) as host:
        assert not [row for row in host.rows if row.startswith("META")]
        host.log.jump(54_994, above=5)
        await host.scanned()
        await host.pilot.pause()
        assert (host.log.cursor, host.log._cursor_y) == (54_994, 5)
        assert not [row for row in host.rows if row.startswith("META")]
        assert host.log.view.lines.size == 100_000
        recorder.log(number, b"META:a:b\nlast\nMETA:a:c\n")
        await host.press("G")
        await host.refresh()
        assert host.rows[-1] == "last"
        await host.press("f")
        assert host.log.seen == host.log.view.count


async def test_a_filter_shows_the_markers_that_it_asks_for(show: Show, number: int) -> None:
    async with show(number) as host:
        host.log.set_filter(Needle("50%"))
        await host.until(lambda: host.rows == ["META:PROGRESS:50%"])
        host.log.set_filter(None, Needle("e"))
        await host.until(lambda: host.rows == ["warning: old", "two"])


async def test_brackets_go_from_step_to_step(show: Show, number: int) -> None:
    async with show(number) as host:
        await host.press("g", "right_square_bracket")
        assert host.line == 2
        await host.press("right_square_bracket")
        assert host.line == 6
        await host.press("j", "left_square_bracket")
        assert host.line == 6
        await host.press("left_square_bracket", "left_square_bracket")
        assert host.line == 2
        assert host.messages == ["no step begins above"]


async def test_e_goes_to_the_problems(show: Show, number: int) -> None:
    async with show(number) as host:
        await host.press("g")
        for key, line in (("e", 4), ("e", 8), ("e", 11), ("E", 8)):
            await host.press(key)
            await host.until(partial(lambda wanted: host.line == wanted, line))
        await host.press("E", "E")
        await host.until(lambda: host.messages == ["no error or warning above"])
        assert host.line == 4


async def test_the_first_problem_is_far_away(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    recorder.log(number, b"error: first\n")
    for start in range(1, 200_001, 20_000):
        recorder.log(number, numbered(20_000, start))
    async with show(number) as host:
        await host.press("E")
        await host.until(lambda: host.line == 1)
        assert not host.log.follow


async def test_a_filter_goes_and_the_line_stays(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    for start in range(1, 20_001, 2000):
        recorder.log(number, numbered(2000, start))
    async with show(number) as host:
        log = host.log
        log.jump(10_010, above=7)
        await host.until(lambda: log.current is not None)
        log.set_filter(Needle("99"))
        await host.scanned()
        await host.until(lambda: not log._waits)
        assert (log.current.text if log.current else b"") == b"line 10099"
        expected = [n for n in range(1, 20_001) if "99" in str(n)]
        assert log.view.lines.size == len(expected)
        place = expected.index(10_099) - 7
        assert host.rows == [f"line {n}" for n in expected[place : place + len(host.rows)]]
        await host.press("j", "j")
        assert log.clear_filter()
        await host.until(lambda: not log._waits)
        assert host.rows[9] == f"line {expected[place + 9]}"
        assert host.line == expected[place + 9]
        assert not log.clear_filter()


async def test_a_filter_follows(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    recorder.log(number, b"one\nerror: a\ntwo\n")
    async with show(number) as host:
        host.log.set_filter(Needle("error"))
        await host.until(lambda: host.rows == ["error: a"])
        recorder.log(number, b"three\nerror: b\nfour\n")
        await host.refresh()
        assert host.rows == ["error: a", "error: b"]
        assert host.log.follow
        host.log.set_filter(Needle("nowhere"))
        await host.until(lambda: host.drawn[0] == "the filter leaves no line")
        host.log.set_filter(None, Needle("o"))
        await host.until(lambda: host.rows == ["three"])


async def test_wrapping_keeps_the_line_at_the_top(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    recorder.log(number, b"".join(b"%d " % n + b"x" * 99 + b"\n" for n in range(300)))
    async with show(number) as host:
        log = host.log
        log.jump(100, above=0)
        for _ in range(15):
            await host.press("j")
        top, cursor = log.view.top, log.cursor
        for _ in range(4):
            log.toggle_wrap()
            assert (log.view.top, log.cursor) == (top, cursor)
        await host.press("j")
        assert (log.view.top, log.cursor) == (top, cursor + 1)


async def test_lines_are_selected_and_copied(show: Show, number: int) -> None:
    async with show(number) as host:
        log = host.log
        await host.press("g", "j", "j")
        assert await log.excerpt() == Excerpt("compile", 1)
        await host.press("v", "j", "j")
        assert log.selected_lines == range(2, 6)
        assert await log.excerpt() == Excerpt("compile\nwarning: old\nSTEP_START:Test", 3)
        await host.press("k", "k", "k")
        assert log.selected_lines == range(1, 3)
        await host.press("G")
        assert (log.selected_lines, log.follow) == (range(2, 13), False)
        await host.press("escape")
        assert log.selected_lines == range(0)
        assert not log.end_selection()


async def test_many_lines_are_copied_without_those_that_are_hidden(
    recorder: Recorder, show: Show
) -> None:
    number = recorder.execution()
    for start in range(1, 5001, 500):
        recorder.log(number, numbered(500, start))
    async with show(number) as host:
        await host.press("g", "v", "G")
        excerpt = await host.log.excerpt()
        assert excerpt == Excerpt(numbered(5000).decode()[:-1], 5000)
        host.log.set_filter(Needle("000"))
        await host.until(lambda: host.log.view.lines.size == 5)
        await host.press("g", "v", "v", "G")
        lines = [f"line {n}" for n in range(1000, 5001, 1000)]
        assert await host.log.excerpt() == Excerpt("\n".join(lines), 5)


async def test_json_is_shown_on_a_sheet(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    recorder.log(number, b'12:00 {"a": [1, "\\u001b[31m"]} end\nno json\n')
    async with show(number) as host:
        await host.press("J")
        assert host.messages == ["no JSON in this line"]
        await host.press("k", "J")
        await host.until(lambda: isinstance(host.app.screen, Pretty))
        await host.press("y")
        assert host.app.copied == ['{\n  "a": [\n    1,\n    "\\u001b[31m"\n  ]\n}']
        await host.press("escape")
        assert not isinstance(host.app.screen, Pretty)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("plain", None),
        ("[2026] INFO {1}", "[\n  2026\n]"),
        ("x {bad} [] {} {'a': 1} [true]", "[\n  true\n]"),
        ('{"日本": "語"}', '{\n  "日本": "語"\n}'),
        ("[" * 100_000, None),
    ],
)
def test_json_is_found_in_a_line(line: str, found: str | None) -> None:
    assert json_in(line) == found


async def test_a_click_on_the_mark_of_a_heading_folds(show: Show, number: int) -> None:
    async with show(number) as host:
        await host.pilot.click(host.log, offset=(12, 2))
        assert (host.line, host.log.folded_steps) == (2, frozenset())
        x = host.log.content_region.x + 2
        await host.pilot.click(host.log, offset=(x, 2))
        assert host.log.folded_steps == {1}


async def test_problems_are_marked_on_the_scroll_bar(recorder: Recorder, show: Show) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(5000) + b"error: x\n" + numbered(5000))
    async with show(number) as host:
        await host.scanned()
        height = host.log.height
        marks = [mark[0] if mark else " " for mark in host.log._minimap.marks]
        cell = max(y for y in range(height) if 10_001 * y // height <= 5000)
        assert [y for y, sign in enumerate(marks) if sign == "✗"] == [cell]
        host.log.show_matches([0, 10_000])
        marks = [mark[0] if mark else " " for mark in host.log._minimap.marks]
        assert [y for y, sign in enumerate(marks) if sign == "◆"] == [0, height - 1]


async def test_one_more_line_draws_only_what_changed(
    recorder: Recorder, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = recorder.execution()
    recorder.log(number, b"a\nb\n")
    async with show(number) as host:
        drawn: list[int] = []
        refresh = host.log.refresh

        def noted(*regions: Region, **options: bool) -> LogView:
            drawn.extend(y for region in regions for y in range(region.y, region.bottom))
            refresh(*regions, **options)
            return host.log

        monkeypatch.setattr(host.log, "refresh", noted)
        recorder.log(number, b"c\n")
        await host.refresh()
        assert drawn == [1, 2]
        await host.refresh()
        assert drawn == [1, 2]
