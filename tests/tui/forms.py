"""A program that shows one dialog, for tests of dialogs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.app import App

import stepflow_tui.tui.screens.main
from stepflow_tui.tui.theme.themes import ANSI_VARIABLES, THEME
from tests.tui.driven import Driven

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.screen import ModalScreen

T = TypeVar("T")


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


class Shown(Driven[Host[T]]):
    """A dialog that is open, with what a test needs of it."""

    @property
    def given(self) -> list[T | None]:
        """What the dialog gave when it was closed."""
        return self.app.given

    async def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        await self.pilot.press(*text)


@asynccontextmanager
async def shown(
    dialog: ModalScreen[T], size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Shown[T]]:
    """Open a dialog."""
    app = Host(dialog)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Shown(app, pilot)
