"""Text that comes in one go with the key that opens the dialog it is meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual import events
from textual.widgets import Button, Input, TextArea

from stepflow_tui.tui.screens.confirm import Confirm
from stepflow_tui.tui.screens.details import Details
from stepflow_tui.tui.screens.edit import EditNote, EditTags
from stepflow_tui.tui.screens.help import Help
from stepflow_tui.tui.screens.new_run import NewRun
from stepflow_tui.tui.screens.palette import Palette
from tests.tui.dashboard import dashboard
from tests.tui.record import step

if TYPE_CHECKING:
    from textual.screen import Screen

    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder

HOSTILE = "rDxXmqvz."
"""Most of these would do something to the execution."""


def at_once(board: Dashboard, text: str, *keys: str) -> None:
    """Have all of this read from the terminal before any of it is acted on."""
    for letter in text:
        board.app.post_message(events.Key(letter if letter.isalnum() else "", letter))
    for key in keys:
        board.app.post_message(events.Key(key, None))


async def until_open(board: Dashboard, screen: type[Screen[Any]]) -> None:
    await board.until(lambda: isinstance(board.app.screen, screen))


@pytest.mark.parametrize("pane", ["executions", "steps", "log"])
@pytest.mark.parametrize(
    ("key", "screen"), [("s", NewRun), ("R", NewRun), ("T", EditTags), ("i", EditNote)]
)
async def test_what_is_typed_for_a_dialog_is_not_taken_for_commands(
    home: Home, recorder: Recorder, key: str, screen: type[Screen[Any]], pane: str
) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 1)
        board.main._go_to(pane)
        at_once(board, key + HOSTILE)
        await until_open(board, screen)
        await board.pilot.pause()
        line = board.app.screen.focused
        assert isinstance(line, Input | TextArea)
        text = line.value if isinstance(line, Input) else line.text
        assert text.endswith(HOSTILE)
        assert (board.orders.rerun_of, board.orders.requests, board.messages) == ([], [], [])
        await board.press("escape")
        await board.until(lambda: board.app.screen is board.main)
        assert board.focus == pane


async def test_a_command_typed_ahead_is_found_before_it_is_done(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 1)
        board.app.post_message(events.Key("colon", ":"))
        at_once(board, "help", "enter")
        await until_open(board, Help)


async def test_where_there_is_nothing_to_ask_the_keys_are_commands_again(
    home: Home, recorder: Recorder
) -> None:
    recorder.executions(2)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 2)
        await board.press("v", "j", "v")
        at_once(board, "R")
        await board.until_told("one at a time can be changed, and 2 are selected")
        await board.press("question_mark")
        await until_open(board, Help)


async def test_while_one_types_these_keys_are_text(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 1)
        await board.press("slash", *"siRT:")
        assert board.main._filter.input.value == "siRT:"
        await board.press("ctrl+p")
        await until_open(board, Palette)
        await board.press(*"zoom", "escape")
        await board.until(lambda: board.app.screen is board.main)
        assert board.app.focused is board.main._filter.input


def mend_at_once(board: Dashboard, *keys: str) -> None:
    """Type `axc`, with what makes `abc` of it, in one go."""
    at_once(board, "axc")
    for key in keys:
        character = key if len(key) == 1 else None
        board.app.post_message(events.Key(key, character))


MENDING = ("left", "backspace", "b", "end", "d")


async def test_text_is_mended_in_the_order_of_the_keys(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 1)
        await board.press("slash")
        mend_at_once(board, *MENDING)
        await board.until(lambda: board.main._filter.input.value == "abcd")
        for key, screen in (("s", NewRun), ("i", EditNote), ("colon", Palette)):
            await board.press("escape", key)
            await until_open(board, screen)
            await board.until(lambda: board.app.screen.focused is not None)
            mend_at_once(board, *MENDING)
            line = board.app.screen.focused
            assert isinstance(line, Input | TextArea)
            value = "value" if isinstance(line, Input) else "text"
            await board.until(lambda line=line, value=value: getattr(line, value) == "abcd")  # type: ignore[misc]


async def test_what_comes_behind_enter_is_for_what_comes_then(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 1)
        await board.press("slash")
        at_once(board, "build", "enter", "z")
        await board.until(lambda: board.main.has_class("-zoomed"))
        assert board.main._filter.input.value == "build"


@pytest.mark.parametrize("keys", ["xrxr", "rxD", "WxW", "Dr"])
async def test_only_one_question_is_asked_at_a_time(
    home: Home, recorder: Recorder, keys: str
) -> None:
    recorder.executions(2)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 2)
        await board.press("v", "j", "v")
        at_once(board, keys)
        await board.until(lambda: board.app.screen is not board.main)
        await board.pilot.pause(0.2)
        assert len(board.app.screen_stack) == 2


async def test_enter_again_and_again_opens_one_sheet(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 1)
        for _ in range(4):
            board.app.post_message(events.Key("enter", None))
        await until_open(board, Details)
        await board.press("escape")
        await board.until(lambda: board.app.screen is board.main)
        await board.press("colon")
        await until_open(board, Palette)
        await board.press(*"details")
        await board.until(lambda: "  details  " in board.text)
        palette = board.app.screen
        assert isinstance(palette, Palette)
        for _ in range(3):
            palette._choose()
        await until_open(board, Details)
        await board.pilot.pause(0.2)
        assert len(board.app.screen_stack) == 2


async def test_a_screen_is_closed_once_however_often_it_is_asked(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 1)
        for key in ("x", "question_mark", "enter", "H", "a", "c", "T", "W", "colon"):
            await board.press(key)
            await board.until(lambda: board.app.screen is not board.main)
            opened = board.app.screen
            for _ in range(3):
                opened.dismiss(None)
            await board.until(lambda: board.app.screen is board.main)
        await board.press("x")
        await until_open(board, Confirm)
        question = board.app.screen
        for _ in range(3):
            question.query_one("#no", Button).press()
        await board.until(lambda: board.app.screen is board.main)
        assert board.app.is_running


async def test_help_that_is_closed_before_it_is_drawn_harms_nothing(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("build")
        for _ in range(3):
            at_once(board, "", "question_mark", "escape")
            await board.pilot.pause()
        await board.until(lambda: not isinstance(board.app.screen, Help))
        assert board.app._exception is None


async def test_what_follows_a_move_to_a_step_is_done_after_it(
    home: Home, recorder: Recorder
) -> None:
    number = recorder.execution("build")
    recorder.log(number, b"line\n" * 400)
    steps = [step(index, f"step {index}", first_line=100 * index + 50) for index in range(3)]
    recorder.steps(number, *steps)
    async with dashboard(home) as board:
        await board.until(lambda: len(board.main._live.steps) == 3)
        board.main._go_to("steps")
        at_once(board, "k", "tab")
        at_once(board, "g")
        await board.until(lambda: board.focus == "log")
        await board.pilot.pause()
        assert (board.log.follow, board.log.cursor) == (False, 0)
