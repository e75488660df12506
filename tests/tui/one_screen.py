"""An app with nothing but one screen, driven by a test."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from textual.app import App

from stepflow_tui.tui import app as dashboard
from stepflow_tui.tui.theme.themes import ANSI_THEME, THEME, our_variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot
    from textual.screen import Screen

R = TypeVar("R")

PATIENCE_S = 20.0
_POLL_S = 0.002


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


class Shown:
    """The running app with what a test needs of it."""

    def __init__(self, app: OneScreen, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What stands on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def messages(self) -> list[str]:
        """What the user was told, oldest first."""
        return [notification.message for notification in self.app._notifications]

    async def press(self, *keys: str) -> None:
        """Type."""
        await self.pilot.press(*keys)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until this holds.

        Raises:
            TimeoutError: it never did; the text is what stands on the screen.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.text}\n{self.messages}")
            await asyncio.sleep(_POLL_S)
        await self.pilot.pause()

    async def until_text(self, *texts: str) -> None:
        """Wait until all these stand on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def until_told(self, text: str) -> None:
        """Wait until the last thing that the user was told is this."""
        await self.until(lambda: self.messages[-1:] == [text])


@asynccontextmanager
async def shown(
    screen: Screen[R], size: tuple[int, int] = (120, 36), *, colours: bool = True
) -> AsyncIterator[Shown]:
    """Show a screen, and take it away at the end."""
    app = OneScreen(screen, colours=colours)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Shown(app, pilot)
