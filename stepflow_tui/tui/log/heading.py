"""The heading of a step in its log, in place of the line that began it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.segment import Segment
from textual.strip import Strip

from stepflow_tui.core.glyphs import DOT, GLYPHS
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.log.marks import Severity

if TYPE_CHECKING:
    from stepflow_tui.core.models import Status
    from stepflow_tui.tui.log.line import Palette

OPEN, FOLDED = "▾", "▸"


class Markers(Enum):
    """How marker lines are shown; the value says it in words."""

    HEADINGS = "steps as headings, other markers hidden"
    RAW = "all lines, as printed"
    HIDDEN = "all markers hidden"

    @property
    def next(self) -> Markers:
        """The one that the key for markers turns to."""
        modes = list(Markers)
        return modes[(modes.index(self) + 1) % len(modes)]


class Heading(Struct, frozen=True):
    """What a heading says.

    Attributes:
        time: how long the step took, or has been running.
        hidden: lines that are folded away; None while the step is open.
        errors, warnings: lines of either kind among these.
    """

    name: str
    status: Status
    time: str
    hidden: int | None = None
    errors: int = 0
    warnings: int = 0


def heading_strip(heading: Heading, palette: Palette) -> Strip:
    """Fold mark, status, name, time, and what is folded away."""
    mark = OPEN if heading.hidden is None else FOLDED
    status = palette.statuses[heading.status]
    segments = [
        Segment(f"{mark} ", palette.prefix),
        Segment(f"{GLYPHS[heading.status]} ", status),
        Segment(clean_line(heading.name), palette.step),
        Segment(f"  {heading.time}", palette.prefix),
    ]
    if heading.hidden is not None:
        lines = "1 line" if heading.hidden == 1 else f"{heading.hidden:,} lines"
        segments.append(Segment(f"  {DOT} {lines}", palette.prefix))
    for count, sign, style in (
        (heading.errors, Severity.ERROR, palette.error),
        (heading.warnings, Severity.WARNING, palette.warning),
    ):
        if count:
            segments.append(Segment(f"  {sign.value} {count:,}", style))
    return Strip(segments)
