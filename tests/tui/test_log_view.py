"""Following, reading and searching a log."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.tui.widgets.search_bar import SearchBar
from tests.tui.dashboard import dashboard
from tests.tui.record import START_MS, numbered, step

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.tui.live import Window
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder


@pytest.fixture
def number(recorder: Recorder) -> int:
    """A running execution with a log of a thousand lines."""
    number = recorder.execution()
    recorder.log(number, numbered(1000))
    return number


async def to_log(board: Dashboard, last: str = "line 1000") -> None:
    await board.until_last(last)
    await board.press("shift+tab")
    assert board.focus == "log"


def follows(board: Dashboard) -> bool:
    return board.log.follow


@pytest.mark.parametrize("key", ["k", "up", "ctrl+u", "b", "pageup", "g", "home"])
async def test_any_move_up_pauses(home: Home, recorder: Recorder, number: int, key: str) -> None:
    async with dashboard(home) as board:
        await to_log(board)
        await board.press(key)
        assert not follows(board)
        await board.until_text("paused · +0 lines")
        before = board.log_rows
        recorder.log(number, numbered(1234, 1001))
        await board.until_text("paused · +1,234 lines")
        assert board.log_rows == before


@pytest.mark.parametrize("key", ["G", "end", "f"])
async def test_follow_resumes(home: Home, recorder: Recorder, number: int, key: str) -> None:
    async with dashboard(home) as board:
        await to_log(board)
        await board.press("g")
        await board.until(lambda: board.log_rows[0] == "line 1")
        recorder.log(number, b"more\n")
        await board.until_text("paused · +1 lines")
        await board.press(key)
        await board.until_last("more")
        recorder.log(number, b"still more\n")
        await board.until_last("still more")
        await board.until_text("following · 1,002 lines")


async def test_f_pauses_too(home: Home, recorder: Recorder, number: int) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 1000")
        await board.press("f")
        recorder.log(number, b"more\n")
        await board.until_text("paused · +1 lines")
        assert board.log_rows[-1] == "line 1000"


async def test_going_down_behind_the_end_follows_again(
    home: Home, recorder: Recorder, number: int
) -> None:
    async with dashboard(home) as board:
        await to_log(board)
        await board.press("k", "k", "j", "j")
        assert not follows(board)
        await board.press("j")
        assert follows(board)
        recorder.log(number, b"more\n")
        await board.until_last("more")


async def test_keys_move_the_cursor_as_in_an_editor(home: Home, number: int) -> None:
    async with dashboard(home) as board:
        await to_log(board)
        height = board.log.height
        for key, cursor in (
            ("g", 0),
            ("j", 1),
            ("ctrl+d", 1 + height // 2),
            ("space", height // 2 + height),
            ("ctrl+u", height),
            ("b", 1),
            ("b", 0),
            ("G", 999),
        ):
            await board.press(key)
            await board.until(partial(lambda expected: board.log.cursor == expected, cursor))
    assert number == 1


async def test_moving_to_a_step_shows_its_lines(
    home: Home, recorder: Recorder, number: int
) -> None:
    steps = [step(index, f"Step {index}", index * 100) for index in range(1, 9)]
    recorder.steps(number, *steps)
    async with dashboard(home) as board:
        await board.until_text("Step 8")
        await board.press("tab")
        assert follows(board)
        await board.press("k")
        await board.until(lambda: board.log_rows[:2] == ["line 699", "▾ ✓ Step 7  1.0s"])
        assert not follows(board)
        assert board.log.cursor == 699
        await board.press("enter")
        assert board.focus == "log"
        await board.until(lambda: board.log_rows[1] == "▾ ✓ Step 7  1.0s")


async def test_long_lines_are_cut_or_wrapped(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"short\n" + b"0123456789" * 30 + "日本".encode() + b"\nlast\n")
    async with dashboard(home) as board:
        await to_log(board, "last")
        assert board.log_rows[0] == "short"
        assert board.log_rows[1].endswith("→")
        assert len(board.log_rows) == 3
        await board.press("w")
        width = board.log._painter.room
        rows = board.log_rows
        assert "".join(rows[1:-1]) == "0123456789" * 30 + "日本"
        assert len(rows[1]) == width
        await board.press("w")
        assert len(board.log_rows) == 3


async def test_sideways_scrolling_is_kept_while_following(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"0123456789" * 20 + b"\n")
    async with dashboard(home) as board:
        await board.until_text("0123456789")
        await board.press("shift+tab", "right", "l", "left")
        assert board.log_rows[0].startswith("8901234567")
        recorder.log(number, b"abcdefghijklmnop\n")
        await board.until_last("ijklmnop")
        await board.press("h", "left", "left")
        await board.until_last("abcdefghijklmnop")


async def test_wrapping_keeps_the_place_in_a_long_log(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    lines = [b"%05d " % index + b"x" * 150 for index in range(20_000)]
    recorder.log(number, b"\n".join(lines) + b"\n")
    recorder.steps(number, step(1, "First", 1), step(2, "Middle", 10_001))
    async with dashboard(home) as board:
        await board.until_text("19999")
        await board.press("tab", "k", "j", "w")
        await board.until(lambda: board.log_rows[0].startswith("09999"))
        await board.until(lambda: "▾ ✓ Middle  1.0s" in board.log_rows)
        assert board.log.cursor == 10_000
        await board.press("tab", "space", "space", "b", "b")
        await board.until(lambda: board.log_rows[0].startswith("09999"))
        await board.press("G")
        await board.until(lambda: any(row.startswith("19999") for row in board.log_rows))
        recorder.log(number, b"end\n")
        await board.until_last("end")


async def test_timestamps_take_turns(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"late\n", arrived_at=START_MS + 61_200)
    async with dashboard(home) as board:
        await board.until_last("late")
        await board.press("t")
        await board.until_last("0:01:01.2  late")
        await board.press("t")
        await board.until(lambda: board.log_rows[0].endswith(".200  late"))
        await board.press("t")
        await board.until_last("late")


async def test_lines_after_the_end_are_marked(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"during\n")
    recorder.finish(number)
    recorder.log(number, b"afterwards\n")
    async with dashboard(home) as board:
        await board.until_last("┆ afterwards")
        assert board.log_rows == ["during", "┆ afterwards"]


async def test_the_end_marks_nothing_that_came_before(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"during\n")
    async with dashboard(home) as board:
        await board.until_last("during")
        recorder.finish(number)
        recorder.log(number, b"afterwards\n")
        await board.until_last("┆ afterwards")
        assert board.log_rows == ["during", "┆ afterwards"]


async def search(board: Dashboard, text: str) -> None:
    board.log.focus()
    await board.press("slash", *text, "enter")


def result(board: Dashboard) -> str:
    row = board.main.query_one(SearchBar).query_one("#search-result")
    return row.render_line(0).text.strip()


async def test_search_goes_to_the_nearest_match_and_on(
    home: Home, recorder: Recorder, number: int
) -> None:
    recorder.finish(number)
    async with dashboard(home) as board:
        await board.until_last("line 1000")
        await search(board, "00")
        assert board.focus == "log"
        await board.until(lambda: result(board) == "10 of 10")
        for key, cursor in (("N", 899), ("N", 799), ("n", 899), ("n", 999), ("n", 99)):
            await board.press(key)
            await board.until(partial(lambda expected: board.log.cursor == expected, cursor))
        assert board.messages == ["the search went on from the beginning"]
        assert result(board) == "1 of 10"


async def test_matches_are_highlighted_while_typing(home: Home, number: int) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 1000")
        board.log.focus()
        await board.press("slash", "9", "9", "9")
        await board.until(lambda: result(board) == "1 found")
        match = board.log.look("log--match")
        row = board.log.render_line(board.log.height - 2)
        shown = [part.text for part in row if part.style and part.style.bgcolor == match.bgcolor]
        assert shown == ["999"]
        await board.press("escape")
        assert board.log._painter.look.highlight is None
        assert board.focus == "log"
    assert number == 1


async def test_a_search_without_a_match_says_so(home: Home, number: int) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 1000")
        await search(board, "nowhere")
        await board.until(lambda: result(board) == "not found")
        assert follows(board)
        await board.press("escape")
        assert not board.main.query_one(SearchBar).is_open
    assert number == 1


async def test_new_matches_are_counted(home: Home, recorder: Recorder, number: int) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 1000")
        await search(board, "needle")
        await board.until(lambda: result(board) == "not found")
        recorder.log(number, b"a needle\nanother Needle\n")
        await board.until(lambda: result(board) == "2 of 2")


async def test_a_log_of_millions_opens_and_jumps_like_a_short_one(
    home: Home, recorder: Recorder
) -> None:
    number = recorder.execution(status=Status.COMPLETED)
    recorder.log(number, b"x\n" * 1_000_000 + b"needle\n" + b"y\n" * 1_000_000)
    async with dashboard(home) as board:
        await board.until_last("y")
        await board.press("shift+tab", "g")
        await board.until(lambda: board.log_rows[0] == "x")
        await search(board, "needle")
        await board.until_text("line 1,000,001 of 2,000,001")


async def test_the_scroll_bar_works_in_lines(home: Home, number: int) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 1000")
        bar = board.log.vertical_scrollbar
        assert bar.window_virtual_size == 1000
        assert bar.position == 1000 - board.log.height
        await board.pilot.click(bar, offset=(0, 0))
        await board.until(lambda: not board.log.follow)
        assert bar.position < 1000 - board.log.height
    assert number == 1


async def test_a_log_with_a_hole_is_shown_and_rests(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = recorder.execution()
    for start in range(1, 400, 100):
        recorder.log(number, numbered(100, start))
    with sqlite3.connect(home.database) as connection:
        connection.execute("DELETE FROM log_chunks WHERE first_line >= 300")
    connection.close()
    async with dashboard(home) as board:
        await board.until_text("following · 400 lines")
        refreshes = 0
        refresh = board.main._live.refresh

        async def counted(window: Window) -> None:
            nonlocal refreshes
            refreshes += 1
            await refresh(window)

        monkeypatch.setattr(board.main._live, "refresh", counted)
        await board.press("shift+tab", "k", "k", "b")
        await asyncio.sleep(0.3)
        assert refreshes <= 8
        await board.press("g")
        await board.until(lambda: board.log_rows[0] == "line 1")


async def test_a_line_that_is_cut_says_how_much_more_there_is(
    home: Home, recorder: Recorder
) -> None:
    number = recorder.execution()
    recorder.log(number, b"before\n" + b"y" * 10_000_000)
    async with dashboard(home) as board:
        await board.until_text("following · 2 lines")
        await board.press("shift+tab", "w")
        await board.until(lambda: board.log_rows[-1].endswith(" … 9.9 MB more"))
        recorder.log(number, b"y" * 1_000_000)
        await board.until(lambda: board.log_rows[-1].endswith(" … 10.9 MB more"))


async def test_of_a_line_that_is_redrawn_the_last_state_is_in_view(
    home: Home, recorder: Recorder
) -> None:
    number = recorder.execution()
    recorder.log(number, b"loading")
    async with dashboard(home) as board:
        await board.until_last("loading")
        for start in range(0, 20_000, 5000):
            states = range(start, start + 5000)
            recorder.log(number, b"".join(b"\r%6d of 20000" % state for state in states))
            await board.until_last(f"{start + 4999:6} of 20000")
        assert board.log.view.count == 1


async def test_rows_that_are_left_over_are_blank(home: Home, recorder: Recorder) -> None:
    number = recorder.execution(status=Status.COMPLETED)
    recorder.log(number, b"z" * 630 + b"\nend\n")
    async with dashboard(home) as board:
        await board.until_last("end")
        await board.press("shift+tab", "g", "w", "t")
        await board.until(lambda: len(board.log_rows) > 10)
        await board.press("t", "t")
        await board.until(lambda: board.text.count("end ") == 1)
