"""What a section of the benchmark finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Attributes:
        name: what was measured.
        value: ours, in `unit`; None if it could not be measured, `note` says why.
        unit: ms, lines/s, MB, % of a core, …
        reference: the same work done another way in the same run, in the same unit.
        of: what the reference is.
        claim: what the report that this product grew out of says of it, as written there.
        most: the value, or its ratio to the reference, must not be above this.
        least: nor below this.
        by_ratio: `most` and `least` are of the ratio.
        note: anything that must be said about it.
    """

    name: str
    value: float | None
    unit: str
    reference: float | None = None
    of: str = ""
    claim: str = ""
    most: float | None = None
    least: float | None = None
    by_ratio: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the reference."""
        if self.value is None or not self.reference:
            return None
        return self.value / self.reference

    @property
    def passed(self) -> bool | None:
        """Whether it is in bounds; None without bounds or value."""
        judged = self.ratio if self.by_ratio else self.value
        if judged is None or (self.most is None and self.least is None):
            return None
        low = self.least is None or judged >= self.least
        return low and (self.most is None or judged <= self.most)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all values does not exceed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values were measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered) - _TINY) - 1)]
