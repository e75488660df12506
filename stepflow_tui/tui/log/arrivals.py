"""Finding the line of a log that arrived at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.store import queries

if TYPE_CHECKING:
    from stepflow_tui.tui.source import Source


async def line_at(source: Source, number: int, moment: int, line_count: int) -> int | None:
    """The 0-based index of the first line that arrived at `moment` (UTC milliseconds) or later.

    None if all of the log's `line_count` lines arrived before. Looks at some twenty chunks,
    however many there are.

    Raises:
        StoreProblem: the database cannot be read.
    """
    low, high = -1, line_count - 1  # all chunks that begin at `low` or before came too early
    while low < high:
        middle = (low + high + 1) // 2
        found = await source.first(queries.arrival(number, middle))
        if found is None:
            return None
        first_line, arrived_at = found
        if arrived_at < moment:
            low = middle
        else:
            high = first_line - 1
    return 0 if low < 0 else await _first_since(source, number, moment, low, line_count)


async def _first_since(
    source: Source, number: int, moment: int, line: int, line_count: int
) -> int | None:
    """The first such line in the chunk that holds this one, or else behind it."""
    found = await source.first(queries.chunks_before(number, line + 1, 1))
    if found is None:
        return None
    for first, arrived_at in found.arrival_times():
        if arrived_at >= moment:
            return first
    behind = found.first_line + found.line_count
    return behind if behind < line_count else None
