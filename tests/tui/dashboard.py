"""The dashboard without a terminal, driven by a test."""

from __future__ import annotations

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
from tests.tui.driven import Driven

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from textual.pilot import Pilot

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import Request, RunRequest


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


class Dashboard(Driven[StepflowApp]):
    """The running app with what a test needs of it."""

    def __init__(self, app: StepflowApp, pilot: Pilot[None], orders: NotedOrders) -> None:
        super().__init__(app, pilot)
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
