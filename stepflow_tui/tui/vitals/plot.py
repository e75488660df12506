"""Plots of block characters: a history in columns, the columns as rows of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from stepflow_tui.core.glyphs import SPARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from stepflow_tui.health.sample import Sample

    Columns = Sequence[float | None]


def columns(
    samples: Iterable[Sample],
    value: Callable[[Sample], float],
    *,
    width: int,
    now: float,
    history_s: float,
) -> list[float | None]:
    """The highest value in each column of time; None where nothing was sampled.

    Columns begin at multiples of their span on the clock, so that one that is full never changes.

    Args:
        samples: in any order.
        value: what is plotted of a sample.
        width: columns, at least one.
        now: the end of the last column, or a moment in it; monotonic seconds.
        history_s: the time that all columns span.
    """
    span_s = history_s / width
    first = math.floor(now / span_s) - width + 1
    found: list[float | None] = [None] * width
    for sample in samples:
        height = value(sample)
        last = math.floor(sample.at / span_s) - first
        # One that spans several columns stands in all of them.
        begin = math.floor((sample.at - max(0.0, sample.span_s - span_s)) / span_s) - first
        for index in range(max(0, begin), min(width, last + 1)):
            found[index] = max(found[index] or 0.0, height)
    return found


def ceiling(values: Columns, least: float) -> float:
    """The top of a scale for these values: 1, 2 or 5 times a power of ten, so it seldom changes."""
    highest = max((value for value in values if value is not None), default=0.0)
    if highest <= least:
        return least
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 5, 10) if highest <= step * power * (1 + 1e-9))


def blocks(values: Columns, top: float, rows: int) -> list[str]:
    """The columns as so many rows of text, from top to bottom.

    Zero is a line at the bottom, the least value above it already stands out; nothing is blank.
    """
    steps = len(SPARKS) * rows
    levels = [None if value is None else _level(value / top, steps) for value in values]
    return [
        "".join(_block(level, len(SPARKS) * row) for level in levels)
        for row in range(rows - 1, -1, -1)
    ]


def _level(share: float, steps: int) -> int:
    return 1 if share <= 0 else min(steps, max(2, math.ceil(share * steps)))


def _block(level: int | None, below: int) -> str:
    """The part of a column in the row that has so many steps below it."""
    height = 0 if level is None else min(len(SPARKS), level - below)
    return SPARKS[height - 1] if height > 0 else " "
