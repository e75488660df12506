from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tui.dashboard import dashboard
from tests.tui.record import START_MS

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder


async def test_the_logs_of_several_stand_in_one_view(home: Home, recorder: Recorder) -> None:
    recorder.executions(2, "web")
    recorder.execution("job")
    recorder.log(1, b"first\n", START_MS)
    recorder.log(3, b"second\n", START_MS + 1000)
    recorder.log(1, b"third\n", START_MS + 2000)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 3)
        await board.press("I")
        await board.until_text("select two executions or more")
        await board.press("v", "j", "j", "v", "I")
        await board.until_text("#1, #3, by time")
        await board.until(
            lambda: [row.split()[-1] for row in board.log_rows] == ["first", "second", "third"]
        )
        assert [row.split()[:2] for row in board.log_rows] == [
            ["#1", "web"],
            ["#3", "job"],
            ["#1", "web"],
        ]
        await board.until_text("following · 3 lines")
        recorder.log(3, b"fourth\n", START_MS + 3000)
        await board.until(lambda: board.log_rows[-1].endswith("fourth"))
        await board.until_text("following · 4 lines")
        await board.press("slash", *"th", "enter")
        await board.until_text("of 2")
        assert "#1, #3, by time" in board.text
        await board.press("escape", "escape")
        await board.until_text("#1 web")
        assert board.log_rows == ["first", "third"]
