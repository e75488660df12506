"""Fitting text into columns of cells."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

BAR_CELLS = 8


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells: cut with an ellipsis, or filled up with blanks."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width) if width else ""


def fit_right(text: str, width: int) -> str:
    """The text in exactly `width` cells, at their right end."""
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else fit(text, width)


def bar(share: float, width: int = BAR_CELLS) -> tuple[str, str]:
    """A bar of progress: its full part and its empty one."""
    full = min(width, max(0, round(share * width)))
    return "━" * full, "─" * (width - full)
