"""Opening the other screens, and coming back from them to a run or a step.

They are imported when they are opened: the first screen need not wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.screens.monitor import Monitor

if TYPE_CHECKING:
    from stepflow_tui.tui.samples import Samples

_PAIR = 2


class Views(Monitor):
    """Health, artifacts, two runs compared; and which runs to tell the end of."""

    _samples: Samples

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
