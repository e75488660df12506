"""Colours and glyphs: calm on a dark ground, and legible without any colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

THEME = Theme(
    name="stepflow",
    primary="#7aa2d8",
    secondary="#5f7fa8",
    accent="#9d8cc9",
    warning="#d9a861",
    error="#e0707a",
    success="#86b97e",
    foreground="#c9cfd8",
    background="#12151b",
    surface="#171b22",
    panel="#1d222b",
    dark=True,
    variables={
        "dim": "#868f9f",
        "faint": "#5f6979",
        "line": "#2c333f",
        "line-focus": "#5f7fa8",
        "cursor": "#263245",
        "cursor-blurred": "#1e2530",
        "match": "#4a3f1f",
        "match-text": "#f3d58a",
        "status-completed": "#86b97e",
        "status-failed": "#e0707a",
        "status-running": "#6fb1e8",
        "status-pending": "#9aa3b2",
        "status-cancelled": "#a08a72",
        "status-timed_out": "#d9a861",
        "status-lost": "#c58ad0",
        "screen-selection-background": "#34506f",
        "screen-selection-foreground": "#e8ecf2",
    },
)

LOG_COLOURS = TerminalTheme(
    (18, 21, 27),
    (201, 207, 216),
    [
        (59, 66, 80),
        (224, 112, 122),
        (134, 185, 126),
        (217, 168, 97),
        (122, 162, 216),
        (190, 145, 210),
        (110, 185, 190),
        (201, 207, 216),
    ],
    [
        (98, 107, 124),
        (240, 140, 148),
        (160, 208, 150),
        (235, 195, 130),
        (150, 185, 235),
        (212, 172, 230),
        (140, 210, 214),
        (236, 239, 244),
    ],
)
"""What the sixteen colours of a terminal are in our theme, so that logs suit it."""

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
"""What the theme's own variables are in other themes."""
