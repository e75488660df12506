"""Colours of a script that could not be read on the ground they stand on, made legible."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.color import Color, ColorParseError
from rich.color_triplet import ColorTriplet

if TYPE_CHECKING:
    from rich.terminal_theme import TerminalTheme

LEAST_RATIO = 3.0
"""Less contrast than this, as WCAG reckons it, is repaired."""

GOOD_RATIO = 4.5
"""What is repaired gets so much (WCAG AA), if any colour can have it."""

_BLACK, _WHITE = ColorTriplet(0, 0, 0), ColorTriplet(255, 255, 255)
_STEPS = 8


class Ground(Struct, frozen=True):
    """What text stands on, and is drawn with, where the script says nothing.

    Attributes:
        colours: what the terminal's sixteen colours are.
    """

    foreground: ColorTriplet
    background: ColorTriplet
    colours: TerminalTheme

    def triplet(self, colour: Color) -> ColorTriplet:
        """The colour as it is drawn."""
        return colour.get_truecolor(self.colours)


def colour_of(colour: str | int | None) -> Color | None:
    """A colour as the script named it; None for the default and for what is none."""
    if colour is None:
        return None
    try:
        return Color.from_ansi(colour) if isinstance(colour, int) else Color.parse(colour)
    except ColorParseError:
        return None


def legible(
    foreground: Color | None, background: Color | None, ground: Ground
) -> tuple[Color | None, Color | None]:
    """The two colours with enough contrast; the background is the script's in any case."""
    below = ground.triplet(background) if background else ground.background
    text = ground.triplet(foreground) if foreground else ground.foreground
    if contrast(text, below) >= LEAST_RATIO:
        return foreground, background
    if foreground is not None and background is None:
        return Color.from_triplet(_towards(text, ground.foreground, below)), None
    best = max(_BLACK, _WHITE, key=lambda extreme: contrast(extreme, below))
    return Color.from_triplet(_towards(text, best, below)), background


def _towards(text: ColorTriplet, goal: ColorTriplet, below: ColorTriplet) -> ColorTriplet:
    """The text's colour, as little nearer to the goal as makes it legible."""
    mixed = goal
    for step in range(1, _STEPS + 1):
        mixed = _mixed(text, goal, step / _STEPS)
        if contrast(mixed, below) >= GOOD_RATIO:
            break
    return mixed


def _mixed(one: ColorTriplet, other: ColorTriplet, share: float) -> ColorTriplet:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return ColorTriplet(red, green, blue)


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    """The ratio of two colours' luminance, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=1024)
def _luminance(colour: ColorTriplet) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
