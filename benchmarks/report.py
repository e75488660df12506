"""Figures as a table for the terminal, as Markdown, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.figure import Figure

HEADS = ("figure", "report's claim", "reference", "ours", "ratio", "target", "")


def cells(figure: Figure) -> tuple[str, ...]:
    """One row of the table."""
    reference = f"{amount(figure.reference)} {figure.unit}, {figure.of}" if figure.reference else ""
    ours = f"{amount(figure.value)} {figure.unit}" if figure.value is not None else figure.note
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return figure.name, figure.claim, reference, ours, ratio, target(figure), verdict(figure)


def amount(value: float | None) -> str:
    """A number with three significant digits, or all of a large one."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def target(figure: Figure) -> str:
    """The bounds in words."""
    unit = "of reference" if figure.by_ratio else figure.unit
    bounds = [(figure.least, "≥"), (figure.most, "≤")]
    if figure.least == figure.most:
        bounds = [(figure.most, "=")]
    words = [f"{sign} {amount(bound)} {unit}" for bound, sign in bounds if bound is not None]
    return ", ".join(word.rstrip() for word in words)


def verdict(figure: Figure) -> str:
    """Whether it is in bounds, in a word."""
    return {None: "", True: "✓", False: "✗ missed"}[figure.passed]


def text_table(figures: Sequence[Figure]) -> str:
    """Columns in line, for a terminal."""
    rows = [HEADS, *map(cells, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def markdown_table(figures: Iterable[Figure]) -> str:
    """The same for a document."""
    rows = [HEADS, ("---",) * len(HEADS), *map(cells, figures)]
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def as_json(found: Mapping[str, Sequence[Figure]]) -> dict[str, list[dict[str, object]]]:
    """Everything, by section."""

    def whole(figure: Figure) -> dict[str, object]:
        return {**asdict(figure), "ratio": figure.ratio, "passed": figure.passed}

    return {name: [whole(figure) for figure in figures] for name, figures in found.items()}
