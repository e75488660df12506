"""What the parts of the main screen know of one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.constants import MAX_FPS

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.in_parts import InParts
from stepflow_tui.tui.live import Window
from stepflow_tui.tui.log.finder import Finder
from stepflow_tui.tui.pump import Pump
from stepflow_tui.tui.terminal.parts import PartsScreen
from stepflow_tui.tui.widgets.executions import Executions
from stepflow_tui.tui.widgets.log.view import LogView
from stepflow_tui.tui.widgets.steps import Steps

if TYPE_CHECKING:
    from stepflow_tui.core.errors import StoreProblem
    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.feed import Feed
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.notify.notifications import Notifications
    from stepflow_tui.tui.orders import Orders

PANES = ("executions", "steps", "log")


class Monitor(InParts, PartsScreen):
    """Three panes with what feeds them; what one can do with them is added by subclasses."""

    _notifications: Notifications

    def __init__(self, feed: Feed, live: Live, orders: Orders) -> None:
        """Makes the screen.

        Args:
            feed: where everything is read.
            live: what is shown; it may have been refreshed already.
            orders: where everything is asked for.
        """
        super().__init__(id="main", classes=f"-at-{PANES[0]}")
        self._feed = feed
        self._live = live
        self._orders = orders
        self._finder = Finder()
        self._pump = Pump(feed, live, window=self._window, show=self._show, floor_s=1 / MAX_FPS)
        self._executions = Executions(id="executions", turned_to=self._select)
        self._steps = Steps(
            id="steps", turned_to=self._open_step, entered=lambda: self._go_to("log")
        )
        self._log = LogView(id="log")

    def _window(self) -> Window:
        rows, height = self._executions.visible_rows, self._executions.height
        return Window(
            rows=range(max(0, rows.start - height), rows.start + 2 * max(1, height)),
            lines=self._log.wanted_lines,
            follow=self._log.follow,
        )

    def _show(self, problem: StoreProblem | None) -> None:
        """Bring all that is on the screen in line with what was read."""
        raise NotImplementedError

    def _show_status(self) -> None:
        """Say how things stand."""
        raise NotImplementedError

    def _go_to(self, pane: str) -> None:
        """Give a pane the focus."""
        raise NotImplementedError

    def _select(self, number: int) -> None:
        """Turn to an execution."""
        raise NotImplementedError

    def _open_step(self, step: Step) -> None:
        """Show the lines of a step."""
        raise NotImplementedError

    async def _place_of(self, number: int) -> int:
        """Where an execution stands in the list, which is made to show it."""
        raise NotImplementedError

    async def go_to_place(self, text: str) -> None:
        """Go to a place in the log, as it was typed."""
        raise NotImplementedError

    async def open_at(self, number: int, step: int | None = None) -> None:
        """Turn to an execution, and if it is given to one of its steps."""
        raise NotImplementedError

    def _chosen(self) -> list[Execution]:
        """What is to be acted on."""
        return [] if self._live.selected is None else [self._live.selected]

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.notify(clean_line(text), severity="error" if bad else "information", markup=False)
