"""When to commit: at once when it is quiet, in batches under load."""

from __future__ import annotations

import time

_LEAST_S = 0.002
_MOST_S = 0.005
_SHARE = 3.0


class Pace:
    """Spaces commits by what they cost.

    A commit that took T is followed by a pause of three T, between 2 and 5 ms: what comes meanwhile
    shares the next one. A longer pause saves little, as each stream that has something new costs
    the same in a large commit as in a small one, and makes all of it late.
    """

    def __init__(self) -> None:
        self._due = 0.0

    def delay(self) -> float:
        """Seconds until the next commit may begin; 0 if now."""
        return max(0.0, self._due - time.monotonic())

    def committed(self, began: float, *, flooded: bool = False) -> None:
        """A commit that began at the monotonic time `began` has ended now.

        While `flooded` the batches are large as they are, and no time is to be lost.
        """
        ended = time.monotonic()
        if flooded:
            self._due = ended
            return
        self._due = ended + min(max(_SHARE * (ended - began), _LEAST_S), _MOST_S)

    def failed(self, retry_s: float) -> None:
        """A commit failed; the next try is in `retry_s` seconds."""
        self._due = time.monotonic() + retry_s
