"""Columns that line up, also where letters are two cells wide."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SGR = lazy_pattern("\x1b\\[[0-9;]*m")


def width(text: str) -> int:
    """Cells that a text takes on a terminal; colours take none."""
    text = _SGR.sub("", text)
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, cells: int) -> str:
    """At most so many cells of a text without colours, with a sign where it was cut."""
    if width(text) <= cells:
        return text
    kept = ""
    for character in text:
        if width(kept + character) >= cells:
            break
        kept += character
    return f"{kept}…"


def lined_up(
    rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> Iterator[str]:
    """The rows as lines; columns whose index is in `right` end at the same place."""
    rows = list(rows)
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            _padded(cell, size, at_right=index in right)
            for index, (cell, size) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _padded(cell: str, size: int, *, at_right: bool) -> str:
    blanks = " " * (size - width(cell))
    return blanks + cell if at_right else cell + blanks
