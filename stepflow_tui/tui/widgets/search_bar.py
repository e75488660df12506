"""The line in which one types what to look for in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Input, Static

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.messages import SearchChanged
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from textual.app import ComposeResult


class _Text(Input):
    def replace(self, text: str, start: int, end: int) -> None:
        """Take in text, of what is pasted only what may be shown."""
        super().replace(clean_line(text), start, end)

    async def action_submit(self) -> None:
        """Let go of the keys at once: those that were typed ahead are commands again."""
        self.screen.set_focus(None)
        await super().action_submit()


class SearchBar(Horizontal):
    """Shown while something is looked for."""

    def compose(self) -> ComposeResult:
        """A slash, the text, and what came of it."""
        yield Static("/", id="search-mark")
        yield _Text(id="search-text", compact=True)
        yield Line(id="search-result")

    @property
    def is_open(self) -> bool:
        """Whether something is looked for."""
        return self.has_class("-open")

    @property
    def input(self) -> Input:
        """Where the text is typed."""
        return self.query_one("#search-text", Input)

    def open(self) -> None:
        """Let the user type."""
        self.add_class("-open")
        self.screen.set_focus(self.input)  # at once: the next keys are text, not commands

    def close(self) -> None:
        """Go out of sight."""
        self.remove_class("-open")
        self.input.value = ""
        self.say("")

    def say(self, text: str, *, bad: bool = False) -> None:
        """Tell what came of the search."""
        line = self.query_one("#search-result", Line)
        line.set_parts([], [(clean_line(text), "line--warning" if bad else "line--dim"), (" ", "")])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Highlight while typing."""
        event.stop()
        self.post_message(SearchChanged(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the first match."""
        event.stop()
        self.post_message(SearchChanged(event.value, entered=True))
