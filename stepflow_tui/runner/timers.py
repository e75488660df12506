"""What is to happen later, in order of time."""

from __future__ import annotations

import heapq
import itertools
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timers:
    """Calls functions when their time (monotonic seconds) has come.

    There is no way to take a call back: what is called looks whether it is still wanted.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Call at the monotonic time `when`."""
        heapq.heappush(self._heap, (when, next(self._order), call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        """Call in `delay` seconds."""
        self.at(time.monotonic() + delay, call)

    def timeout(self) -> float | None:
        """Seconds until the next call; None if nothing is planned."""
        return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None

    def run_due(self) -> None:
        """Make the calls whose time has come."""
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
