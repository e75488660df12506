"""The line in which one types where to save something."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.message import Message
from textual.widgets import Input, Static

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap
from stepflow_tui.tui.forms.path_completion import completed
from stepflow_tui.tui.widgets.bar import Bar
from stepflow_tui.tui.widgets.in_order import InOrder
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

_OFFERED = 50
_HINT = "enter saves · tab completes"
COMPLETE = keymap.key("tab", "complete_path", "complete the path", "tab")


@dataclass
class PathEntered(Message):
    """A path was typed; empty if the user thought better of it."""

    path: str


class _Path(InOrder, Input):
    BINDINGS: ClassVar[list[BindingType]] = [COMPLETE]

    def replace(self, text: str, start: int, end: int) -> None:
        """Take in text, of what is pasted only what may be shown."""
        super().replace(clean_line(text), start, end)

    @work(group="complete", exclusive=True)
    async def action_complete_path(self) -> None:
        """Add what is certain of the rest, and show what there is to choose from."""
        typed = self.value
        text, names = await asyncio.to_thread(completed, typed, Path())
        if self.value == typed:
            self.value = clean_line(text)
            self.cursor_position = len(self.value)
            self.post_message(_Offered(names if len(names) > 1 else []))


@dataclass
class _Offered(Message):
    names: list[str]


class PathBar(Bar):
    """Shown while a path is typed."""

    def compose(self) -> ComposeResult:
        """What it is for, the path, and what it can be completed to."""
        yield Static("save as", id="path-mark")
        yield _Path(id="path-text", compact=True)
        yield Line(id="path-result")

    @property
    def input(self) -> Input:
        """Where it is typed."""
        return self.query_one("#path-text", Input)

    def open(self, path: str) -> None:
        """Let the user type, beginning with this."""
        self.input.value = path
        self.input.cursor_position = len(path)
        self._offer([])
        self.be_open(is_open=True)
        self.screen.set_focus(self.input)

    def close(self) -> None:
        """Go out of sight."""
        self.be_open(is_open=False)

    def _offer(self, names: list[str]) -> None:
        text = "  ".join(clean_line(name) for name in names[:_OFFERED]) or _HINT
        self.query_one("#path-result", Line).set_parts([(f" {text}", "line--dim")])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save it there."""
        event.stop()
        self.post_message(PathEntered(event.value.strip()))

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was offered belongs to what was typed before."""
        event.stop()
        self._offer([])

    def on__offered(self, message: _Offered) -> None:
        """Show what the path may become."""
        message.stop()
        self._offer(message.names)
