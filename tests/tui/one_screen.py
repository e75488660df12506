"""An app with nothing but one screen, driven by a test."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from textual.app import App

from stepflow_tui.tui import app as dashboard
from stepflow_tui.tui.theme.themes import ANSI_THEME, THEME, our_variables
from tests.tui.driven import Driven

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.screen import Screen

R = TypeVar("R")


class OneScreen(App[None], inherit_bindings=False):
    """Shows a screen over an empty one, and notes what it was dismissed with."""

    CSS_PATH = str(dashboard.__file__).replace("app.py", "screens/main/main.tcss")

    def __init__(self, screen: Screen[R], *, colours: bool = True) -> None:
        super().__init__(ansi_color=None if colours else True)
        self._shown = screen
        self.results: list[object] = []
        self.register_theme(THEME)
        self.theme = THEME.name if colours else ANSI_THEME

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return our_variables(self.current_theme)

    def on_mount(self) -> None:
        self.push_screen(self._shown, self.results.append)


Shown: TypeAlias = Driven[OneScreen]


@asynccontextmanager
async def shown(
    screen: Screen[R], size: tuple[int, int] = (120, 36), *, colours: bool = True
) -> AsyncIterator[Shown]:
    """Show a screen, and take it away at the end."""
    app = OneScreen(screen, colours=colours)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Shown(app, pilot)
