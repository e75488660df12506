"""Keeps the screen in step with the database: one refresh at a time, and never one too few."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StoreProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live, Window

_SHARE = 3.0
_LONGEST_REST_S = 0.05
"""A refresh is followed by a rest of so many times what the one before took of the processor, with
its frame, and at most so long: a line that comes alone is shown at once, and a flood leaves most of
the processor to others."""

_RETRY_S = 0.1
_FAILURES = 20
"""So many in a row are a problem; fewer may come from a writer that restarts."""


class Pump:
    """Refreshes on every change of the database and every wish of the screen.

    What comes while a refresh is under way makes one more, however much it is.
    """

    def __init__(
        self,
        feed: Feed,
        live: Live,
        *,
        window: Callable[[], Window],
        show: Callable[[StoreProblem | None], None],
        floor_s: float,
    ) -> None:
        """Makes a pump that stands still; `listen` and `run` are to be run side by side.

        Args:
            feed: tells of changes.
            live: what is to be refreshed.
            window: what is on the screen now.
            show: called after each refresh, with the problem if there was one.
            floor_s: the least time from one refresh to the next.
        """
        self._feed = feed
        self._live = live
        self._window = window
        self._show = show
        self._floor_s = floor_s
        self._opened = feed.opened
        self._awake = asyncio.Event()
        self._wished = asyncio.Event()
        self._failures = 0
        self._retry: asyncio.TimerHandle | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Refresh as soon as possible: somebody wishes to see something."""
        self._wished.set()
        self._awake.set()

    async def refreshed(self) -> None:
        """Refresh, and wait until all that is committed by now is shown."""
        shown = asyncio.get_running_loop().create_future()
        self._waiting.append(shown)
        self.wake()
        await shown

    async def listen(self) -> None:
        """Turn changes of the database into refreshes, for ever."""
        while True:
            await self._feed.next_change()
            self._awake.set()

    async def run(self) -> None:
        """Refresh when woken, for ever."""
        spent_s = time.process_time()
        earliest = rested = 0.0
        while True:
            await self._awake.wait()
            await self._rest(earliest, rested)
            before_s, spent_s = spent_s, time.process_time()
            self._awake.clear()
            self._wished.clear()
            began = time.monotonic()
            waiting, self._waiting = self._waiting, []
            if waiting:
                self._feed.ask_anew()
            window = self._window()
            self._show(await self._refresh(window))
            ended = time.monotonic()
            for shown in waiting:
                if not shown.done():
                    shown.set_result(None)
            await self._prefetch(window)  # if it was moved meanwhile, that is a wish of its own
            earliest = began + self._floor_s
            rested = ended + min(_SHARE * (spent_s - before_s), _LONGEST_REST_S)

    async def _rest(self, earliest: float, rested: float) -> None:
        """Let changes come together until both are over; a wish waits for `earliest` alone.

        A line that comes by itself finds both over, and no timer is set for it.
        """
        left = max(earliest, rested) - time.monotonic()
        if left > 0 and not self._wished.is_set():
            end = asyncio.get_running_loop().call_later(left, self._wished.set)
            await self._wished.wait()
            end.cancel()
        if (left := earliest - time.monotonic()) > 0:
            await asyncio.sleep(left)

    async def _refresh(self, window: Window) -> StoreProblem | None:
        if self._opened != self._feed.opened:
            self._opened = self._feed.opened
            self._live.reset()
        if self._feed.problem is not None:
            self._live.reset()  # what was shown must not take orders any more
            return self._feed.problem
        try:
            await self._live.refresh(window)
        except StoreProblem as problem:
            self._retry_later()
            self._failures += 1
            return problem if self._failures > _FAILURES else self._feed.problem
        self._failures = 0
        return None

    async def _prefetch(self, window: Window) -> None:
        try:
            while not self._awake.is_set() and await self._live.prefetch(window):
                pass
        except StoreProblem:
            self._retry_later()

    def _retry_later(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = asyncio.get_running_loop().call_later(_RETRY_S, self.wake)
