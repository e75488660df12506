"""How many times as long one call takes as another, on any machine."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 25
ROUND_NS = 8_000_000
"""Processor time of a round for each of the two."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A path that must stay fast.

    Attributes:
        hot: the path.
        bare: the least that must be done for the same, in this process and on the same data.
        most: `hot` may take so many times as long: about 1.4 times what it does now, so that there
            is room for other machines, and twice the work does not pass.
    """

    hot: Callable[[], object]
    bare: Callable[[], object]
    most: float

    def ratio(self) -> float:
        """How many times as long `hot` takes: the best of some rounds, in processor time."""
        hot_calls, bare_calls = _calls(self.hot), _calls(self.bare)
        gc.disable()
        try:
            rounds = [
                (_cost(self.hot, hot_calls), _cost(self.bare, bare_calls)) for _ in range(ROUNDS)
            ]
        finally:
            gc.enable()
        return min(hot for hot, _ in rounds) / min(bare for _, bare in rounds)


def twice(call: Callable[[], object]) -> Callable[[], object]:
    """The same, with twice the work."""

    def both() -> None:
        call()
        call()

    return both


def _calls(call: Callable[[], object]) -> int:
    """How many calls fill a round."""
    call()
    return max(1, int(ROUND_NS / 2 / _cost(call, 3)))


def _cost(call: Callable[[], object], calls: int) -> float:
    """Nanoseconds of processor time of one call."""
    began = time.thread_time_ns()
    for _ in range(calls):
        call()
    return max(1, time.thread_time_ns() - began) / calls
