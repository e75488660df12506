"""Keys that are typed right after the list has turned to another execution are meant for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual.events import Key

from stepflow_tui.core.models import Status
from stepflow_tui.tui.log.source import LogPages
from tests.tui.dashboard import Dashboard, dashboard
from tests.tui.record import Recorder, numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.home import Home


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """While it is not set, no line of a log can be read."""
    may_read = asyncio.Event()
    may_read.set()
    load = LogPages.load

    async def load_later(self: LogPages, lines: range) -> None:
        await may_read.wait()
        await load(self, lines)

    monkeypatch.setattr(LogPages, "load", load_later)
    return may_read


@pytest.fixture
def two(home: Home, recorder: Recorder) -> Home:
    for name, count in (("older", 50), ("newer", 20)):
        number = recorder.execution(name, status=Status.COMPLETED)
        recorder.log(number, numbered(count))
    return home


async def type_ahead(board: Dashboard, held: asyncio.Event, *keys: str) -> None:
    """Type before the log that the first key turns to can be read."""
    held.clear()
    for key in keys:
        board.app.post_message(Key(key, key if len(key) == 1 else None))
    for _ in range(20):
        await asyncio.sleep(0)
    held.set()


@pytest.mark.parametrize(
    ("keys", "follows", "is_there"),
    [
        (("f",), False, lambda board: board.log.cursor == 49),
        (("tab", "tab", "k"), False, lambda board: board.log.cursor == 48),
        (("tab", "tab", "g"), False, lambda board: board.log.cursor == 0),
        (("f", "f"), True, lambda board: board.log.cursor == 49),
    ],
)
async def test_they_act_on_what_was_turned_to(
    two: Home,
    held: asyncio.Event,
    keys: tuple[str, ...],
    follows: bool,
    is_there: Callable[[Dashboard], bool],
) -> None:
    async with dashboard(two) as board:
        await board.until_last("line 20")
        await type_ahead(board, held, "j", *keys)
        await board.until(lambda: board.log.view.count == 50 and board.log.follow is follows)
        await board.until(lambda: is_there(board))
        assert board.selected == 1


async def test_the_list_waits_for_no_log(
    home: Home, recorder: Recorder, held: asyncio.Event
) -> None:
    for _ in range(10):
        recorder.log(recorder.execution("run", status=Status.COMPLETED), numbered(5))
    async with dashboard(home) as board:
        await board.until_last("line 5")
        held.clear()
        for _ in range(5):
            board.app.post_message(Key("j", "j"))
        await board.until(lambda: board.selected == 5)
        held.set()


async def test_a_database_that_does_not_answer_holds_up_nobody(
    home: Home, recorder: Recorder, held: asyncio.Event
) -> None:
    for _ in range(2):
        recorder.log(recorder.execution("run", status=Status.COMPLETED), numbered(5))
    async with dashboard(home) as board:
        await board.until_last("line 5")
        held.clear()
        for key in "jq":
            board.app.post_message(Key(key, key))
        await board.until(lambda: board.app.return_code == 0 or not board.app.is_running)
        held.set()
