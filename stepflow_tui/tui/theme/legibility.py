"""Making the colours of a theme stand out from their grounds, as WCAG 2 asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color_triplet import ColorTriplet
from textual.color import BLACK, WHITE, Color

from stepflow_tui.tui.log.contrast import contrast

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = 4.5
"""The contrast that text needs (AA)."""

DECORATION = 3.0
"""What lines, signs and text of no importance need."""

_STEPS = 20


def legible(colour: Color, grounds: Sequence[Color], least: float) -> Color:
    """The colour, made as much lighter or darker as it needs to stand out from all grounds."""
    best = colour
    for end in (WHITE, BLACK):
        for step in range(_STEPS + 1):
            candidate = colour.blend(end, step / _STEPS)
            if least_contrast(candidate, grounds) >= least:
                return candidate
            best = max(best, candidate, key=lambda one: least_contrast(one, grounds))
    return best


def least_contrast(colour: Color, grounds: Sequence[Color]) -> float:
    """The contrast to that ground from which it stands out least, from 1 to 21."""
    return min(contrast(_triplet(colour), _triplet(ground)) for ground in grounds)


def _triplet(colour: Color) -> ColorTriplet:
    return ColorTriplet(*colour.rgb)
