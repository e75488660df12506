"""Colours: our own theme, dark and light, calm and legible; and ours by the means of others.

Every text of ours stands out from its ground as WCAG AA asks for; tests hold this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.theme import Theme

from stepflow_tui.tui.theme.legibility import DECORATION, TEXT, legible

if TYPE_CHECKING:
    from collections.abc import Mapping

THEME = Theme(
    name="stepflow",
    primary="#7fa7dc",
    secondary="#6c8cb5",
    accent="#a797d1",
    warning="#d9a861",
    error="#e87c86",
    success="#86b97e",
    foreground="#c9cfd8",
    background="#12151b",
    surface="#171b22",
    panel="#1d222b",
    dark=True,
    variables={
        "dim": "#969fae",
        "faint": "#737d8d",
        "line": "#2c333f",
        "line-focus": "#6484ad",
        "cursor": "#232d3d",
        "cursor-blurred": "#1c232d",
        "match": "#4a3f1f",
        "match-text": "#f3d58a",
        "status-completed": "#86b97e",
        "status-failed": "#e87c86",
        "status-running": "#6fb1e8",
        "status-pending": "#a2abb9",
        "status-cancelled": "#b59e85",
        "status-timed_out": "#d9a861",
        "status-lost": "#c993d4",
        "screen-selection-background": "#34506f",
        "screen-selection-foreground": "#e8ecf2",
    },
)

LIGHT_THEME = Theme(
    name="stepflow-light",
    primary="#2a5f9e",
    secondary="#4a6a91",
    accent="#6b4fa0",
    warning="#805600",
    error="#b3303c",
    success="#2f6b2a",
    foreground="#20262e",
    background="#f7f8fa",
    surface="#eef0f3",
    panel="#e6e9ee",
    dark=False,
    variables={
        "dim": "#565e6b",
        "faint": "#6c7481",
        "line": "#ccd2db",
        "line-focus": "#4a6a91",
        "cursor": "#d7e1ef",
        "cursor-blurred": "#e7ebf1",
        "match": "#ffe9a3",
        "match-text": "#4a3a00",
        "status-completed": "#2f6b2a",
        "status-failed": "#b3303c",
        "status-running": "#1f62a0",
        "status-pending": "#565f6d",
        "status-cancelled": "#6f5a41",
        "status-timed_out": "#805600",
        "status-lost": "#86409a",
        "screen-selection-background": "#b9d2ef",
        "screen-selection-foreground": "#10202f",
    },
)

THEMES = (THEME, LIGHT_THEME)
"""Our own, beside all of Textual's."""

LOG_COLOURS = TerminalTheme(
    (18, 21, 27),
    (201, 207, 216),
    [
        (59, 66, 80),
        (232, 124, 134),
        (134, 185, 126),
        (217, 168, 97),
        (127, 167, 220),
        (190, 145, 210),
        (110, 185, 190),
        (201, 207, 216),
    ],
    [
        (143, 152, 168),
        (240, 140, 148),
        (160, 208, 150),
        (235, 195, 130),
        (150, 185, 235),
        (212, 172, 230),
        (140, 210, 214),
        (236, 239, 244),
    ],
)
"""What the sixteen colours of a terminal are on a dark ground, so that logs suit it."""

LIGHT_LOG_COLOURS = TerminalTheme(
    (247, 248, 250),
    (32, 38, 46),
    [
        (32, 38, 46),
        (170, 40, 52),
        (44, 102, 40),
        (122, 80, 0),
        (36, 88, 152),
        (120, 56, 140),
        (16, 98, 108),
        (86, 94, 107),
    ],
    [
        (86, 94, 107),
        (179, 48, 60),
        (47, 107, 42),
        (128, 86, 0),
        (42, 95, 158),
        (134, 64, 154),
        (22, 105, 116),
        (70, 78, 91),
    ],
)
"""The same on a light ground."""

ANSI_THEME = "ansi-dark"
"""Takes the terminal's own colours; used where no colours are wanted."""

ANSI_VARIABLES: Mapping[str, str] = {
    "dim": "ansi_default",
    "faint": "ansi_default",
    "line": "ansi_bright_black",
    "line-focus": "ansi_blue",
    "cursor": "ansi_default",
    "cursor-blurred": "ansi_default",
    "match": "ansi_yellow",
    "match-text": "ansi_black",
    "status-completed": "ansi_green",
    "status-failed": "ansi_red",
    "status-running": "ansi_blue",
    "status-pending": "ansi_default",
    "status-cancelled": "ansi_yellow",
    "status-timed_out": "ansi_yellow",
    "status-lost": "ansi_magenta",
}
"""What our own variables are where the terminal's palette is taken."""

_STATUS_COLOURS = {
    "completed": "success",
    "failed": "error",
    "running": "primary",
    "timed_out": "warning",
    "lost": "accent",
    "cancelled": "warning",
    "pending": "foreground",
}
"""What the statuses are painted with in the themes of others."""

_TEXTS = ("foreground", "primary", "accent", "success", "warning", "error")
"""Colours of the theme that words are written in."""


def our_variables(theme: Theme) -> dict[str, str]:
    """What a theme of others lacks of our variables, and its colours of texts made legible."""
    if theme.ansi:
        return dict(ANSI_VARIABLES)
    return {} if ANSI_VARIABLES.keys() <= theme.variables.keys() else _derived(theme)


def _derived(theme: Theme) -> dict[str, str]:
    """Made of the colours of a theme that knows nothing of our variables."""
    generated = theme.to_color_system().generate()
    names = ("background", "surface", "panel", *_TEXTS)
    given = {name: Color.parse(generated[name]) for name in names}
    ground, text = given["background"], given["foreground"]
    cursor, blurred = ground.blend(text, 0.14), ground.blend(text, 0.08)
    match = ground.blend(given["warning"], 0.3)
    grounds = (ground, given["surface"], given["panel"], cursor, blurred)
    colours = {
        "line": ground.blend(text, 0.2),
        "cursor": cursor,
        "cursor-blurred": blurred,
        "match": match,
        "match-text": legible(text, (match,), TEXT),
        "line-focus": legible(given["primary"], grounds, DECORATION),
        "faint": legible(ground.blend(text, 0.45), grounds, DECORATION),
        "dim": legible(ground.blend(text, 0.65), grounds, TEXT),
    }
    colours |= {name: legible(given[name], grounds, TEXT) for name in _TEXTS}
    for status, name in _STATUS_COLOURS.items():
        colours[f"status-{status}"] = colours[name]
    return {name: colour.hex for name, colour in colours.items()}
