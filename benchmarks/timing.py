"""How long a call takes, again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def times_ms(call: Callable[[], object], count: int, *, warm_up: int = 3) -> list[float]:
    """Milliseconds of each of `count` calls, after some that do not count."""
    return times_by_turns_ms([call], count, warm_up=warm_up)[0]


def times_by_turns_ms(
    calls: Sequence[Callable[[], object]], count: int, *, warm_up: int = 3
) -> list[list[float]]:
    """The same of several calls, one after the other again and again.

    What is compared so has the machine at the same pace, which changes from second to second.
    """
    found: list[list[float]] = [[] for _ in calls]
    for turn in range(warm_up + count):
        for times, call in zip(found, calls, strict=True):
            began = time.perf_counter()
            call()
            if turn >= warm_up:
                times.append((time.perf_counter() - began) * 1000)
    return found
