from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme
from textual.widgets import Static

import stepflow_tui
from stepflow_tui.core.models import Status
from stepflow_tui.tui.choices import theme_names
from stepflow_tui.tui.theme.legibility import least_contrast, legible
from stepflow_tui.tui.theme.looks import LOOKS
from stepflow_tui.tui.theme.themes import (
    ANSI_VARIABLES,
    LIGHT_LOG_COLOURS,
    LOG_COLOURS,
    THEMES,
    our_variables,
)

if TYPE_CHECKING:
    from textual.app import ComposeResult

PACKAGE = Path(stepflow_tui.__file__).parent
AA, DECORATION = 4.5, 3.0
GROUNDS = ("background", "surface", "panel", "cursor", "cursor-blurred")
STATUSES = tuple(f"status-{status}" for status in Status)
TEXTS = ("foreground", "dim", "primary", "accent", "success", "warning", "error", *STATUSES)
OTHERS = [theme for theme in BUILTIN_THEMES.values() if not theme.ansi]
BLACK = 0


def luminance(colour: str) -> float:
    shares = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in Color.parse(colour).normalized
    ]
    return 0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def variables(theme: Theme) -> dict[str, str]:
    """All that a style sheet can name, as the app puts it together."""
    return {**theme.to_color_system().generate(), **theme.variables, **our_variables(theme)}


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert least_contrast(Color.parse("#777777"), [Color.parse("#fff")]) == pytest.approx(
        4.48, abs=0.005
    )


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_our_texts_stand_out_from_every_ground(theme: Theme, ground: str) -> None:
    colours = variables(theme)
    below = colours[ground]
    weak = {text: ratio for text in TEXTS if (ratio := contrast(colours[text], below)) < AA}
    assert weak == {}
    assert contrast(colours["faint"], below) >= DECORATION
    assert contrast(colours["line-focus"], below) >= DECORATION


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_what_is_marked_can_be_read(theme: Theme) -> None:
    colours = variables(theme)
    assert contrast(colours["match-text"], colours["match"]) >= AA
    selected = (f"screen-selection-{ground}" for ground in ("foreground", "background"))
    assert contrast(*(colours[name] for name in selected)) >= AA


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_our_grounds_can_be_told_apart(theme: Theme) -> None:
    colours = variables(theme)
    marks = [colours[name] for name in ("background", "cursor-blurred", "cursor")]
    assert all(contrast(*pair) > 1.1 for pair in pairwise(marks))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_colours_of_logs_suit_the_ground(theme: Theme) -> None:
    log, colours = LOG_COLOURS if theme.dark else LIGHT_LOG_COLOURS, variables(theme)
    assert tuple(log.background_color) == Color.parse(colours["background"]).rgb
    assert tuple(log.foreground_color) == Color.parse(colours["foreground"]).rgb
    for index in range(16):
        if index != BLACK or not theme.dark:  # on a dark ground it is drawn as the bright one
            shown = log.ansi_colors[index].hex
            assert contrast(shown, colours["background"]) >= AA, index
            assert contrast(shown, colours["cursor"]) >= AA, index


@pytest.mark.parametrize("theme", OTHERS, ids=lambda theme: theme.name)
def test_ours_are_legible_in_the_themes_of_others(theme: Theme) -> None:
    colours = variables(theme)
    assert set(ANSI_VARIABLES) <= set(colours)
    for ground in GROUNDS:
        for text in TEXTS:
            assert contrast(colours[text], colours[ground]) >= AA, (text, ground)
        assert contrast(colours["faint"], colours[ground]) >= DECORATION
    assert contrast(colours["match-text"], colours["match"]) >= AA


def test_a_colour_is_changed_no_more_than_needed() -> None:
    ground = [Color.parse("#101010")]
    bright = Color.parse("#c0c0c0")
    assert legible(bright, ground, AA) == bright
    assert AA <= least_contrast(legible(Color.parse("#703030"), ground, AA), ground) < 6


def test_where_nothing_is_enough_the_best_is_taken() -> None:
    grounds = [Color.parse("#000"), Color.parse("#777"), Color.parse("#fff")]
    assert 1.0 < least_contrast(legible(Color.parse("#abc"), grounds, AA), grounds) < AA


class Host(App[None]):
    CSS = "Static { color: $status-lost; background: $cursor; border: round $line-focus; }"

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        yield Static("text")

    def get_css_variables(self) -> dict[str, str]:
        return {**super().get_css_variables(), **our_variables(self.current_theme)}


async def test_every_theme_can_be_taken() -> None:
    app = Host()
    assert set(theme_names()) <= set(app.available_themes)
    async with app.run_test() as pilot:
        colours = set()
        for name in theme_names():
            app.theme = name
            await pilot.pause()
            colours.add(app.query_one(Static).styles.color.hex)
        assert len(colours) > 15


def test_every_look_that_is_asked_for_is_known() -> None:
    kinds = "|".join({name.partition("--")[0] for name in LOOKS})
    quoted = re.compile(rf'"((?:{kinds})--[a-z_-]+)"')
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    asked_for = {name for text in sources for name in quoted.findall(text)}
    assert asked_for | {f"status--{status}" for status in Status} == set(LOOKS)
