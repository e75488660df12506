from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.widgets.search_bar import SearchBar
from tests.tui.dashboard import dashboard

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder


async def test_only_some_lines_are_shown(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"one good\ntwo bad\nthree good\nfour bad\n")
    async with dashboard(home) as board:
        await board.until_last("four bad")
        await board.press("tab", "tab", "ampersand", *"good", "enter")
        await board.until_text("of 2")
        await board.press("ampersand")
        await board.until(lambda: board.log_rows == ["one good", "three good"])
        recorder.log(number, b"five good\nsix bad\n")
        await board.until(lambda: board.log_rows == ["one good", "three good", "five good"])
        await board.press("ampersand")
        await board.until(lambda: board.log_rows == ["two bad", "four bad", "six bad"])
        await board.press("ampersand")
        await board.until(lambda: len(board.log_rows) == 6)
        await board.press("ampersand")
        await board.until(lambda: len(board.log_rows) == 3)
        cursor = board.log.cursor
        await board.press("escape", "escape")
        await board.until(lambda: len(board.log_rows) == 6)
        assert board.log.cursor == cursor


async def test_nobody_takes_what_is_left_for_the_whole_log(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"one good\ntwo bad\n")
    async with dashboard(home) as board:
        await board.until_last("two bad")
        await board.press("tab", "tab", "ampersand", *"good", "enter")
        await board.until_text("of 1")
        await board.press("ampersand", "escape")
        await board.until(lambda: not board.main.query_one(SearchBar).is_open)
        await board.until_text("only lines with “good”")
        await board.press("ampersand")
        await board.until_text("only lines without “good”")
        await board.press("escape")
        await board.until(lambda: "only lines" not in board.text.split("\n")[-2])


async def test_what_is_told_does_not_hide_the_lines_below(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"one good\ntwo bad\n")
    async with dashboard(home) as board:
        await board.until_last("two bad")
        await board.press("slash", *"build", "enter", "tab", "tab", "slash", *"good", "enter")
        await board.until_text("1 of 1")
        await board.press("ampersand")
        await board.until_told("only lines with it; & again for those without")
        await board.until_text("& again for those without")
        below = board.text.split("\n")[-4:]
        assert [below[0][:7], below[1][:2]] == [" filter", " /"]
        assert "1 of 1" in below[0]
        assert "1 of 1" in below[1]
