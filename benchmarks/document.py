"""`docs/BENCHMARKS.md`, with a plot of each curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.machine import machine
from benchmarks.plot import CURVES, draw
from benchmarks.section import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.figure import Figure

_HEAD = """# Benchmarks

Made by `scripts/bench{quick} --write docs`. Every figure has its reference beside it, measured in
the same run on the same machine; the claims are those of the report on the web tool that this
product grew out of, measured on another machine. Ratios are ours over the reference.

"""


def write(directory: Path, figures: Mapping[str, Sequence[Figure]], *, quick: bool) -> None:
    """Write the document, and beside it the plots."""
    parts = [_HEAD.format(quick=" --quick" if quick else "")]
    parts += [f"- {name}: {value}\n" for name, value in machine().items()]
    for name, found in figures.items():
        parts.append(f"\n## {name}\n\n{SECTIONS[name].about}\n\n{report.markdown_table(found)}\n")
        for curve in [curve for curve in CURVES if curve.section == name]:
            picture = f"bench-{name}-{curve.slug}.svg"
            (directory / picture).write_text(draw(curve), encoding="utf-8")
            parts.append(f"\n![{curve.title}]({picture})\n")
    (directory / "BENCHMARKS.md").write_text("".join(parts), encoding="utf-8")
