"""A program that shows one dialog, for tests of dialogs."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.app import App

import stepflow_tui.tui.screens.main
from stepflow_tui.tui.theme.themes import ANSI_VARIABLES, THEME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot
    from textual.screen import ModalScreen

T = TypeVar("T")

PATIENCE_S = 20.0
_POLL_S = 0.002


class Host(App[None], Generic[T]):
    """Opens the dialog at once, and notes what it gives."""

    CSS_PATH = Path(stepflow_tui.tui.screens.main.__path__[0]) / "main.tcss"

    def __init__(self, dialog: ModalScreen[T]) -> None:
        super().__init__()
        self.register_theme(THEME)
        self.theme = THEME.name
        self._dialog = dialog
        self.given: list[T | None] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(ANSI_VARIABLES)

    def on_mount(self) -> None:
        self.push_screen(self._dialog, self.given.append)


class Shown(Generic[T]):
    """A dialog that is open, with what a test needs of it."""

    def __init__(self, app: Host[T], pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What stands on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def focus(self) -> str | None:
        """The id of what has the focus."""
        return self.app.screen.focused.id if self.app.screen.focused else None

    @property
    def given(self) -> list[T | None]:
        """What the dialog gave when it was closed."""
        return self.app.given

    async def press(self, *keys: str) -> None:
        """Type."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        await self.pilot.press(*text)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until this holds.

        Raises:
            TimeoutError: it never did; the text is what stands on the screen.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(self.text)
            await asyncio.sleep(_POLL_S)
        await self.pilot.pause()

    async def until_text(self, *texts: str) -> None:
        """Wait until all these stand on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))


@asynccontextmanager
async def shown(
    dialog: ModalScreen[T], size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Shown[T]]:
    """Open a dialog."""
    app = Host(dialog)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Shown(app, pilot)
