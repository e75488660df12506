"""What changes while something is read: the user moves on, another look is under way, it fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import pytest

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.models import Status
from stepflow_tui.store.feed import Feed
from stepflow_tui.tui.live import Live, Window
from tests.tui.dashboard import dashboard
from tests.tui.record import numbered, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.queries import Pulse, Query
    from tests.tui.record import Recorder

T = TypeVar("T")

WINDOW = Window(rows=range(50), lines=range(20), follow=True)


class Interrupted(Feed):
    """Does something once while a pulse is under way, and fails once if it is told to."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.meanwhile: Callable[[], object] = bool
        self.failing = ""

    async def pulse(self, number: int, newest: int) -> Pulse:
        found = await super().pulse(number, newest)
        meanwhile, self.meanwhile = self.meanwhile, bool
        meanwhile()
        return found

    async def all(self, query: Query[T]) -> list[T]:
        if self.failing and self.failing in query.sql:
            self.failing = ""
            raise StoreProblem("the writer begins anew")
        return await super().all(query)


async def test_a_log_is_never_taken_for_that_of_another(home: Home, recorder: Recorder) -> None:
    long, short = recorder.execution("long"), recorder.execution("short")
    recorder.log(long, b"A1\nA2\nA3\n")
    recorder.log(short, b"B1\nB2\n")
    async with Interrupted(home) as feed:
        await feed.next_change()
        live = Live(feed)
        await live.refresh(WINDOW)
        live.select(long)
        await live.refresh(WINDOW)
        feed.ask_anew()
        feed.meanwhile = lambda: live.select(short)
        for _ in range(2):
            await live.refresh(WINDOW)
        assert live.log is not None
        found = [live.log.line(index) for index in range(live.log.line_count)]
        assert [line.text for line in found if line] == [b"B1", b"B2"]


@pytest.mark.parametrize("failing", ["number = ?", "FROM steps"])
async def test_what_could_not_be_read_is_another_edition_when_it_is(
    home: Home, recorder: Recorder, failing: str
) -> None:
    first = recorder.execution()
    recorder.steps(first, step(1, "alpha", 1))
    recorder.execution()
    async with Interrupted(home) as feed:
        await feed.next_change()
        live = Live(feed)
        await live.refresh(WINDOW)
        live.select(first)
        feed.failing = failing
        with pytest.raises(StoreProblem):
            await live.refresh(WINDOW)
        before = live.edition
        await live.refresh(WINDOW)
        assert (live.edition != before, len(live.steps)) == (True, 1)


async def test_there_and_back_is_another_edition(home: Home, recorder: Recorder) -> None:
    recorder.executions(2)
    async with Feed(home) as feed:
        await feed.next_change()
        live = Live(feed)
        await live.refresh(WINDOW)
        before = live.edition
        live.select(1)
        live.select(2)
        await live.refresh(WINDOW)
        assert live.edition != before


async def test_a_look_under_way_does_not_take_back_what_was_told(
    home: Home, recorder: Recorder
) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(5))
    async with Feed(home) as feed:
        await feed.next_change()
        told = [await feed.pulse(number, 0)]
        recorder.log(number, numbered(1, 6))
        look = asyncio.create_task(feed._look())
        await asyncio.sleep(0)
        recorder.log(number, numbered(1, 7))
        feed.ask_anew()
        told.append(await feed.pulse(number, 0))  # in line behind that look
        assert await look
        told.append(await feed.pulse(number, 0))
        counts = [pulse.line_count for pulse in told]
        assert counts == sorted(counts)


@pytest.mark.parametrize("keys", ["tab tab", "tab tab tab", "f"])
async def test_the_current_line_stands_out_as_soon_as_it_may(
    home: Home, recorder: Recorder, keys: str
) -> None:
    number = recorder.execution(status=Status.COMPLETED)
    recorder.log(number, numbered(20))
    async with dashboard(home, (120, 30)) as board:
        await board.until_text("line 20")
        await board.press(*keys.split())
        log = board.log
        is_lit = log.has_focus or not log.follow
        assert [row.line for row in log._rows if row.cursor] == ([19] if is_lit else [])


async def test_marking_with_the_mouse_lights_the_current_line(
    home: Home, recorder: Recorder
) -> None:
    recorder.log(recorder.execution(status=Status.COMPLETED), numbered(20))
    async with dashboard(home, (120, 30)) as board:
        await board.until_text("line 20")
        await board.pilot.mouse_down(board.log, offset=(5, 3))
        await board.pilot.hover(board.log, offset=(9, 5))
        await board.pilot.mouse_up(board.log, offset=(9, 5))
        assert not board.log.follow
        assert any(row.cursor for row in board.log._rows)
