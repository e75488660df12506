"""The dashboard as a Textual application."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import App

from stepflow_tui.tui import keymap
from stepflow_tui.tui.screens.main import MainScreen
from stepflow_tui.tui.theme import ANSI_THEME, ANSI_VARIABLES, LOG_COLOURS, THEME

if TYPE_CHECKING:
    from pathlib import Path

    from textual.binding import BindingType
    from textual.screen import Screen

    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.orders import Orders

_TWICE_WITHIN_S = 3.0


class StepflowApp(App[None], inherit_bindings=False):
    """Opens the main screen; what it shows and where orders go is handed in."""

    TITLE = "stepflow"
    CSS_PATH = "screens/main.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [keymap.INTERRUPT]

    def __init__(
        self, root: Path, feed: Feed, live: Live, orders: Orders, *, colours: bool = True
    ) -> None:
        """Makes the application.

        Args:
            root: of the home.
            feed: where everything is read.
            live: what is shown first, refreshed or not.
            orders: where everything is asked for.
            colours: our own theme; else the terminal's colours, or none under NO_COLOR.
        """
        super().__init__(ansi_color=None if colours else True)
        self._main = MainScreen(root, feed, live, orders)
        self._interrupted_at = 0.0
        self.ansi_theme_dark = LOG_COLOURS
        self.register_theme(THEME)
        self.theme = THEME.name if colours else ANSI_THEME

    def get_default_screen(self) -> Screen[None]:
        """The screen with the panes."""
        return self._main

    def on_mount(self) -> None:
        """Draw anew when we come back from the shell (ctrl+z, fg)."""
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that do not know them."""
        return dict(ANSI_VARIABLES)

    def action_interrupt(self) -> None:
        """Never touch a run: the second ctrl+c in a row leaves the dashboard."""
        moment = time.monotonic()
        if moment - self._interrupted_at < _TWICE_WITHIN_S:
            self.exit()
            return
        self._interrupted_at = moment
        self.notify("press ctrl+c again to quit; runs go on", timeout=_TWICE_WITHIN_S)
