"""Opening the other screens, and coming back from them to a run or a step.

They are imported when they are opened: the first screen need not wait for them.
"""

from __future__ import annotations

import asyncio
import time
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.home import Home
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries
from stepflow_tui.tui.screens.main.monitor import Monitor

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.health.processes import ExecutionProcesses
    from stepflow_tui.tui.vitals.samples import Samples

_PAIR, _MOST = 2, 10
_SHARE, _LONGEST_S = 0.05, 5.0
"""Of the time, at most, that looking at processes may take; and how long it waits for that."""


class Views(Monitor):
    """Health, artifacts, two runs compared; and which runs to tell the end of."""

    _root: Path
    _processes: ExecutionProcesses | None = None
    _processes_due = 0.0

    @cached_property
    def _samples(self) -> Samples:
        from stepflow_tui.tui.vitals.samples import Samples

        return Samples(Home(self._root), self._feed)

    # Processes

    def _look_at_processes(self) -> None:
        """Show what the selected execution runs if there is room for it, a second old at most."""
        execution = self._live.selected
        if execution is None or not (self.is_current and self._steps.has_processes):
            self._processes = None
        elif time.monotonic() >= self._processes_due:
            from stepflow_tui.health.processes import ExecutionProcesses

            if self._processes is None or self._processes.execution != execution.id:
                self._processes = ExecutionProcesses(self._samples.home, execution.id)
            self._processes_due = inf
            self._read_processes(self._processes)

    @work(group="processes")
    async def _read_processes(self, processes: ExecutionProcesses) -> None:
        began = time.monotonic()
        try:
            found = await asyncio.to_thread(processes.look)
        finally:
            took_s = time.monotonic() - began
            self._processes_due = began + min(_LONGEST_S, took_s / _SHARE)
        if processes is self._processes:
            self._steps.show_processes(found)

    # Screens

    def action_health(self) -> None:
        """How the home and its runner fare."""
        from stepflow_tui.tui.screens.health import HealthScreen

        def show_run(number: int | None) -> None:
            if number is not None:
                self.call_later(self.open_at, number)

        self.app.push_screen(HealthScreen(self._samples), show_run)

    def action_artifacts(self) -> None:
        """The files that the execution has left."""
        from stepflow_tui.tui.screens.artifacts import Artifacts

        if self._live.selected is not None:
            screen = Artifacts(self._feed, self._samples.home, self._live.selected)
            self.app.push_screen(screen)

    def action_compare(self) -> None:
        """Two selected executions side by side, or this one and the one before it."""
        from stepflow_tui.tui.screens.compare import Compare

        def show_step(chosen: tuple[int, int] | None) -> None:
            if chosen is not None:
                number, step = chosen
                self.call_later(self.open_at, number, step or None)

        pair = sorted(self._executions.selected)
        if len(pair) == _PAIR:
            self.app.push_screen(Compare(self._feed, pair[1], pair[0]), show_step)
        elif self._live.number is not None:
            self.app.push_screen(Compare(self._feed, self._live.number), show_step)

    @work(group="interleave", exclusive=True)
    async def action_interleave(self) -> None:
        """The logs of the selected executions as one; again: back to the current one."""
        if self._live.is_interleaved:
            self._turn_to_one()
            return
        numbers = sorted(self._executions.selected)
        if len(numbers) < _PAIR:
            self._say("select two executions or more with v, then press I")
            return
        try:
            found = await self._feed.all(queries.executions_by_number(numbers[:_MOST]))
        except StoreProblem as problem:
            self._say(str(problem), bad=True)
            return
        executions = sorted(found, key=lambda execution: execution.number)
        self._live.interleave(executions)
        self._log.follow = True
        await self._pump.refreshed()
        names = ", ".join(f"#{execution.number}" for execution in executions)
        self._log.border_title = Content(f"{names}, by time")
        self._go_to("log")

    def _turn_to_one(self) -> None:
        """Back from several logs to that of the current execution."""
        cursor = self._executions.cursor
        row = None if cursor is None else self._live.executions.row(cursor)
        if row is not None:
            self._live.select(row.number)
            self._log.follow = True
            self._pump.wake()

    def action_watch(self) -> None:
        """Tell the end of this execution, or leave it alone."""
        execution, watchlist = self._live.selected, self._notifications.watchlist
        if execution is None:
            return
        name = f"#{execution.number} {clean_line(execution.name)}"
        if execution.status.is_final:
            self._say(f"{name} has ended already")
        elif watchlist.is_watched(execution.number):
            watchlist.unwatch(execution.number)
            self._say(f"the end of {name} is not told")
        else:
            watchlist.watch(execution.number)
            self._say(f"the end of {name} will be told")
