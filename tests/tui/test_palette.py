from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.tui.forms.entries import Entry, best, rank
from stepflow_tui.tui.screens.palette import Palette
from tests.tui.dashboard import dashboard
from tests.tui.record import step

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder


@pytest.mark.parametrize(
    ("text", "title", "found"),
    [
        ("", "Cancel", 0),
        ("can", "Cancel", 0),
        ("MATCH", "next match", 1),
        ("atch", "next match", 2),
        ("nm", "next match", 3),
        ("n m", "next match", 3),
        ("mn", "next match", 4),
        ("(", "next match", 4),
    ],
)
def test_how_well_a_title_fits(text: str, title: str, found: int) -> None:
    assert rank(text, title) == found


def test_the_best_come_first() -> None:
    entries = [Entry(title, "", print) for title in ("no way", "the way", "wayward", "lorry")]
    assert [entry.title for entry in best("way", entries, 10)] == ["wayward", "no way", "the way"]
    assert len(best("", entries, 2)) == 2


async def open_palette(board: Dashboard, key: str = "ctrl+p") -> None:
    await board.press(key)
    await board.until(lambda: isinstance(board.app.screen, Palette))


async def choose(board: Dashboard, typed: str, found: str) -> None:
    """Type what is meant, and choose what is found."""
    await board.press(*typed)
    await board.until_text(found)
    await board.press("enter")


async def test_an_action_is_chosen_by_its_name(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("build")
        await open_palette(board)
        await choose(board, "help", "help")
        await board.until_text("Moving in a pane")


async def test_a_run_is_gone_to_by_its_name_or_number(home: Home, recorder: Recorder) -> None:
    for name in ("alpha", "beta", "gamma"):
        recorder.execution(name)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 3)
        await open_palette(board, "colon")
        await choose(board, "alph", "#1 alpha")
        await board.until(lambda: board.selected == 1 and board.executions.cursor == 2)
        await open_palette(board)
        await board.press("2")
        await board.until_text("Go to 2", "#2 beta")
        await board.press("down", "enter")
        await board.until(lambda: board.selected == 2)


async def test_a_step_is_gone_to_by_its_name(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    recorder.log(number, b"STEP_START:Fetch\nSTEP_START:Unpack\n")
    recorder.steps(number, step(1, "Fetch", 1), step(2, "Unpack", 2))
    recorder.execution("other")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 2)
        await open_palette(board)
        await choose(board, "unpa", "Unpack  #1 deploy")
        await board.until(lambda: board.selected == 1 and board.focus == "steps")
        assert board.steps.cursor == 1
        assert board.log.cursor == 1


async def test_escape_leaves_all_as_it_was(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("build")
        await open_palette(board)
        await board.press(*"nothing like it")
        await board.until_text("nothing fits")
        await board.press("enter", "escape")
        await board.until(lambda: not isinstance(board.app.screen, Palette))
        assert board.focus == "executions"


async def test_an_action_is_told_first_then_where_and_by_which_key(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        board.app.set_keymap({"stepflow.cancel": "ctrl+x,f8", "stepflow.compare": "w"})
        await board.until_text("build")
        await open_palette(board)
        await board.press(*"cancel")
        await board.until(lambda: "  cancel  " in board.text)
        row = next(line for line in board.text.split("\n") if "  cancel  " in line)
        assert row.split("│")[2].split() == ["cancel", "run", "ctrl+x", "f8"]
        await board.press(*["backspace"] * 6, *"wrap")
        await board.until(lambda: "  wrap  " in board.text)
        row = next(line for line in board.text.split("\n") if "  wrap  " in line)
        assert row.split("│")[2].split() == ["wrap", "log"]


async def test_the_way_to_the_next_pane_is_told_in_words(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("build")
        await open_palette(board)
        await choose(board, "pane", " next pane ")
        await board.until(lambda: board.focus == "steps")


async def test_actions_are_found_by_what_they_belong_to(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("build")
        await open_palette(board)
        await board.press(*"list")
        await board.until_text("list all matches", "turn the order round")


async def test_a_run_is_found_by_the_number_as_it_is_written(
    home: Home, recorder: Recorder
) -> None:
    for name in ("alpha", "beta"):
        recorder.execution(name)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 2)
        await open_palette(board)
        await choose(board, "#1", "#1 alpha")
        await board.until(lambda: board.selected == 1)
