from __future__ import annotations

from typing import TYPE_CHECKING

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
