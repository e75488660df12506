from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.tui.screens.main.screen import MainScreen
from stepflow_tui.tui.screens.matches import Matches
from stepflow_tui.tui.widgets.match_list import MatchList
from tests.tui.dashboard import dashboard
from tests.tui.record import numbered

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder


@pytest.fixture
def number(recorder: Recorder) -> int:
    """Every hundredth of 5,000 lines matches."""
    number = recorder.execution("deploy")
    recorder.log(number, numbered(5000).replace(b"00\n", b"00 hit\n"))
    return number


async def listed(board: Dashboard, *keys: str) -> MatchList:
    await board.until_last("line 5000 hit")
    board.main._go_to("log")
    await board.press("slash", *"hit", "enter")
    await board.until(lambda: board.log.cursor == 4999)
    await board.press(*keys, "L")
    await board.until(lambda: isinstance(board.app.screen, Matches))
    found = board.app.screen.query_one(MatchList)
    await board.until(lambda: found.cursor is not None)
    return found


def rows(found: MatchList) -> list[str]:
    return [row for y in range(found.height) if (row := found.render_line(y).text.strip())]


@pytest.mark.usefixtures("number")
async def test_every_match_is_a_row(home: Home) -> None:
    async with dashboard(home) as board:
        found = await listed(board, "g", "n")
        await board.until_text("“hit” in #1 deploy", "1 of 50", "100: line 100 hit")
        assert rows(found)[:2] == ["100: line 100 hit", "200: line 200 hit"]
        assert found.count == 50
        await board.press("j", "j")
        await board.until_text("3 of 50")
        await board.press("enter")
        await board.until(lambda: isinstance(board.app.screen, MainScreen))
        await board.until(lambda: board.log.cursor == 299)
        assert not board.log.follow
        assert board.focus == "log"


@pytest.mark.usefixtures("number")
async def test_it_begins_where_one_reads(home: Home) -> None:
    async with dashboard(home) as board:
        found = await listed(board)
        await board.until_text("50 of 50", "5,000: line 5000 hit")
        await board.press("g")
        await board.until_text("1 of 50", "100: line 100 hit")
        await board.press("G")
        await board.until_text("50 of 50", "5,000: line 5000 hit")
        await board.press("escape")
        assert isinstance(board.app.screen, MainScreen)
        assert board.log.cursor == 4999
        assert found.count == 50


@pytest.mark.usefixtures("number")
@pytest.mark.parametrize("size", [(120, 36), (40, 20)])
async def test_lines_around_are_shown_on_request(home: Home, size: tuple[int, int]) -> None:
    async with dashboard(home, size) as board:
        if size[0] == 40:
            await board.until_text("deploy")
            await board.press("tab", "tab")
        found = await listed(board, "g", "n", "n")
        await board.press("c")
        await board.until_text("99  line 99", "100: line 100 hit", "101  line 101")
        assert found.count == 200
        assert found.line == 199
        for _ in range(3):
            await board.press("j")
        await board.until_text("5 of 50", "499  line 499", "500: line 500 hit", "501  line 501")
        assert found.line == 499
        await board.press("G")
        await board.until_text("50 of 50", "4,999  line 4999", "5,000: line 5000 hit")
        await board.press("k", "k", "c")
        await board.until_text("48 of 50")
        assert found.line == 4799
        assert found.count == 50
        await board.press("enter")
        await board.until(lambda: board.log.cursor == 4799)


async def test_a_match_far_to_the_right_is_in_view(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"x" * 500 + b"needle" + b"y" * 500 + b"\n\tneedle\n")
    async with dashboard(home, (80, 24)) as board:
        await board.until_text("needle")
        board.main._go_to("log")
        await board.press("slash", *"needle", "enter")
        await board.until(lambda: board.log.cursor == 1)
        await board.press("L")
        await board.until_text("1: …xxx", "xneedley", "2:         needle")


async def test_the_list_grows_with_the_log(home: Home, recorder: Recorder, number: int) -> None:
    async with dashboard(home) as board:
        found = await listed(board)
        recorder.log(number, b"another hit\n")
        await board.until(lambda: found.count == 51)
        await board.press("G")
        await board.until_text("51 of 51", "5,001: another hit")


async def test_without_a_search_there_is_nothing_to_list(home: Home, recorder: Recorder) -> None:
    recorder.log(recorder.execution(), b"line\n")
    async with dashboard(home) as board:
        await board.until_text("line")
        board.main._go_to("log")
        await board.press("L")
        await board.until(lambda: board.messages == ["nothing is looked for; / begins a search"])
        await board.press("slash", *"nothing here", "enter")
        await board.press("L")
        await board.until(lambda: isinstance(board.app.screen, Matches))
        await board.until_text("no match")
        await board.press("c", "j", "enter")
        assert isinstance(board.app.screen, MainScreen)
