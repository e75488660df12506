"""How often something took how long: counts in buckets, four of them to each doubling.

A histogram is a mapping of buckets to counts. One that only grows can be written down now and
then; what happened between two of them is their difference.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TO_A_DOUBLING = 4
_LEAST_MS = 0.001


def bucket(ms: float) -> int:
    """The bucket for a time in milliseconds; its middle is at most 9 % off."""
    return round(_TO_A_DOUBLING * math.log2(max(ms, _LEAST_MS)))


def middle(index: int) -> float:
    """The time in the middle of a bucket, in milliseconds."""
    return float(2 ** (index / _TO_A_DOUBLING))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The time that this share (0 to 1) did not exceed, in milliseconds; None without any."""
    rank = max(1, math.ceil(share * sum(counts.values())))
    for index in sorted(counts):
        rank -= counts[index]
        if rank <= 0:
            return middle(index)
    return None


def difference(after: Mapping[int, int], before: Mapping[int, int]) -> dict[int, int]:
    """What came to `before` to make it `after`."""
    gains = ((index, count - before.get(index, 0)) for index, count in after.items())
    return {index: gain for index, gain in gains if gain > 0}


def total(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """All of these together."""
    counts: dict[int, int] = {}
    for part in parts:
        for index, count in part.items():
            counts[index] = counts.get(index, 0) + count
    return counts
