"""What stands in place of the panes when there is nothing to show in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from stepflow_tui.core.text import clean

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.errors import StoreProblem


class Notice(Static):
    """A few lines that say what to do next."""

    def say_empty(self, root: Path) -> None:
        """Nothing was run yet."""
        self._say(
            Content.assemble(
                ("No executions yet\n\n", "bold"),
                ("Run any script in another terminal:\n\n", "$dim"),
                ("stepflow run ./script.sh\n\n", "$primary"),
                ("It goes on in the background and shows up here at once.\n", "$dim"),
                (f"Everything is kept in {clean(str(root))}", "$dim"),
            )
        )

    def say_problem(self, problem: StoreProblem) -> None:
        """The database cannot be read."""
        self._say(
            Content.assemble(
                ("Cannot show executions\n\n", "bold $warning"),
                (clean(str(problem)) + "\n\n", ""),
                ("Scripts that run are not touched. This view comes back by itself.", "$dim"),
            )
        )

    def _say(self, content: Content) -> None:
        if content != self.content:
            self.update(content)
