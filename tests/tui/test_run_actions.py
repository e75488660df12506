"""What keys do to executions, one or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, TextArea

from stepflow_tui.core.models import Status
from stepflow_tui.requests.request import (
    CancelRequest,
    MarkRequest,
    NoteRequest,
    RemoveRequest,
    RunRequest,
    TagRequest,
)
from stepflow_tui.tui.screens.confirm import Confirm
from stepflow_tui.tui.screens.edit import EditNote, EditTags
from stepflow_tui.tui.screens.main import run_actions
from stepflow_tui.tui.screens.main.screen import MainScreen
from stepflow_tui.tui.screens.new_run import NewRun
from tests.tui.dashboard import dashboard

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import Request
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder

DONE = Status.COMPLETED


def ended(recorder: Recorder, name: str = "build", **fields: object) -> int:
    """An execution that is over, and so is its log."""
    number = recorder.execution(name, status=DONE, **fields)
    recorder.close_streams()
    return number


async def opened(board: Dashboard, kind: type[object]) -> None:
    await board.until(lambda: isinstance(board.app.screen, kind))


async def asked(board: Dashboard, count: int = 1) -> list[Request]:
    """What was asked of the runner, once it is so many requests."""
    await board.until(lambda: len(board.orders.requests) == count)
    return board.orders.requests


def ids(recorder: Recorder, *numbers: int) -> list[str]:
    return [recorder.get(number).id for number in numbers]


async def test_a_kill_is_asked_for_by_its_name(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("X")
        await board.until_text("Kill #1 deploy?", "killed at once, without time to clean up")
        await board.press("y")
        [request] = await asked(board)
        assert isinstance(request, CancelRequest)
        assert (request.execution, request.force) == (recorder.get(number).id, True)
        await board.until(lambda: board.messages == ["asked the runner to kill #1 deploy"])


async def test_many_are_cancelled_but_for_those_that_have_ended(
    home: Home, recorder: Recorder
) -> None:
    numbers = [recorder.execution(f"job{number}") for number in range(7)]
    over = recorder.execution("over", status=DONE)
    async with dashboard(home) as board:
        await board.until_text("● running")
        board.executions.selected = {*numbers, over}
        await board.press("x")
        await board.until_text(
            "Cancel 7 executions?",
            "#7 job6 has been running for",
            "and 2 more",
            "1 execution of those selected has ended.",
            "They are stopped with all their processes.",
        )
        assert "#1 job0 has been" not in board.text
        await board.press("y")
        requests = await asked(board, 7)
        assert [r.execution for r in requests if isinstance(r, CancelRequest)] == ids(
            recorder, *reversed(numbers)
        )
        assert not any(r.force for r in requests if isinstance(r, CancelRequest))


@pytest.mark.parametrize(
    "warning",
    [
        "background processes that it left go on: sleep (pid 7)",
        "ended while background processes still hold its output: sleep (pid 7)",
    ],
)
async def test_what_was_left_in_the_background_is_stopped(
    home: Home, recorder: Recorder, warning: str
) -> None:
    number = ended(recorder, "deploy")
    recorder.change(number, warnings=[warning])
    async with dashboard(home) as board:
        await board.until_text("deploy")
        await board.press("x")
        await board.until_text("Stop what #1 deploy left in the background?", "are stopped.")
        await board.press("y")
        [request] = await asked(board)
        assert isinstance(request, CancelRequest)
        assert (request.execution, request.leftovers) == (recorder.get(number).id, True)
        said = ["nothing of #1 deploy is left in the background"]
        await board.until(lambda: board.messages == said)


async def test_the_end_of_what_was_cancelled_is_told(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("● running")
        board.orders.unanswered = True
        await board.press("x")
        await opened(board, Confirm)
        await board.press("y")
        await asked(board)
        recorder.finish(number, Status.CANCELLED)
        board.orders.unanswered = False
        await board.until(lambda: board.messages == ["#1 deploy cancelled"])


@pytest.mark.parametrize("key", ["m", "T", "i", "D", "x"])
async def test_a_refusal_is_said_with_its_reason(home: Home, recorder: Recorder, key: str) -> None:
    if key == "x":
        recorder.execution("deploy")
    else:
        ended(recorder, "deploy")
    async with dashboard(home) as board:
        await board.until_text("deploy")
        board.orders.refused = "the disk is full"
        await board.press(key)
        if key != "m":
            await board.until(lambda: not isinstance(board.app.screen, MainScreen))
            await board.press(*{"T": ["a", "ctrl+s"], "i": ["a", "ctrl+s"]}.get(key, ["y"]))
        await board.until(lambda: "refused: the disk is full" in board.messages)
        assert [n.severity for n in board.app._notifications][-1] == "error"


async def test_a_runner_that_does_not_answer_is_not_waited_for(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.execution("deploy")
    monkeypatch.setattr(run_actions, "_ACCEPTED_WITHIN_S", 0.1)
    async with dashboard(home) as board:
        await board.until_text("● running")
        board.orders.unanswered = True
        await board.press("m")
        said = ["the runner has not answered yet; it is done as soon as it does"]
        await board.until(lambda: board.messages == said)


async def test_marks_are_put_on_all_and_then_taken_from_all(home: Home, recorder: Recorder) -> None:
    numbers = [recorder.execution("a"), recorder.execution("b")]
    recorder.mark(numbers[0])
    async with dashboard(home) as board:
        await board.until_text("● running")
        board.executions.selected = set(numbers)
        await board.press("m")
        await board.until(lambda: board.messages == ["2 executions are marked: never removed"])
        recorder.mark(*numbers)
        await board.press("m")
        await board.until(lambda: board.messages == ["2 executions are not marked any more"])
        first, second = await asked(board, 2)
        assert isinstance(first, MarkRequest)
        assert isinstance(second, MarkRequest)
        assert (first.executions, first.marked) == (ids(recorder, 2, 1), True)
        assert second.marked is False


async def test_tags_are_changed_from_what_there_is(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy", tags=["nightly", "old"])
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("T")
        await opened(board, EditTags)
        line = board.app.screen.query_one(Input)
        assert line.value == "nightly old "
        line.value = "nightly release"
        await board.press("enter")
        [request] = await asked(board)
        assert isinstance(request, TagRequest)
        assert (request.add, request.remove) == (["release"], ["old"])
        await board.until(lambda: board.messages == ["#1 deploy is tagged +release -old"])


async def test_of_many_the_common_tags_are_changed(home: Home, recorder: Recorder) -> None:
    recorder.execution("a", tags=["x", "both"])
    recorder.execution("b", tags=["both", "y"])
    async with dashboard(home) as board:
        await board.until_text("● running")
        board.executions.selected = {1, 2}
        await board.press("T")
        await opened(board, EditTags)
        line = board.app.screen.query_one(Input)
        assert line.value == "both "
        assert "what all 2 have; others of theirs stay" in board.text
        line.value = ""
        await board.press("ctrl+s")
        [request] = await asked(board)
        assert isinstance(request, TagRequest)
        assert request.executions == ids(recorder, 2, 1)
        assert (request.add, request.remove) == ([], ["both"])


async def test_a_note_is_written_and_nothing_is_asked_without_a_change(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("i", "escape", "i")
        await opened(board, EditNote)
        board.app.screen.query_one(TextArea).text = "why\nit fell"
        await board.press("ctrl+s")
        [request] = await asked(board)
        assert isinstance(request, NoteRequest)
        assert request.note == "why\nit fell"
        await board.until(lambda: board.messages == ["#1 deploy has a note now"])


async def test_different_notes_begin_empty(home: Home, recorder: Recorder) -> None:
    for number, note in ((recorder.execution("a"), "one"), (recorder.execution("b"), "two")):
        recorder.note(number, note)
    async with dashboard(home) as board:
        await board.until_text("● running")
        board.executions.selected = {1, 2}
        await board.press("i")
        await opened(board, EditNote)
        assert board.app.screen.query_one(TextArea).text == ""
        assert "takes the place of what they have" in board.text
        await board.press("ctrl+s")
        await opened(board, MainScreen)
        assert board.orders.requests == []


async def test_removing_asks_and_says_what_stays(home: Home, recorder: Recorder) -> None:
    one, two, marked = (ended(recorder, name) for name in ("one", "two", "marked"))
    recorder.mark(marked)
    running = recorder.execution("busy")
    async with dashboard(home) as board:
        await board.until_text("busy")
        board.executions.selected = {one, two, marked, running}
        await board.press("D")
        await board.until_text(
            "Remove 2 executions?",
            "#2 two (completed)",
            "Logs and artifacts go with them, 0 B in all.",
            "2 stay: 1 is marked (m lets go), 1 is running (x",
        )
        await board.press("enter")
        await opened(board, MainScreen)
        assert board.orders.requests == []
        await board.press("D")
        await opened(board, Confirm)
        await board.press("y")
        [request] = await asked(board)
        assert isinstance(request, RemoveRequest)
        assert request.executions == ids(recorder, two, one)
        await board.until(lambda: board.messages == ["2 executions stayed: marked meanwhile"])


async def test_what_is_removed_is_selected_no_more(home: Home, recorder: Recorder) -> None:
    one, two = ended(recorder, "one"), ended(recorder, "two")
    async with dashboard(home) as board:
        await board.until_text("one")
        board.executions.selected = {one}
        board.orders.unanswered = True
        await board.press("D")
        await board.until_text("Remove #1 one?", "#1 one (completed).", "Logs and artifacts go")
        await board.press("y")
        await asked(board)
        recorder.remove(one)
        board.orders.unanswered = False
        await board.until(lambda: board.messages == ["removed #1 one"])
        assert board.executions.selected == set()
        assert board.selected == two


@pytest.mark.parametrize(
    ("running", "sentence"),
    [
        (True, "nothing can be removed: #1 deploy is running (x cancels)"),
        (False, "nothing can be removed: #1 deploy is marked (m lets go)"),
    ],
)
async def test_what_must_stay_is_not_even_asked_about(
    home: Home, recorder: Recorder, running: bool, sentence: str
) -> None:
    number = recorder.execution("deploy") if running else ended(recorder, "deploy")
    recorder.mark(number)
    async with dashboard(home) as board:
        await board.until_text("deploy")
        await board.press("D")
        await board.until(lambda: board.messages == [sentence])
        assert isinstance(board.app.screen, MainScreen)


async def test_many_are_run_again_if_the_user_is_sure(home: Home, recorder: Recorder) -> None:
    for name in ("a", "b", "c"):
        recorder.execution(name, status=Status.FAILED)
    async with dashboard(home) as board:
        await board.until_text("✗ failed")
        board.executions.selected = {1, 3}
        await board.press("r")
        await board.until_text("Run 2 executions again?", "#3 c (failed)", "#1 a (failed)")
        await board.press("y")
        await board.until(lambda: board.orders.rerun_of == [1, 3])
        await board.until(lambda: board.messages == ["2 executions run again"])
        board.orders.missing = "the values of TOKEN were not stored"
        await board.press("r")
        await opened(board, Confirm)
        await board.press("y")
        sentence = "the values of TOKEN were not stored"
        await board.until(
            lambda: board.messages[1:] == [f"refused: #1: {sentence}", f"refused: #3: {sentence}"]
        )


async def test_a_new_run_is_started_told_and_turned_to(home: Home, recorder: Recorder) -> None:
    recorder.execution("old")
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("s")
        await opened(board, NewRun)
        await board.press(*"/bin/true")
        board.app.screen.query_one("#name", Input).value = "fresh"
        await board.press("ctrl+s")
        [request] = await asked(board)
        assert isinstance(request, RunRequest)
        assert (request.command, request.name, request.rerun_of) == (["/bin/true"], "fresh", None)
        recorder.execution("fresh", id=request.id)
        await board.until(lambda: board.selected == 2)
        assert board.messages == ["started as #2 fresh"]


async def test_the_first_run_of_all_is_started_from_an_empty_dashboard(home: Home) -> None:
    async with dashboard(home) as board:
        await board.until_text("No executions yet")
        await board.press("s")
        await opened(board, NewRun)
        await board.press(*"/bin/true", "ctrl+s")
        await asked(board)
        assert isinstance(board.app.screen, MainScreen)


async def test_a_rerun_with_edits_says_whose(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy", command=["/bin/true", "a b"], cwd="/", status=Status.FAILED)
    recorder.execution("other", status=Status.FAILED)
    async with dashboard(home) as board:
        await board.until_text("deploy")
        board.executions.selected = {1, 2}
        await board.press("R")
        await board.until(
            lambda: board.messages == ["one at a time can be changed, and 2 are selected"]
        )
        board.executions.selected = {1}
        await board.press("R")
        await opened(board, NewRun)
        assert "Run #1 deploy again, with changes" in board.text
        await board.press(*" c", "ctrl+s")
        [request] = await asked(board)
        assert isinstance(request, RunRequest)
        assert (request.command, request.rerun_of) == (["/bin/true", "a b", "c"], 1)
