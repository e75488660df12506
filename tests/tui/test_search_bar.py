from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.tui.log import needle
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.search_bar import SearchBar
from tests.tui.dashboard import dashboard
from tests.tui.record import numbered

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder


def said(board: Dashboard, part: str = "result") -> str:
    line = board.main.query_one(SearchBar).query_one(f"#search-{part}", Line)
    return line.render_line(0).text.strip()


@pytest.fixture
def number(recorder: Recorder) -> int:
    number = recorder.execution()
    recorder.log(number, b"Error 12\nerror 7\na.b\naxb\n" + numbered(50))
    return number


@pytest.mark.usefixtures("number")
async def test_a_pattern_is_looked_for_after_ctrl_r(home: Home) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 50")
        board.main._go_to("log")
        await board.press("slash", *"a.b")
        await board.until(lambda: said(board) == "1 found")
        assert said(board, "modes") == "plain any case"
        await board.press("ctrl+r")
        await board.until(lambda: said(board) == "2 found")
        assert said(board, "modes") == "regex any case"
        await board.press("enter")
        await board.until(lambda: said(board) == "2 of 2")
        assert board.log.cursor == 3
        await board.press("N")
        await board.until(lambda: said(board) == "1 of 2")
        await board.press("slash", "ctrl+r")
        await board.until(lambda: said(board) == "1 of 1")


@pytest.mark.usefixtures("number")
async def test_case_is_told_apart_after_ctrl_t(home: Home) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 50")
        board.main._go_to("log")
        await board.press("slash", *"error")
        await board.until(lambda: said(board) == "2 found")
        await board.press("ctrl+t")
        await board.until(lambda: said(board) == "1 found")
        assert said(board, "modes") == "plain exact case"
        await board.press("ctrl+t")
        await board.until(lambda: said(board) == "2 found")
        await board.press("escape", "slash", *"Error")
        await board.until(lambda: said(board) == "1 found")
        assert said(board, "modes") == "plain exact case"
        await board.press("ctrl+t")
        await board.until(lambda: said(board) == "2 found")


@pytest.mark.usefixtures("number")
@pytest.mark.parametrize("width", [40, 80, 300])
async def test_a_wrong_pattern_is_said_at_once(home: Home, width: int) -> None:
    async with dashboard(home, (width, 36)) as board:
        await board.until_text("build")
        board.main._go_to("log")
        await board.press("slash", "ctrl+r", *"rror (")
        await board.until(lambda: said(board) == "missing ) at 7")
        assert "rror (" in board.text
        assert "missing ) at 7" in board.text
        await board.press("enter")
        assert board.focus == "search-text"
        await board.press("backspace", "1", "enter")
        await board.until(lambda: board.log.cursor == 0)


@pytest.mark.usefixtures("number")
async def test_the_modes_are_signs_where_it_is_narrow(home: Home) -> None:
    async with dashboard(home, (60, 36)) as board:
        await board.until_text("build")
        board.main._go_to("log")
        await board.press("slash", "x")
        assert said(board, "modes") == "ab aA"
        await board.press("ctrl+r", "ctrl+t")
        await board.until(lambda: said(board, "modes") == ".* Aa")


async def test_a_slow_pattern_is_given_up_with_a_word(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needle, "_LINE_S", 0.01)
    number = recorder.execution()
    recorder.log(number, b"a" * 60 + b"!\n" + numbered(3) + b"aaa\n")
    async with dashboard(home) as board:
        await board.until_text("line 3")
        board.main._go_to("log")
        await board.press("slash", "ctrl+r", *"(a|aa)+$")
        await board.until(lambda: said(board) == "1 found, 1 line took too long")


async def test_the_count_goes_on_while_the_log_grows(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, b"hit\nhit and hi")
    async with dashboard(home) as board:
        await board.until_text("hit and")
        board.main._go_to("log")
        await board.press("slash", *"hit", "enter")
        await board.until(lambda: said(board) == "2 of 2")
        recorder.log(number, b"t\nmiss\nhit\n")
        await board.until(lambda: "of 3" in said(board) or "3 found" in said(board))
        other = recorder.execution()
        recorder.log(other, b"one hit\n")
        await board.press("shift+tab", "shift+tab", "g")
        await board.until(lambda: board.selected == other)
        await board.until(lambda: said(board) in ("1 found", "1 of 1"))


@pytest.mark.usefixtures("number")
async def test_typing_on_does_not_begin_anew_on_enter(home: Home) -> None:
    async with dashboard(home) as board:
        await board.until_last("line 50")
        board.main._go_to("log")
        await board.press("slash", *"error")
        await board.until(lambda: said(board) == "2 found")
        search = board.main._finder.search
        await board.press("enter")
        await board.until(lambda: board.log.cursor == 1)
        assert board.main._finder.search is search
