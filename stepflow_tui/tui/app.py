"""The dashboard as a Textual application."""

from __future__ import annotations

import gc
import os
import shutil
import time
from typing import TYPE_CHECKING, ClassVar

from textual._styles_cache import StylesCache
from textual.await_complete import AwaitComplete
from textual.events import Resize
from textual.geometry import Size
from textual.scrollbar import ScrollBar

from stepflow_tui.core import glyphs
from stepflow_tui.core.config import Config
from stepflow_tui.tui import choices, keymap
from stepflow_tui.tui.notify.hook import Hook
from stepflow_tui.tui.notify.notifications import Notifications
from stepflow_tui.tui.screens.main.screen import MainScreen
from stepflow_tui.tui.terminal.ascii import AsciiOnly, WholeCells
from stepflow_tui.tui.terminal.changed_cells import ThriftyApp
from stepflow_tui.tui.terminal.emulator import Emulator
from stepflow_tui.tui.theme.themes import (
    ANSI_THEME,
    LIGHT_LOG_COLOURS,
    LOG_COLOURS,
    THEMES,
    our_variables,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType
    from textual.actions import ActionParseResult
    from textual.binding import BindingType
    from textual.dom import DOMNode
    from textual.filter import LineFilter
    from textual.notifications import Notification, Notify
    from textual.screen import Screen

    from stepflow_tui.core.target import Target
    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.memory import Memory
    from stepflow_tui.tui.orders import Orders

_TWICE_WITHIN_S = 3.0
_TOAST_GONE_S = 0.3
_TOLD = "information"


class StepflowApp(ThriftyApp, inherit_bindings=False):
    """Opens the main screen; what it shows and where orders go is handed in."""

    TITLE = "stepflow"
    CSS_PATH = "screens/main/main.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [keymap.INTERRUPT]

    def __init__(
        self,
        root: Path,
        feed: Feed,
        live: Live,
        orders: Orders,
        *,
        colours: bool = True,
        config: Config | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Makes the application.

        Args:
            root: of the home.
            feed: where everything is read.
            live: what is shown first, refreshed or not.
            orders: where everything is asked for.
            colours: those of the theme; else the terminal's own, or none under NO_COLOR.
            config: what the user has chosen, and `choices` has found to be right.
            environ: tells of the terminal, and is handed on to the user's own command.
        """
        super().__init__(ansi_color=None if colours else True)
        self.config = config or Config()
        self._ascii_only = AsciiOnly(enabled=glyphs.is_ascii())
        if glyphs.is_ascii():
            ScrollBar.renderer = WholeCells
        self.notifications = self._make_notifications(environ)
        self._main = MainScreen(
            root, feed, live, orders, notifications=self.notifications, config=self.config
        )
        self._interrupted_at = 0.0
        self._panic: str | None = None
        self._is_ready = False
        self._set_colours(self.config.theme if colours else ANSI_THEME)
        self.set_keymap(choices.keymap(self.config))

    def _set_colours(self, theme: str) -> None:
        self.ansi_theme_dark, self.ansi_theme_light = LOG_COLOURS, LIGHT_LOG_COLOURS
        for ours in THEMES:
            self.register_theme(ours)
        self.theme = theme
        self.stylesheet.set_variables(self.get_css_variables())

    def refresh_css(self, animate: bool = True) -> None:
        """Read the styles anew, but not ahead of the first screen, for which they are read."""
        if self._is_ready:
            super().refresh_css(animate)

    def _make_notifications(self, environ: Mapping[str, str]) -> Notifications:
        wanted = self.config.notify
        return Notifications(
            wanted,
            Emulator.detect(environ, wanted),
            hook=Hook(wanted.command, environ, self._warn),
            write=self._write,
            say=self._tell,
        )

    def _write(self, sequence: str) -> None:
        """Hand a sequence to the terminal, between two frames."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)
            self._driver.flush()

    def _tell(self, text: str) -> None:
        self.notify(text, markup=False)

    def _warn(self, text: str) -> None:
        self.notify(text, severity="warning", markup=False)

    def leave(self, code: int) -> None:
        """End with this exit code."""
        self.exit(return_code=code)

    @property
    def fault(self) -> Exception | str | None:
        """What it ended by that it should not have; None if it did as it was told."""
        return self._exception or self._panic

    def panic(self, *renderables: RenderableType) -> None:
        """Textual gives up: its thread that reads the keyboard has failed, or a style."""
        self._panic = " ".join(map(_told, renderables)) or "no reason given"
        super().panic(*renderables)

    def _print_error_renderables(self) -> None:
        """Print nothing: what is to be said comes after the screen, and Textual shows all values.

        Among them are environments, and what scripts have printed.
        """
        self._exit_renderables.clear()

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Carry out what a key is bound to; it is meant for what is selected when it is typed."""
        if default_namespace not in (None, self) and self.screen is self._main:
            await self._main.settle(default_namespace)
        return await super().run_action(action, default_namespace, namespaces)

    def restore(self, memory: Memory, target: Target | None) -> None:
        """Look as it was left, or begin at a run or step; to be called before it runs."""
        self._main.restore(memory, target)

    @property
    def memory(self) -> Memory:
        """How it is left."""
        return self._main.memory()

    def get_default_screen(self) -> Screen[None]:
        """The screen with the panes."""
        return self._main

    def pop_screen(self) -> AwaitComplete:
        """Close the screen on top, and let go of what was drawn of it; the main one stays."""
        if len(self.screen_stack) == 1:
            nothing: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
            return nothing
        # Textual remembers two colours for each widget by the cache of all its lines, even of one
        # that is gone: some hundred kB for each screen that was ever closed.
        getattr(StylesCache.get_inner_outer, "cache_clear", bool)()
        return super().pop_screen()

    def on_notify(self, event: Notify) -> None:
        """Something is told: it takes the place of what was told before, but for what went wrong.

        Textual adds it afterwards, and draws all of them.
        """
        if event.notification.severity == _TOLD:
            for older in [one for one in self._notifications if one.severity == _TOLD]:
                self._unnotify(older, refresh=False)

    def _unnotify(self, notification: Notification, refresh: bool = True) -> None:
        """Draw anew when the last toast is gone: with screens over screens some of it may stay."""
        super()._unnotify(notification, refresh)
        if not self._notifications:
            self.set_timer(_TOAST_GONE_S, self._clear_toasts)

    def _clear_toasts(self) -> None:
        """Draw anew what a toast stood on; under a dialog nobody else would."""
        beneath = self.screen_stack[:-1]
        for screen in beneath:
            screen.refresh(layout=True)
        if beneath:
            self.action_redraw()
        else:
            self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Take the terminal's word for its size.

        If two signals come at once, Textual may deal with the second in the midst of the first, and
        tells of the older size last.
        """
        tells_itself = getattr(self._driver, "_in_band_window_resize", False)
        if self._driver is None or self.is_headless or tells_itself:
            return
        size = Size(*shutil.get_terminal_size())
        if size != event.size:
            self.post_message(Resize(size, size))

    def on_mount(self) -> None:
        """Draw anew when we come back from the shell (ctrl+z, fg)."""
        self.app_suspend_signal.subscribe(self, lambda _: self.notifications.pause())
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def on_ready(self) -> None:
        """The first screen stands there."""
        self._is_ready = True
        if not gc.isenabled():  # so that it came sooner
            gc.collect()
            gc.freeze()  # what is there now stays for good; each look at it takes some frames' time
            gc.enable()

    def on_unmount(self) -> None:
        """Leave the terminal as it was."""
        self.notifications.pause()

    def get_css_variables(self) -> dict[str, str]:
        """Those of the theme, with our own."""
        variables = {**super().get_css_variables(), **our_variables(self.current_theme)}
        self.theme_variables = variables
        return variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What all that is drawn passes through."""
        filters = super().get_line_filters()
        return [*filters, self._ascii_only] if self._ascii_only.enabled else filters

    def action_interrupt(self) -> None:
        """Never touch a run: the second ctrl+c in a row leaves the dashboard."""
        moment = time.monotonic()
        if moment - self._interrupted_at < _TWICE_WITHIN_S:
            self.exit()
            return
        self._interrupted_at = moment
        self.notify("press ctrl+c again to quit; runs go on", timeout=_TWICE_WITHIN_S)


def _told(renderable: RenderableType) -> str:
    """A traceback of rich in a line: what went wrong, and where."""
    from rich.traceback import Traceback  # takes longer than the first frame

    if not isinstance(renderable, Traceback):
        return str(renderable)
    stack = renderable.trace.stacks[0]
    places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in stack.frames]
    return f"{stack.exc_type}: {stack.exc_value} ({', '.join(places)})"
