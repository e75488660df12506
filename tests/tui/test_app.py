"""What the application does whatever screen is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets._toast import Toast

from tests.tui.dashboard import dashboard

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder


async def test_the_main_screen_is_never_closed(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.app.pop_screen()
        assert board.app.screen is board.main
        await board.press("question_mark")
        await board.until(lambda: board.app.screen is not board.main)
        await board.app.pop_screen()
        assert board.app.screen is board.main


async def test_what_is_told_takes_the_place_of_what_was_told_before(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution("deploy")
    async with dashboard(home) as board:
        for number in range(5):
            board.app.notify(f"copied {number}")
        board.app.notify("the disk is full", severity="error")
        board.app.notify("no pager", severity="warning")
        board.app.notify("the last one")
        told = ["the disk is full", "no pager", "the last one"]
        await board.until(lambda: board.messages == told)
        await board.until(lambda: len(board.app.screen.query(Toast)) == len(told))
