"""Fitting text into columns of cells, and the columns of the list of executions."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from stepflow_tui.core.config import COLUMNS
from stepflow_tui.core.glyphs import BAR, BAR_REST, ELLIPSIS

BAR_CELLS = 8


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells: cut with an ellipsis, or filled up with blanks."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + ELLIPSIS, width) if width else ""


def fit_right(text: str, width: int) -> str:
    """The text in exactly `width` cells, at their right end."""
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else fit(text, width)


def bar(share: float, width: int = BAR_CELLS) -> tuple[str, str]:
    """A bar of progress: its full part and its empty one."""
    full = min(width, max(0, round(share * width)))
    return BAR * full, BAR_REST * (width - full)


class Columns(Struct, frozen=True):
    """Widths in cells of what the list of executions shows; 0 leaves it out.

    Attributes:
        shown: the columns from left to right.
        bar: of the progress bar, in the column of the progress.
        left: of the time that is left, in the same column.
    """

    shown: tuple[str, ...]
    number: int = 0
    name: int = 0
    status: int = 0
    progress: int = 0
    bar: int = 0
    left: int = 0
    time: int = 0
    age: int = 0
    tags: int = 0

    @property
    def progress_width(self) -> int:
        """The whole column: bar, share, time left, with blanks between them."""
        parts = [part for part in (self.bar, self.progress, self.left) if part]
        return sum(parts) + max(0, len(parts) - 1)

    def width_of(self, column: str) -> int:
        """The cells of a column."""
        return self.progress_width if column == "progress" else int(getattr(self, column))

    def start_of(self, *columns: str) -> int:
        """Where the first of these columns that is shown begins; the total if none is."""
        start = 1
        for column in self.shown:
            if column in columns:
                return start
            start += self.width_of(column) + 1
        return start

    @property
    def total(self) -> int:
        """Cells of a row: a sign before the columns, and a blank behind each."""
        return 1 + sum(self.width_of(column) + 1 for column in self.shown)


MOST_NAME = 48
"""A longer name is cut: what stands beside it must not be too far away."""

_IF_THERE_IS_ROOM = (
    ("status", 11, 12),
    ("progress", 5, 12),
    ("age", 4, 12),
    ("left", 5, 16),
    ("bar", BAR_CELLS, 16),
    ("tags", 12, 24),
    ("tags", 24, 36),
    ("bar", 2 * BAR_CELLS, 40),
    ("tags", 40, 48),
)
"""What is added in this order, its width, and the cells that the name must keep."""


@lru_cache(maxsize=64)
def execution_columns(width: int, newest: int, chosen: tuple[str, ...] = COLUMNS) -> Columns:
    """What fits into so many cells of the columns that were chosen.

    Args:
        width: cells of a row.
        newest: the highest number that has to fit.
        chosen: columns from left to right.
    """
    narrow = {"number": max(3, len(str(newest))), "status": 1, "time": 7}
    widths = {name: cells for name, cells in narrow.items() if name in chosen}
    columns = _with_name(width, widths, chosen)
    for part, cells, least in _IF_THERE_IS_ROOM:
        column = "progress" if part in ("left", "bar") else part
        if column not in chosen or (column != part and not widths.get(column)):
            continue
        wider = _with_name(width, widths | {part: cells}, chosen)
        if wider.total <= width and ("name" not in chosen or wider.name >= least):
            widths, columns = widths | {part: cells}, wider
    return columns


def _with_name(width: int, widths: dict[str, int], chosen: tuple[str, ...]) -> Columns:
    """The columns, in which the name takes what is left."""
    shown = tuple(name for name in chosen if name == "name" or name in widths)
    columns = Columns(shown, **widths)
    if "name" not in shown:
        return columns
    return Columns(shown, **(widths | {"name": min(MOST_NAME, max(1, width - columns.total))}))
