"""Values that are separated by commas, tabs or semicolons, in columns that line up."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.executions.columns import fit, fit_right
from stepflow_tui.tui.previews.page import MAX_ROWS, Page

if TYPE_CHECKING:
    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.previews.page import Looks

_MEASURED = 500
_WIDEST, _MOST_COLUMNS = 40, 200
_CELL_CHARACTERS = 200
_NUMBER = re.compile(r"[-+]?(?:\d[\d,_ ]*)?\.?\d*(?:[eE][-+]?\d+)?\s*%?")
_SEPARATORS = ",;\t|"
_GAP = "  "


def table_page(material: Material) -> Page[tuple[int, list[str]]] | None:
    """The rows, below the first one as their heading; None if it cannot be read as a table."""
    rows = _rows(material)
    if not rows:
        return None
    columns = _Columns(rows)
    return Page([(0, rows[0]), (1, []), *enumerate(rows[1:], 2)], columns.draw, head=2)


def _rows(material: Material) -> list[list[str]] | None:
    text = material.data.decode("utf-8-sig", "replace")
    if not material.is_whole:
        text = text[: text.rfind("\n") + 1] or text  # what is left of a row misleads
    # A lone carriage return in a cell is no end of a row, and NUL has no place in text.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row:
                rows.append([_cell(value) for value in row[: _MOST_COLUMNS + 1]])
            if len(rows) > MAX_ROWS:
                break
    except csv.Error:  # such as a quote that is never closed
        return None
    return rows


def _cell(value: str) -> str:
    return clean_line(value[:_CELL_CHARACTERS])


def _separator(text: str) -> str:
    """The one that most of the first line is separated by."""
    first = text.partition("\n")[0]
    return max(_SEPARATORS, key=first.count)


class _Columns:
    """How wide each column is, and which hold numbers."""

    def __init__(self, rows: list[list[str]]) -> None:
        head, body = rows[0], rows[1:_MEASURED]
        count = min(_MOST_COLUMNS, max(map(len, rows[:_MEASURED])))
        columns = [[row[at] for row in (head, *body) if at < len(row)] for at in range(count)]
        self._widths = [min(_WIDEST, max(map(cell_len, column))) for column in columns]
        self._numbers = [
            _are_numbers(column[at < len(head) :]) for at, column in enumerate(columns)
        ]
        self._has_more = any(len(row) > _MOST_COLUMNS for row in rows)

    def draw(self, numbered: tuple[int, list[str]], looks: Looks) -> Strip:
        """A row, or the rule below the heading."""
        index, row = numbered
        if index == 1:
            return Strip([Segment(_GAP.join("─" * width for width in self._widths), looks.faint)])
        cells = [self._cell(at, value) for at, value in enumerate(row[:_MOST_COLUMNS])]
        if self._has_more and len(row) > _MOST_COLUMNS:
            cells.append("…")
        return Strip([Segment(_GAP.join(cells), looks.strong if index == 0 else None)])

    def _cell(self, at: int, value: str) -> str:
        if at >= len(self._widths):
            return value
        return (fit_right if self._numbers[at] else fit)(value, self._widths[at])


def _are_numbers(values: list[str]) -> bool:
    return any(values) and all(_NUMBER.fullmatch(value) for value in values)
