"""What the view of the log does by itself, from whichever pane has the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.screens.main.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable


def _of_the_log(action: str) -> Callable[[Monitor], None]:
    def run(screen: Monitor) -> None:
        getattr(screen._log, f"action_{action}")()  # noqa: SLF001 - it is made a method of it

    return run


class Reading(Monitor):
    """The keys of `keymap.READING`."""

    action_next_problem = _of_the_log("next_problem")
    action_previous_problem = _of_the_log("previous_problem")
    action_next_step = _of_the_log("next_step")
    action_previous_step = _of_the_log("previous_step")
    action_fold = _of_the_log("fold")
    action_fold_all = _of_the_log("fold_all")
    action_markers = _of_the_log("markers")
    action_pretty = _of_the_log("pretty")
    action_select_lines = _of_the_log("select_lines")
