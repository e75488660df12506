from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.target import Target
from stepflow_tui.store.feed import Feed
from stepflow_tui.tui.app import StepflowApp
from stepflow_tui.tui.live import Live
from stepflow_tui.tui.memory import Memory
from stepflow_tui.tui.screens.main.remembering import turn_back
from stepflow_tui.tui.start import _read_first_screen
from tests.tui.dashboard import Dashboard, NotedOrders
from tests.tui.record import step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder


async def opened(
    home: Home,
    memory: Memory,
    do: Callable[[Dashboard], Awaitable[None]],
    target: Target | None = None,
) -> Memory:
    """How the dashboard is left after `do`, if it was left like `memory` before."""
    async with Feed(home) as feed:
        live, orders = Live(feed), NotedOrders(home, home.root.parent)
        turn_back(live, memory)
        await _read_first_screen(feed, live)
        app = StepflowApp(home.root, feed, live, orders)
        app.restore(memory, target)
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            await do(Dashboard(app, pilot, orders))
        return app.memory


async def test_it_comes_back_as_it_was_left(home: Home, recorder: Recorder) -> None:
    for name in ("alpha", "beta", "gamma"):
        number = recorder.execution(name)
        recorder.log(number, b"STEP_START:One\none\nSTEP_START:Two\ntwo\n")
        recorder.steps(number, step(1, "One", 1, last_line=2), step(2, "Two", 3, last_line=4))

    async def leave(board: Dashboard) -> None:
        await board.until(lambda: board.selected == 3)
        await board.press("j")
        await board.until_text("#2 beta", "two")
        await board.press("S", "tab", "tab", "w", "t", "g", "comma", "z")
        await board.until(lambda: board.log.folded_steps == {1, 2})

    left = await opened(home, Memory(), leave)
    assert left == Memory(
        selected=2,
        at_newest=False,
        pane="log",
        zoomed=True,
        wrap=True,
        timestamps="ELAPSED",
        sort="name",
        folded=(1, 2),
    )

    async def look(board: Dashboard) -> None:
        await board.until_text("#2 beta", "▸ ✓ One")
        assert board.focus == "log"
        assert not board.executions.region

    assert await opened(home, left, look) == left


async def test_what_was_filtered_is_filtered_again(home: Home, recorder: Recorder) -> None:
    recorder.execution("alpha")
    recorder.execution("beta")

    async def leave(board: Dashboard) -> None:
        await board.until_text("alpha")
        await board.press("slash", *"name:alpha", "enter")
        await board.until_text("1 of 2")

    left = await opened(home, Memory(), leave)
    assert left.filter == "name:alpha"

    async def look(board: Dashboard) -> None:
        await board.until_text("1 of 2", "name:alpha")
        await board.press("escape")
        await board.until(lambda: len([row for row in board.rows(board.executions) if row]) == 2)

    assert (await opened(home, left, look)).filter == ""


async def test_the_newest_is_selected_whichever_that_is(home: Home, recorder: Recorder) -> None:
    recorder.execution("old")

    async def look(board: Dashboard) -> None:
        await board.until(lambda: board.selected is not None)

    left = await opened(home, Memory(), look)
    assert (left.selected, left.at_newest) == (1, True)
    recorder.execution("new")
    assert (await opened(home, left, look)).selected == 2


async def test_what_was_selected_may_be_gone(home: Home, recorder: Recorder) -> None:
    recorder.executions(2)

    async def look(board: Dashboard) -> None:
        await board.until(lambda: board.selected == 2)

    await opened(home, Memory(selected=99, at_newest=False, sort="no", filter="since:x"), look)


async def test_a_target_wins(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    recorder.log(number, b"STEP_START:One\none\nSTEP_START:Two\ntwo\n")
    recorder.steps(number, step(1, "One", 1, last_line=2), step(2, "Two", 3, last_line=4))
    recorder.executions(2)

    async def look(board: Dashboard) -> None:
        await board.until(lambda: board.selected == 1 and board.steps.cursor == 1)
        assert board.log.cursor == 2
        assert board.focus == "steps"

    memory = Memory(selected=2, at_newest=False, pane="log", zoomed=True)
    await opened(home, memory, look, Target(1, 2))
