from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import NotADatabase, StoreProblem
from stepflow_tui.store.feed import Feed
from stepflow_tui.tui import pump as pump_module
from stepflow_tui.tui.live import Live, Window
from stepflow_tui.tui.pump import Pump
from tests.tui.dashboard import dashboard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder

WINDOW = Window(range(10), range(10), follow=True)


class SlowLive(Live):
    """Notes how many refreshes are under way, and takes its time."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(feed)
        self.begun = 0
        self.at_once = 0
        self.most_at_once = 0
        self.begins = asyncio.Event()
        self.go_on = asyncio.Event()
        self.failures: Iterator[StoreProblem] = iter(())

    async def refresh(self, window: Window) -> None:  # noqa: ARG002 - nothing is read
        self.begun += 1
        self.begins.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.go_on.wait()
        self.at_once -= 1
        for failure in self.failures:
            raise failure


async def test_refreshes_never_overlap_and_none_is_lost(home: Home) -> None:
    shown: list[StoreProblem | None] = []
    async with Feed(home) as feed:
        feed.problem = None
        live = SlowLive(feed)
        pump = Pump(feed, live, window=lambda: WINDOW, show=shown.append, floor_s=0.0)
        running = asyncio.create_task(pump.run())
        pump.wake()
        await live.begins.wait()
        for _ in range(50):
            pump.wake()
            await asyncio.sleep(0)
        assert (live.begun, shown) == (1, [])
        live.go_on.set()
        await pump.refreshed()
        assert (live.begun, live.most_at_once, shown) == (2, 1, [None, None])
        running.cancel()


async def test_only_lasting_failures_are_shown(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "_RETRY_S", 0.0)
    shown: list[str] = []
    over = asyncio.Event()

    def show(problem: StoreProblem | None) -> None:
        shown.append(str(problem))
        if len(shown) == 26:
            over.set()

    async with Feed(home) as feed:
        live = SlowLive(feed)
        live.go_on.set()
        live.failures = iter([StoreProblem("busy")] * 25)
        pump = Pump(feed, live, window=lambda: WINDOW, show=show, floor_s=0.0)
        running = asyncio.create_task(pump.run())
        pump.wake()
        await over.wait()
        assert shown == ["None"] * 20 + ["busy"] * 5 + ["None"]
        running.cancel()


async def test_a_row_that_cannot_be_understood_is_said_so(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("● running")
        recorder._writer._connection.execute(
            "UPDATE executions SET tags = '[broken', rev = rev + 1 WHERE number = ?", (number,)
        )
        recorder._writer._connection.execute("UPDATE revision SET value = value + 1")
        await board.until_text("Cannot show executions", "is damaged")


async def test_a_feed_that_cannot_read_raises_what_it_knows(home: Home) -> None:
    async with Feed(home) as feed:
        feed.problem = NotADatabase("it is a picture")
        with pytest.raises(NotADatabase, match="picture"):
            await Live(feed).refresh(WINDOW)
