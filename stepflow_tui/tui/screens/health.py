"""How the home and its runner fare, live."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.settings import Settings
from stepflow_tui.health.examination import examine
from stepflow_tui.tui import keymap
from stepflow_tui.tui.screens.help import KEY, Help
from stepflow_tui.tui.screens.once import ClosesOnce
from stepflow_tui.tui.vitals.gauges import gauges
from stepflow_tui.tui.widgets.gauge_pane import GaugePane
from stepflow_tui.tui.widgets.keys_line import KeysLine
from stepflow_tui.tui.widgets.process_trees import ProcessTreeList
from stepflow_tui.tui.widgets.verdict import Verdict

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.geometry import Size

    from stepflow_tui.tui.vitals.samples import Samples

KEYS = keymap.Group(
    "Health",
    (
        keymap.key("tab", "next_pane", "pane", "tab", footer=True),
        keymap.key("shift+tab", "previous_pane", "previous pane", "shift+tab"),
        keymap.key("enter", "show_run", "show the run", "enter", footer=True),
        keymap.key("S,s", "sort", "by CPU or memory", "S", footer=True),
        KEY,
        keymap.key("escape,q,H", "close", "close", "esc", footer=True),
    ),
)

_EXAMINE_S = 5.0
_FRAME, _KEYS = 2, 1
_LEAST_VERDICT = 3
"""A verdict takes so many lines as a rule, so the panes do not move when it comes."""

_LEAST_LIST, _LIST_PER_PLOT_ROW, _ENOUGH = 3, 2, 3
"""Rows of the list. Up to _ENOUGH rows of a plot a long list grows with them; plots become higher
than that only where all executions are shown."""


class HealthScreen(ClosesOnce, Screen["int | None"]):
    """Verdict, gauges, and the processes of what runs.

    Dismissed with the number of the execution that is to be shown, or None.
    """

    AUTO_FOCUS = "#health-trees"
    CSS_PATH = "health.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(KEYS.bindings)

    def __init__(self, samples: Samples) -> None:
        """Makes the screen; `samples` are to be taken by somebody who runs them."""
        super().__init__(id="health")
        self._samples = samples
        self._verdict = Verdict(id="health-verdict")
        self._gauges = GaugePane(gauges(_levels()), id="health-gauges")
        self._trees = ProcessTreeList(id="health-trees")
        self._listed = 0

    def compose(self) -> ComposeResult:
        """One above the other."""
        yield self._verdict
        yield self._gauges
        yield self._trees
        yield KeysLine(KEYS.bindings, id="health-keys")

    def on_mount(self) -> None:
        """Begin to look closer."""
        self._samples.show_trees(wanted=True)
        self._samples.hurry()
        self._show()
        self.run_worker(self._follow(), group="samples")
        self.run_worker(self._examine(), group="examine")

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._samples.show_trees(wanted=False)

    def on_resize(self, event: events.Resize) -> None:
        """There is another amount of room."""
        self._lay_out(event.size)

    def _lay_out(self, size: Size) -> None:
        """Give the plots the room that verdict and list leave."""
        width, height = size
        inside = width - _FRAME - 1
        verdict = max(_LEAST_VERDICT, self._verdict.rows_at(width, height))
        room = height - verdict - _KEYS - 2 * _FRAME
        fits = (
            rows
            for rows in range(height, 0, -1)
            if self._gauges.rows_at(inside, rows) + _list_rows(rows, self._listed) <= room
        )
        rows = next(fits, None)
        self._gauges.show_plots(rows or 1)
        high = self._gauges.rows_at(inside, rows or 1) + _FRAME
        self._gauges.styles.height = high if rows else "1fr"
        self.set_class(rows is None, "-single")

    async def _follow(self) -> None:
        while True:
            await self._samples.next()
            self._show()

    async def _examine(self) -> None:
        while True:
            try:
                self._verdict.show(
                    await asyncio.to_thread(examine, self._samples.home, closely=True)
                )
            except StepflowError as problem:
                self._verdict.show_problem(str(problem))
            self._lay_out(self.size)
            await asyncio.sleep(_EXAMINE_S)

    def _show(self) -> None:
        self._gauges.show(self._samples.history)
        self._trees.show(self._samples.trees)
        # It never shrinks while one looks, so that the plots do not jump when a process ends.
        if self._trees.count > self._listed:
            self._listed = self._trees.count
            self._lay_out(self.size)

    def action_next_pane(self) -> None:
        """To the other pane, which is shown alone where there is no room for both."""
        to_gauges = self.focused is self._trees
        self.set_class(to_gauges, "-at-gauges")
        (self._gauges if to_gauges else self._trees).focus()

    def action_previous_pane(self) -> None:
        """There are two."""
        self.action_next_pane()

    def action_sort(self) -> None:
        """Sort the processes by something else."""
        self._trees.turn_order()

    def action_show_run(self) -> None:
        """Leave for the execution at the cursor."""
        if self._trees.selected is not None:
            self.dismiss(self._trees.selected.number)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(self, keymap.MOVE, KEYS))

    def action_close(self) -> None:
        """Back to what was there before."""
        self.dismiss(None)


def _list_rows(plot_rows: int, count: int) -> int:
    """How many rows a list of so many executions keeps beside plots of this height."""
    if plot_rows == 1:
        return _LEAST_LIST
    most = count if plot_rows > _ENOUGH else 4 + _LIST_PER_PLOT_ROW * plot_rows
    return max(_LEAST_LIST, min(count, most))


def _levels() -> Settings:
    """The levels of alerts; the examination tells of such as cannot be read."""
    try:
        return Settings.from_environment(os.environ)
    except StepflowError:
        return Settings()
