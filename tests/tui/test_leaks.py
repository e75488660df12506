"""Nothing is left behind by screens that were closed, nor by lines that went by.

In the suite a short form of it; `LEAKS=full pytest tests/tui/test_leaks.py` plays it at length.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest
from textual.widget import Widget

from stepflow_tui.tui.screens.main.screen import MainScreen
from tests.tui.dashboard import dashboard
from tests.tui.driven import until
from tests.tui.furnished import NIGHTLY, furnish
from tests.tui.record import numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder

FULL = os.environ.get("LEAKS") == "full"
ROUNDS, WARM_UP = (200, 10) if FULL else (20, 4)
LINES = 1_000_000 if FULL else 100_000
BATCH = 2_000
SWITCHES: dict[Callable[[MainScreen], object], str] = {
    MainScreen.action_palette: "Go to or do",
    MainScreen.action_help: "Moving in a pane",
    MainScreen.action_health: "Last 10 minutes",
    MainScreen.action_artifacts: "3 of 4 stored",
    MainScreen.action_compare: "whole run",
}
KB, MB = 1_000, 1_000_000


def live_widgets() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, Widget))


def memory() -> int:
    """Bytes of this process that no other shares."""
    gc.collect()
    return int(psutil.Process().memory_full_info().uss)


async def switch(board: Dashboard, rounds: int) -> None:
    """Open and close each screen so many times."""
    for _ in range(rounds):
        for open_screen, text in SWITCHES.items():
            open_screen(board.main)
            await until(lambda text=text: text in board.text)  # type: ignore[misc]
            await board.app.pop_screen()
            await until(lambda: board.app.screen is board.main)


async def until_gone(before: Counter[str]) -> None:
    """Wait until no more widgets live than before; threads that work for one may take a moment."""
    await until(lambda: not live_widgets() - before)


@pytest.mark.timeout(900)
async def test_closed_screens_leave_nothing_behind(recorder: Recorder) -> None:
    async with dashboard(furnish(recorder)) as board:
        await board.until_text("Executions", "site")
        await board.main.open_at(NIGHTLY)
        before = live_widgets()
        await switch(board, WARM_UP)
        await until_gone(before)
        taken = memory()
        await switch(board, ROUNDS)
        await until_gone(before)
        grown = memory() - taken
    switches = ROUNDS * len(SWITCHES)
    print(f"{switches} switches: {grown / KB:,.0f} kB more")  # noqa: T201 - a figure
    assert grown < 5 * MB + switches * 5 * KB


@pytest.mark.timeout(900)
async def test_lines_that_went_by_leave_nothing_behind(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("flood")
    async with dashboard(home) as board:
        await board.until_text("flood")
        before = live_widgets()
        for last in range(BATCH, LINES + 1, BATCH):
            recorder.log(number, numbered(BATCH, last - BATCH + 1))
            await until(lambda last=last: f"line {last} " in board.text)  # type: ignore[misc]
            if last == LINES // 5:
                taken = memory()
        await until_gone(before)
        grown = memory() - taken
    print(f"{LINES:,} lines: {grown / KB:,.0f} kB more")  # noqa: T201 - a figure
    assert grown < 8 * MB + LINES * 8
