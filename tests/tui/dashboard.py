"""The dashboard without a terminal, driven by a test."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.requests.prepare import run_request
from stepflow_tui.requests.runner import RunnerIdentity
from stepflow_tui.store.feed import Feed
from stepflow_tui.tui.app import StepflowApp
from stepflow_tui.tui.live import Live
from stepflow_tui.tui.orders import Orders
from stepflow_tui.tui.screens.main.screen import MainScreen
from stepflow_tui.tui.widgets.executions import Executions
from stepflow_tui.tui.widgets.log.painter import GUTTER
from stepflow_tui.tui.widgets.log.view import LogView
from stepflow_tui.tui.widgets.rows import Rows
from stepflow_tui.tui.widgets.steps import Steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from textual.pilot import Pilot

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import Request, RunRequest

PATIENCE_S = 20.0
_POLL_S = 0.002


class NotedOrders(Orders):
    """Notes what is asked for, and starts nothing."""

    def __init__(self, home: Home, directory: Path) -> None:
        super().__init__(home, {})
        self._directory = directory
        self.cancelled: list[int] = []
        self.rerun_of: list[int] = []
        self.refused: str | None = None
        self.unanswered = False
        self.missing: str | None = None
        self.alive = True
        self.trouble = ""
        self.request: RunRequest | None = None
        self.requests: list[Request] = []

    def rerun(self, execution: Execution) -> RunRequest:
        if self.missing is not None:
            raise StepflowError(self.missing)
        self.rerun_of.append(execution.number)
        self.request = run_request(["/bin/true"], cwd=self._directory)
        return self.request

    def cancel(self, executions: Sequence[Execution], *, force: bool = False) -> list[Request]:
        self.cancelled += [execution.number for execution in executions]
        return super().cancel(executions, force=force)

    def hand_over(self, *requests: Request) -> None:
        self.requests += requests

    def is_waiting(self, request: Request) -> bool:  # noqa: ARG002 - the same for all
        return self.unanswered

    def refusal(self, request: Request) -> str | None:  # noqa: ARG002 - the same for all
        return self.refused

    def runner(self) -> RunnerIdentity | None:
        return RunnerIdentity(1, "0.1.0", 0, self.trouble) if self.alive else None


class Dashboard:
    """The running app with what a test needs of it."""

    def __init__(self, app: StepflowApp, pilot: Pilot[None], orders: NotedOrders) -> None:
        self.app = app
        self.pilot = pilot
        self.orders = orders

    @property
    def main(self) -> MainScreen:
        """The screen with the panes."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def executions(self) -> Executions:
        """The list of executions."""
        return self.main.query_one(Executions)

    @property
    def steps(self) -> Steps:
        """The list of steps."""
        return self.main.query_one(Steps)

    @property
    def log(self) -> LogView:
        """The log."""
        return self.main.query_one(LogView)

    @property
    def focus(self) -> str | None:
        """The id of what has the focus."""
        return self.app.screen.focused.id if self.app.screen.focused else None

    @property
    def text(self) -> str:
        """What stands on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def messages(self) -> list[str]:
        """What the user was told, oldest first."""
        return [notification.message for notification in self.app._notifications]

    def rows(self, pane: Executions | Steps | LogView) -> list[str]:
        """What stands in a pane, without its frame, the heads of columns, and signs of lines."""
        first = pane.heads if isinstance(pane, Rows) else 0
        left = GUTTER if isinstance(pane, LogView) else 0
        return [pane.render_line(first + y).text[left:].rstrip() for y in range(pane.height)]

    @property
    def log_rows(self) -> list[str]:
        """What stands in the log, empty rows left out."""
        return [row for row in self.rows(self.log) if row]

    @property
    def selected(self) -> int | None:
        """The number of the selected execution."""
        return self.main._live.number

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
                raise TimeoutError(self.text)
            await asyncio.sleep(_POLL_S)
        await self.pilot.pause()

    async def until_text(self, *texts: str) -> None:
        """Wait until all these stand on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def until_last(self, line: str) -> None:
        """Wait until this is the last line in the view of the log."""
        await self.until(lambda: self.log_rows[-1:] == [line])


@asynccontextmanager
async def dashboard(
    home: Home, size: tuple[int, int] = (120, 36), *, colours: bool = True
) -> AsyncIterator[Dashboard]:
    """Open the dashboard of a home, and close it at the end."""
    async with Feed(home) as feed:
        orders = NotedOrders(home, home.root.parent)
        app = StepflowApp(home.root, feed, Live(feed), orders, colours=colours)
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Dashboard(app, pilot, orders)
