"""Executions that are removed while the dashboard shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.store import queries
from stepflow_tui.tui.live import Live, Window
from tests.tui.dashboard import dashboard
from tests.tui.record import Recorder, numbered

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.conftest import CountingSource
    from tests.tui.dashboard import Dashboard

TOP = Window(rows=range(30), lines=range(10), follow=True)


def ended(recorder: Recorder, count: int) -> None:
    recorder.executions(count, status=Status.COMPLETED)


def listed(board: Dashboard) -> list[int]:
    """The numbers in view; 0 for a row that is not read yet."""
    firsts = [row.split()[0] for row in board.rows(board.executions) if row]
    return [int(first) if first.isdecimal() else 0 for first in firsts]


@pytest.mark.parametrize(
    ("number", "neighbour"), [(5, 3), (4, 3), (3, 2), (1, 2), (0, 2), (9, 5), (2, 3)]
)
def test_the_neighbour_is_the_next_older_if_there_is_one(
    recorder: Recorder, number: int, neighbour: int
) -> None:
    ended(recorder, 5)
    recorder.remove(1, 4)
    assert recorder._writer.all(queries.neighbour(number)) == [neighbour]


def test_of_the_last_one_there_is_no_neighbour(recorder: Recorder) -> None:
    ended(recorder, 1)
    assert recorder._writer.all(queries.neighbour(1)) == [None]


async def test_where_the_selected_one_stands_is_known_after_a_removal(
    recorder: Recorder, source: CountingSource
) -> None:
    ended(recorder, 1000)
    live = Live(source)
    await live.refresh(TOP)
    live.select(500)
    await live.refresh(TOP)
    recorder.remove(*range(501, 901), 1000)
    await live.refresh(TOP)
    assert live.number == 500
    assert live.executions.index_of(500) == 99
    recorder.executions(1)
    await live.refresh(TOP)
    assert live.executions.index_of(500) == 100


async def test_a_removed_row_goes_and_the_others_stay(home: Home, recorder: Recorder) -> None:
    ended(recorder, 6)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 6)
        await board.press("j", "j", "j")
        await board.until(lambda: board.selected == 3)
        recorder.remove(5, 1)
        await board.until(lambda: listed(board) == [6, 4, 3, 2])
        assert (board.selected, board.executions.cursor) == (3, 2)
        recorder.executions(2, status=Status.COMPLETED)
        recorder.remove(4)
        await board.until(lambda: listed(board) == [8, 7, 6, 3, 2])
        assert (board.selected, board.executions.cursor) == (3, 3)
        await board.press("j")
        await board.until(lambda: board.selected == 2)


async def test_the_selection_goes_to_a_neighbour(home: Home, recorder: Recorder) -> None:
    for number in range(1, 5):
        ended(recorder, 1)
        recorder.log(number, f"log of {number}\n".encode())
    async with dashboard(home) as board:
        await board.until_text("log of 4")
        await board.press("j")
        await board.until_text("log of 3")
        for removed, neighbour, cursor in ((3, 2, 1), (2, 1, 1), (1, 4, 0)):
            recorder.remove(removed)
            await board.until_text(f"log of {neighbour}")
            assert (board.selected, board.executions.cursor) == (neighbour, cursor)
            assert f"log of {removed}" not in board.text
        recorder.remove(4)
        await board.until_text("stepflow run")
        assert board.selected is None
        await board.press("j", "k", "enter", "g", "G", "x", "r", "i", "escape", "1", "2", "3")
        ended(recorder, 1)
        recorder.log(5, b"log of 5\n")
        await board.until_text("log of 5")
        assert (listed(board), board.executions.cursor) == ([5], 0)


async def test_the_end_of_a_long_history_goes_unnoticed(home: Home, recorder: Recorder) -> None:
    ended(recorder, 2000)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 2000)
        await board.press("ctrl+d", "ctrl+d", "ctrl+d")
        await board.until(lambda: board.executions.cursor == 3 * (board.executions.height // 2))
        selected, cursor = board.selected, board.executions.cursor
        before = board.rows(board.executions)
        recorder.remove(*range(1, 1500))
        await board.until(lambda: board.executions.count == 501)
        await board.until(lambda: board.rows(board.executions) == before)
        assert (board.selected, board.executions.cursor) == (selected, cursor)


async def test_all_but_the_newest_go_under_a_cursor_at_the_end(
    home: Home, recorder: Recorder
) -> None:
    ended(recorder, 2000)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 2000)
        await board.press("G")
        await board.until(lambda: board.selected == 1)
        recorder.remove(*range(1, 1996))
        await board.until(lambda: listed(board) == [2000, 1999, 1998, 1997, 1996])
        assert board.selected == 1996
        assert board.executions.cursor == 4


async def test_many_go_above_a_cursor_far_down(home: Home, recorder: Recorder) -> None:
    ended(recorder, 2000)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 2000)
        await board.press("G")
        await board.until(lambda: board.selected == 1)
        recorder.remove(*range(100, 2001))
        await board.until(lambda: board.executions.count == 99)
        await board.until(lambda: board.executions.cursor == 98)
        await board.until(lambda: listed(board)[-1] == 1)
        assert board.selected == 1


async def test_the_log_of_what_is_removed_may_be_searched_just_then(
    home: Home, recorder: Recorder
) -> None:
    ended(recorder, 2)
    recorder.log(1, b"other\n")
    recorder.log(2, numbered(5000))
    async with dashboard(home) as board:
        await board.until_last("line 5000")
        await board.press("slash", *"line 7")
        recorder.remove(2)
        await board.press("enter", "n", "N", "n")
        await board.until_text("other")
        await board.press("escape", "k", "j")
        assert board.selected == 1
