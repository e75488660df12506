"""Every screen of the dashboard, and the keys that lead there from the main screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.tui.furnished import DEPLOY, NIGHTLY, SITE

if TYPE_CHECKING:
    from tests.tui.dashboard import Dashboard


@dataclass(frozen=True)
class Stop:
    """A place in the dashboard.

    Attributes:
        name: of it.
        keys: that lead there.
        text: stands on the screen as soon as one is there.
        focus: the id of what has the focus then.
        at: the execution that is selected before.
    """

    name: str
    keys: tuple[str, ...]
    text: str
    focus: str | None
    at: int = SITE

    async def visit(self, board: Dashboard) -> None:
        """Go there from the main screen as it was opened."""
        await board.until_text("Executions", "site")
        await board.main.open_at(self.at)
        board.main.set_focus(board.executions)
        await board.press(*self.keys)
        await board.until(lambda: self.text in board.text and board.focus == self.focus)


async def leave(board: Dashboard) -> None:
    """Go back to the main screen as it was opened."""
    while len(board.app.screen_stack) > 1:
        await board.app.pop_screen()
    for _ in range(3):
        board.main.action_back()
    await board.until(lambda: not board.main.has_class("-zoomed"))


STOPS = (
    Stop("executions", (), "Executions", "executions"),
    Stop("steps", ("tab",), "Compile pages", "steps"),
    Stop("log", ("tab", "tab"), "compiled", "log"),
    Stop("zoomed log", ("tab", "tab", "z"), "compiled", "log"),
    Stop("filter", ("slash", *"status:failed"), "1 of 10", "filter-text"),
    Stop("search", ("tab", "tab", "slash", *"compiled"), "compiled", "search-text"),
    Stop("palette", ("ctrl+p",), "Go to or do", "palette-text"),
    Stop("help", ("question_mark",), "Moving in a pane", None),
    Stop("details", ("enter",), "ask Ada", None, at=DEPLOY),
    Stop("confirm", ("x",), "Cancel #10 site?", "no"),
    Stop("new run", ("s",), "Start a run", "command"),
    Stop("tags", ("T",), "Tags of #10 site", "tags"),
    Stop("note", ("i",), "Note on #10 site", "note"),
    Stop(
        "matches",
        ("tab", "tab", "slash", *"compiled", "enter", "L"),
        "“compiled” in #10 site",
        "match-list",
    ),
    Stop("pretty", ("tab", "tab", "k", "k", "J"), '"words": 1204', None),
    Stop("save", ("W",), "Save #10 site", "save-name"),
    Stop("health", ("H",), "write-ahead log", "health-trees"),
    Stop("gauges", ("H", "tab"), "write-ahead log", "health-gauges"),
    Stop("artifacts", ("a",), "3 of 4", "artifacts", at=NIGHTLY),
    Stop("preview", ("a", "tab"), "summary.json", "preview", at=NIGHTLY),
    Stop("compare", ("c",), "slower than usual", "comparison", at=NIGHTLY),
)

BY_NAME = {stop.name: stop for stop in STOPS}
