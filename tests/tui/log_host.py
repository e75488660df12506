"""The view of a log alone in an app, driven by a test."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import App

import stepflow_tui.tui
from stepflow_tui.store import queries
from stepflow_tui.tui.log.source import LogPages
from stepflow_tui.tui.messages import Wanted
from stepflow_tui.tui.theme.themes import LOG_COLOURS, THEME
from stepflow_tui.tui.widgets.log.painter import GUTTER
from stepflow_tui.tui.widgets.log.view import LogView
from tests.tui.driven import Driven

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.app import ComposeResult
    from textual.pilot import Pilot

    from stepflow_tui.tui.source import Source
    from tests.tui.record import Recorder


class LogApp(App[None]):
    CSS_PATH = Path(stepflow_tui.tui.__file__).parent / "screens" / "main" / "main.tcss"
    CSS = "LogView { width: 100%; height: 100%; }"

    def __init__(self, source: Source, recorder: Recorder, number: int) -> None:
        super().__init__()
        self.ansi_theme_dark = LOG_COLOURS
        self.register_theme(THEME)
        self.theme = THEME.name
        self._source = source
        self._recorder = recorder
        self.log_pages = LogPages(source, number)
        self.copied: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(THEME.variables)

    def compose(self) -> ComposeResult:
        yield LogView(id="log")

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    @on(Wanted)
    async def read(self) -> None:
        """Read what is in view, as the dashboard does, and show it."""
        log, view = self.log_pages, self.query_one(LogView)
        pulse = await self._source.first(queries.pulse(log.number, 0))
        execution = await self._source.first(queries.execution(log.number))
        steps = await self._source.all(queries.steps(log.number))
        assert pulse is not None
        log.resize(pulse.line_count, pulse.byte_count)
        lines = view.wanted_lines
        if view.follow:
            lines = range(max(0, log.line_count - len(lines)), log.line_count)
        await log.load(lines)
        view.show(log, execution, steps)


class LogHost(Driven[LogApp]):
    """The running app with what a test needs of it."""

    def __init__(self, app: LogApp, pilot: Pilot[None]) -> None:
        super().__init__(app, pilot)
        self.log = app.query_one(LogView)

    @property
    def rows(self) -> list[str]:
        """What stands in the view, signs and blanks at the left cut off."""
        return [row[GUTTER:] for row in self.drawn if row]

    @property
    def signs(self) -> str:
        """The signs at the left, from the top."""
        return "".join(self.log.render_line(y).text[0] for y in range(len(self.log._rows)))

    @property
    def drawn(self) -> list[str]:
        """All that stands in the view."""
        return [self.log.render_line(y).text.rstrip() for y in range(self.log.height)]

    @property
    def line(self) -> int:
        """The current line, from 1."""
        return self.log.cursor + 1

    async def refresh(self) -> None:
        """Show what is committed by now."""
        await self.app.read()
        await self.pilot.pause()

    async def scanned(self) -> None:
        """Wait until every line was looked through."""
        log = self.log
        await self.until(lambda: all(scan.is_done(log._complete) for scan in log._scans))


@asynccontextmanager
async def log_host(
    source: Source, recorder: Recorder, number: int, size: tuple[int, int] = (60, 20)
) -> AsyncIterator[LogHost]:
    """Show the log of an execution."""
    app = LogApp(source, recorder, number)
    async with app.run_test(size=size, notifications=True) as pilot:
        host = LogHost(app, pilot)
        app.query_one(LogView).focus()
        await host.refresh()
        yield host
