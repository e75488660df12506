"""Looking at everything again and again, for what no event told of."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

SWEEP_S = 2.0
"""Between two looks at the same."""

AT_ONCE = 32
"""Looks at thousands one after the other would keep the lines of all waiting for a moment."""


class Sweep:
    """Whose turn it is to be looked at again.

    Attributes:
        pause_s: seconds until the next ones have their turn.
    """

    def __init__(self) -> None:
        self._left: list[str] = []
        self.pause_s = SWEEP_S

    @property
    def is_round_over(self) -> bool:
        """Whether everybody had a turn."""
        return not self._left

    def take(self, executions: Collection[str]) -> list[str]:
        """The next ones of these, all of which have had their turn after `SWEEP_S`."""
        if self.is_round_over:
            self._left = list(executions)
            self.pause_s = SWEEP_S / max(1, ceil(len(self._left) / AT_ONCE))
        taken, self._left = self._left[:AT_ONCE], self._left[AT_ONCE:]
        return [execution for execution in taken if execution in executions]
