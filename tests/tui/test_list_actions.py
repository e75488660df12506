from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.tui.executions import listing
from stepflow_tui.tui.screens.main import screen
from tests.tui.dashboard import Dashboard, dashboard

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_REST_PER_COST", 0)


@pytest.fixture
def history(recorder: Recorder) -> Recorder:
    recorder.execution("build", status=Status.COMPLETED, duration_ms=2000, tags=["nightly"])
    recorder.execution("deploy", status=Status.FAILED, duration_ms=9000)
    recorder.execution("build", status=Status.FAILED, duration_ms=1000)
    recorder.execution("deploy", status=Status.COMPLETED, duration_ms=3000)
    return recorder


def listed(board: Dashboard) -> list[str]:
    rows = [row.lstrip(" ▌").split() for row in board.rows(board.executions) if row]
    return [row[0] for row in rows]


def head(board: Dashboard) -> str:
    return board.executions.render_line(0).text


async def type_filter(board: Dashboard, text: str) -> None:
    board.main.action_filter()
    await board.press(*text)


async def test_the_list_is_filtered_while_one_types(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await type_filter(board, "status:f")
        await board.until(lambda: listed(board) == ["3", "2"])
        await board.until_text("tab: failed  2 of 4")
        assert board.selected == 3  # the first that passes
        await board.press("enter")
        assert board.focus == "executions"
        await board.until_text("2 of 4")
        assert "tab:" not in board.text


async def test_the_selected_one_stays_selected_if_it_passes(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await board.press("G")
        await board.until(lambda: board.selected == 1)
        await type_filter(board, "name:build")
        await board.until(lambda: listed(board) == ["3", "1"])
        assert (board.selected, board.executions.cursor) == (1, 1)
        await board.press("escape")
        await board.until(lambda: listed(board) == ["4", "3", "2", "1"])
        assert (board.selected, board.executions.cursor, board.focus) == (1, 3, "executions")
        assert not board.main._filter.is_open


async def test_what_cannot_be_understood_is_told_and_changes_nothing(
    home: Home, history: Recorder
) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await type_filter(board, "tag:nightly status:")
        await board.until_text("1 of 4", "tab: pending")
        await board.press("x")
        await board.until_text("no status is called 'x'")
        assert listed(board) == ["1"]
        await board.press("backspace", "enter")
        await board.until_text("status: what? for example status:running")
        assert (listed(board), board.focus) == (["1"], "filter-text")


async def test_where_nothing_passes_the_way_out_is_told(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await type_filter(board, "zero")
        await board.until_text("nothing passes the filter; esc shows all", "0 of 4")
        assert board.selected == 4
        history.execution("zero errors", status=Status.COMPLETED)
        await board.until_text("1 of 5")
        assert board.selected == 4


async def test_what_comes_to_pass_is_listed(home: Home, history: Recorder) -> None:
    number = history.execution("late")
    async with dashboard(home) as board:
        await board.until_text("5 late")
        await type_filter(board, "status:failed")
        await board.press("enter")
        await board.until(lambda: listed(board) == ["3", "2"])
        history.change(number, status=Status.FAILED)
        await board.until(lambda: listed(board) == ["5", "3", "2"])
        assert (board.selected, board.executions.cursor) == (3, 1)


async def test_any_column_sorts_and_turns_round(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        assert "#▾" in head(board)
        await board.press("S")
        await board.until(lambda: listed(board) == ["3", "1", "4", "2"])
        assert "NAME▴" in head(board)
        assert (board.selected, board.executions.cursor) == (4, 2)
        await board.press("backslash")
        await board.until(lambda: listed(board) == ["4", "2", "3", "1"])
        assert "NAME▾" in head(board)
        await board.press("S", "S", "S")
        await board.until(lambda: listed(board) == ["2", "4", "1", "3"])
        assert "TIME▾" in head(board)
        await board.press("S", "S")
        await board.until(lambda: listed(board) == ["4", "3", "2", "1"])


async def test_a_click_on_a_head_sorts(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        x = head(board).index("TIME") + 1
        await board.pilot.click(board.executions, offset=(x, 1))
        await board.until(lambda: listed(board) == ["2", "4", "1", "3"])
        await board.pilot.click(board.executions, offset=(x, 1))
        await board.until(lambda: listed(board) == ["3", "1", "4", "2"])


async def test_groups_by_name_lead_to_their_runs_and_back(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await board.press("p")
        await board.until_text("Executions by name")
        await board.until(lambda: listed(board) == ["deploy", "build"])
        assert board.rows(board.executions)[0].split() == ["deploy", "✓", "✗✓", "2", "3.0s"]
        await board.press("j")
        await board.until(lambda: board.selected == 3)
        await board.press("enter")
        await board.until(lambda: listed(board) == ["3", "1"])
        await board.until_text("filter name:=build", "2 of 4")
        await board.press("escape")
        await board.until(lambda: listed(board) == ["deploy", "build"])
        assert board.executions.cursor == 1
        await board.press("p")
        await board.until(lambda: listed(board) == ["4", "3", "2", "1"])
        await board.press("enter")
        await board.until_text("submitted")  # the details again


async def test_to_go_to_what_is_hidden_lets_go_of_the_filter(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await type_filter(board, "status:failed")
        await board.press("enter")
        await board.until(lambda: listed(board) == ["3", "2"])
        await board.main.open_at(2)
        assert (board.selected, board.main._filter.is_open) == (2, True)
        await board.main.open_at(1)
        await board.until(lambda: listed(board) == ["4", "3", "2", "1"])
        assert (board.selected, board.executions.cursor) == (1, 3)
        assert not board.main._filter.is_open


async def test_a_new_run_is_found_in_a_list_that_takes_its_time(
    home: Home, history: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        monkeypatch.setattr(listing, "_REST_PER_COST", 1e9)
        await type_filter(board, "name:build")
        await board.press("enter")
        await board.until(lambda: listed(board) == ["3", "1"])
        number = history.execution("build")
        await board.main.open_at(number)
        await board.until(lambda: listed(board) == ["5", "3", "1"])
        assert (board.selected, board.executions.cursor) == (5, 0)


async def test_several_can_be_selected(home: Home, history: Recorder) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await board.press("v", "j", "v", "j", "v", "v")
        await board.until_text("Executions · 2 selected")
        assert board.executions.selected == {3, 4}
        assert [row[0] for row in board.rows(board.executions)[:3]] == ["▌", "▌", " "]
        board.executions.forget([3])
        await board.until_text("Executions · 1 selected")
        await board.press("V")
        await board.until(lambda: "selected" not in board.text)


async def test_escape_lets_go_of_what_is_selected_from_every_pane(
    home: Home, history: Recorder
) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        for panes in ((), ("tab",), ("tab", "tab")):
            board.main._go_to("executions")
            await board.press("g", "v", "j", "v", *panes)
            await board.until_text("2 selected")
            await board.press("escape")
            await board.until(lambda: board.executions.selected == set())


async def test_a_long_problem_with_a_filter_is_told_to_its_end(
    home: Home, history: Recorder
) -> None:
    assert history.home == home
    async with dashboard(home) as board:
        await board.until_text("4 deploy")
        await type_filter(board, "status:bogus")
        await board.press("enter")
        await board.until_text("status:bogus", "no status is called 'bogus'", "timed_out, lost")
        await board.pilot.resize_terminal(70, 30)
        await board.press("x")
        await board.until_text("no status is called 'bogusx'", "…\n")


async def test_the_header_counts(home: Home, history: Recorder) -> None:
    history.executions(3)
    async with dashboard(home) as board:
        await board.until_text("● 3 running", "○ 0 pending")
        assert board.text.splitlines()[0].startswith(" ● 3 running")


async def test_the_header_knows_at_once_that_nothing_runs_any_more(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "_IDLE_TICK_S", 3600.0)
    number = recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("● 1 running")
        recorder.finish(number)
        await board.until_text("● 0 running")


async def test_on_a_high_terminal_the_curves_have_a_line_of_their_own(
    home: Home, history: Recorder
) -> None:
    history.executions(3)
    async with dashboard(home, (160, 45)) as board:
        await board.until_text("● 3 running")
        first, second = board.text.splitlines()[:2]
        assert first.startswith(" ● 3 running")
        assert set(second) <= set(" ▁▂▃▄▅▆▇█")


@pytest.mark.parametrize("size", [(40, 20), (80, 24), (300, 60)])
async def test_it_fits_any_terminal(home: Home, history: Recorder, size: tuple[int, int]) -> None:
    assert history.home == home
    async with dashboard(home, size) as board:
        await board.until_text("4 deploy")
        await type_filter(board, "name:deploy")
        await board.until(lambda: listed(board) == ["4", "2"])
        await board.press("enter", "p")
        await board.until(lambda: listed(board) == ["deploy"])
        assert max(map(len, board.text.splitlines())) <= size[0]
