"""Keys that no other test presses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.containers import VerticalScroll

from stepflow_tui.tui.screens.help import Help
from stepflow_tui.tui.screens.palette import Entries
from stepflow_tui.tui.widgets.gauge_pane import GaugePane
from stepflow_tui.tui.widgets.preview_pane import PreviewPane
from tests.tui.dashboard import dashboard
from tests.tui.furnished import furnish
from tests.tui.tour import BY_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.tui.widgets.pane import Pane
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder


@pytest.fixture
def furnished(recorder: Recorder) -> Home:
    return furnish(recorder)


async def test_a_sheet_is_scrolled_by_the_keys_it_names(furnished: Home) -> None:
    async with dashboard(furnished, (80, 24)) as board:
        await BY_NAME["help"].visit(board)
        page = board.app.screen.query_one(VerticalScroll)
        page_rows, end = page.size.height, page.max_scroll_y
        assert end > 2 * page_rows
        for key, y in (
            ("j", 1),
            ("j", 2),
            ("k", 1),
            ("ctrl+d", 1 + page_rows),
            ("ctrl+u", 1),
            ("space", 1 + page_rows),
            ("b", 1),
            ("G", end),
            ("g", 0),
        ):
            await board.press(key)
            await until_at(board, page, y)


async def until_at(board: Dashboard, page: VerticalScroll | Pane, y: int) -> None:
    await board.until(lambda: round(page.scroll_y) == y)


async def test_the_arrows_choose_in_the_palette(furnished: Home) -> None:
    async with dashboard(furnished, (80, 24)) as board:
        await BY_NAME["palette"].visit(board)
        entries = board.app.screen.query_one(Entries)
        await board.until(lambda: entries.cursor == 0)
        cursors = []
        for key in ("down", "ctrl+n", "up", "down", "ctrl+p", "pagedown", "pageup"):
            await board.press(key)
            cursors.append(entries.cursor)
        assert cursors == [1, 2, 1, 2, 1, 1 + entries.height - 1, 1]


async def test_what_is_watched_can_be_told(furnished: Home) -> None:
    async with dashboard(furnished) as board:
        await BY_NAME["executions"].visit(board)
        await board.press("B")
        await board.until_told("the end of #10 site will be told")
        await board.press("B")
        await board.until_told("the end of #10 site is not told")
        await board.press("j", "j", "j")
        await board.until(lambda: board.selected == 7)
        await board.press("B")
        await board.until_told("#7 Überprüfung has ended already")


@pytest.mark.parametrize(("name", "kind"), [("gauges", GaugePane), ("preview", PreviewPane)])
async def test_other_panes_are_scrolled_as_the_list_is(
    furnished: Home, name: str, kind: type[Pane]
) -> None:
    async with dashboard(furnished, (60, 12)) as board:
        await BY_NAME[name].visit(board)
        pane = board.app.screen.query_one(kind)
        await board.until(lambda: pane.max_scroll_y > 2)
        height, end = pane.height, pane.max_scroll_y
        for key, y in (
            ("j", 1),
            ("k", 0),
            ("ctrl+d", height // 2),
            ("ctrl+u", 0),
            ("space", height - 1),
            ("b", 0),
            ("pagedown", height - 1),
            ("pageup", 0),
            ("G", end),
            ("g", 0),
        ):
            await board.press(key)
            await until_at(board, pane, min(y, end))


async def test_shift_tab_goes_back_to_the_processes(furnished: Home) -> None:
    async with dashboard(furnished) as board:
        await BY_NAME["gauges"].visit(board)
        await board.press("shift+tab")
        assert board.focus == "health-trees"


async def test_the_list_of_matches_tells_its_keys(furnished: Home) -> None:
    async with dashboard(furnished) as board:
        await BY_NAME["matches"].visit(board)
        await board.press("question_mark")
        await board.until(lambda: isinstance(board.app.screen, Help))
        await board.until_text("lines around", "go there")
        await board.press("escape")
        assert board.focus == "match-list"


def lines_saved_in(directory: Path) -> int:
    [saved] = directory.glob("*.log")
    return saved.read_text(encoding="utf-8").count("\n")


async def test_enter_saves_from_a_box_to_tick(
    furnished: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with dashboard(furnished) as board:
        await BY_NAME["save"].visit(board)
        await board.press("tab", "enter")
        await board.until(lambda: board.messages)
    assert lines_saved_in(tmp_path) == 11


async def test_the_log_is_read_from_the_list(furnished: Home) -> None:
    async with dashboard(furnished) as board:
        await BY_NAME["executions"].visit(board)
        await board.until_text("broken link")
        await board.press("left_square_bracket")
        assert board.log.cursor + 1 == 9
        await board.press("left_square_bracket", "e")
        await board.until(lambda: board.log.cursor + 1 == 7)
        await board.press("right_square_bracket")
        assert board.log.cursor + 1 == 9
        await board.press("full_stop")
        await board.until(lambda: "broken link" not in board.text)
        await board.press("full_stop", "left_square_bracket", "J")
        assert board.messages == ["no JSON in this line"]
        assert board.focus == "executions"
        await board.press("tab", "v")
        assert board.log.selected_lines == range(3, 4)
        assert board.focus == "log"
