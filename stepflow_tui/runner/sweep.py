"""Looking at everything again and again, for what no event told of."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.runner.recording import Recording

SWEEP_S = 2.0
"""About so long after one look the same is looked at again."""

AT_ONCE, MOST_TURNS = 32, 16
"""Of many executions a few are looked at in each turn of a round, as the output of all waits
meanwhile; but no round has so many turns that the loop cannot keep up with them."""


class Sweep:
    """Whose turn it is to be looked at again; each has one in a round."""

    def __init__(self) -> None:
        self._turn, self._turns = 0, 1

    @property
    def is_round_over(self) -> bool:
        """Whether the next turn begins a round."""
        return self._turn == 0

    @property
    def pause_s(self) -> float:
        """Seconds until the next turn."""
        return SWEEP_S / self._turns

    def take(self, recordings: Mapping[str, Recording]) -> list[str]:
        """The ids of those whose turn it is, by their numbers: who comes late has his turn too."""
        if self.is_round_over:
            self._turns = max(1, min(MOST_TURNS, ceil(len(recordings) / AT_ONCE)))
        turn, self._turn = self._turn, (self._turn + 1) % self._turns
        return [
            recording.id
            for recording in recordings.values()
            if recording.execution.number % self._turns == turn
        ]
