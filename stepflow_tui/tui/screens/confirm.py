"""Asking before something is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from stepflow_tui.tui import keymap
from stepflow_tui.tui.screens.once import ClosesOnce

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class Confirm(ClosesOnce, ModalScreen[bool]):
    """A question; the answer that changes nothing has the focus."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.CONFIRM)

    def __init__(self, title: str, question: str, *, yes: str, no: str) -> None:
        super().__init__(id="confirm")
        self._title = title
        self._question = question
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """The question and two buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Static(self._question, markup=False)
            with Horizontal():
                yield Button(Content(f"{self._no}  n"), id="no", compact=True)
                yield Button(Content(f"{self._yes}  y"), id="yes", compact=True)

    def on_mount(self) -> None:
        """Enter must not stop anything by accident."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the mouse or enter."""
        self.dismiss(event.button.id == "yes")

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Leave everything as it is."""
        self.dismiss(False)
