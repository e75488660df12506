"""Finds out that rows have only moved, so that the terminal can move them itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.tui.terminal.row import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FEWEST_ROWS = 4


class Scroll(Struct, frozen=True):
    """Rows that move together, over the whole width of the terminal.

    Attributes:
        top: the first row that takes part.
        bottom: the row behind the last.
        by: how many rows they move up; down if negative.
    """

    top: int
    bottom: int
    by: int

    @property
    def sequences(self) -> str:
        """What makes the terminal do it; the cursor is anywhere afterwards."""
        move = f"{self.by}M" if self.by > 0 else f"{-self.by}L"
        return f"\x1b[{self.top + 1};{self.bottom}r\x1b[{self.top + 1}H\x1b[{move}\x1b[r"

    def apply(self, rows: Sequence[Row]) -> list[Row]:
        """What stands on the terminal then; of what comes in nothing is known."""
        region = range(self.top, self.bottom)
        sources = [y + self.by if y in region else y for y in range(len(rows))]
        return [
            rows[source] if y not in region or source in region else Row.unknown(len(row.chars))
            for y, (source, row) in enumerate(zip(sources, rows, strict=True))
        ]


def find_scroll(before: Sequence[Row], after: Mapping[int, Row]) -> Scroll | None:
    """How most of the rows that have changed were moved; None if they were not."""
    changes = ((y, list(row.changes(before[y]))) for y, row in after.items())
    changed = {y: (found[0][0], found[-1][1]) for y, found in changes if found}
    if len(changed) < _FEWEST_ROWS:
        return None
    span = _span(list(changed.values()))
    places = _places(before, span)
    moves = {y: places.get(_key(after[y], span), y) - y for y in changed}
    by, _ = Counter(moves.values()).most_common(1)[0]
    moved = [y for y, move in moves.items() if move == by]
    if not by or 2 * len(moved) < len(changed):
        return None
    return Scroll(min(moved) + min(by, 0), max(moved) + max(by, 0) + 1, by)


def _span(changed: list[tuple[int, int]]) -> slice:
    """About the columns in which the rows have changed, whatever happened elsewhere."""
    middle = len(changed) // 2
    first = sorted(start for start, _ in changed)[middle]
    behind = sorted(stop for _, stop in changed)[middle]
    return slice(first, behind)


def _key(row: Row, span: slice) -> tuple[str, str]:
    return row.chars[span], row.looks[span]


def _places(rows: Sequence[Row], span: slice) -> dict[tuple[str, str], int]:
    """Where rows stand that differ from all others."""
    keys = [_key(row, span) for row in rows]
    counts = Counter(keys)
    return {key: y for y, key in enumerate(keys) if counts[key] == 1}
