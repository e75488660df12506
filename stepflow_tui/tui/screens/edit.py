"""Small dialogs in which one changes what is said about executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.text import clean
from stepflow_tui.requests.labels import checked_note
from stepflow_tui.tui import keymap
from stepflow_tui.tui.forms.run_form import show_tags
from stepflow_tui.tui.forms.tag_change import TagChange, read_change
from stepflow_tui.tui.screens.typed_ahead import TakesText
from stepflow_tui.tui.widgets.field import WIDTHS, Field, Text
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePath

    from textual.app import ComposeResult
    from textual.binding import BindingType

T = TypeVar("T")


class Edit(TakesText[T | None], Generic[T]):
    """Base of the dialogs: a field, and the keys that save or close. Closed, it gives None."""

    CSS_PATH: ClassVar[list[str | PurePath]] = ["dialog.tcss", "new_run.tcss"]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.FORM)

    def __init__(self, title: str, hint: str) -> None:
        super().__init__(id="edit")
        self._title = title
        self._hint = hint

    def field(self) -> Field:
        """Where one types."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The field and two buttons."""
        with Vertical(classes="dialog form") as dialog:
            dialog.border_title = Content(self._title)
            yield self.field()
            with Horizontal(classes="form-end"):
                yield Line(id="form-keys")
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield Button(Content("Save"), id="submit", compact=True)

    def on_mount(self) -> None:
        """Let the user type at once."""
        keys = [("ctrl+s", "line--key"), (" save  ", "line--dim"), ("esc", "line--key")]
        self.query_one("#form-keys", Line).set_parts([*keys, (" close", "line--dim")])
        self.begin_typing(self.query_one(Field).control)

    def result(self) -> T | None:
        """What was typed; None if that changes nothing.

        Raises:
            StepflowError: it cannot be saved.
        """
        raise NotImplementedError

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """With the mouse or enter."""
        event.stop()
        if event.button.id == "submit":
            self.action_submit()
        else:
            self.action_leave()

    def action_submit(self) -> None:
        """Give what was typed, or say why that cannot be."""
        try:
            self.dismiss(self.result())
        except StepflowError as problem:
            self.query_one(Field).say(str(problem))

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class EditTags(Edit[TagChange]):
    """Changes tags, which stand in one line as one types them."""

    def __init__(self, title: str, tags: Sequence[str], *, hint: str) -> None:
        """Makes the dialog.

        Args:
            title: says whose tags they are.
            tags: what all of the executions have.
            hint: stands below the line.
        """
        super().__init__(title, hint)
        self._tags = list(tags)

    def field(self) -> Field:
        """A line, in which one can go on with another tag."""
        shown = show_tags(self._tags)
        return Field("Tags", OneLine(shown and f"{shown} ", id="tags"), hint=self._hint)

    def result(self) -> TagChange | None:
        """What is to be put on and taken away."""
        change = read_change(self.query_one(OneLine).value, self._tags)
        return change if any(change) else None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """There is no other field to go on to."""
        event.stop()
        self.action_submit()


class EditNote(Edit[str]):
    """Changes a note of some lines."""

    def __init__(self, title: str, note: str, *, hint: str) -> None:
        """Makes the dialog.

        Args:
            title: says whose note it is.
            note: what stands there.
            hint: stands below the lines.
        """
        super().__init__(title, hint)
        self._note = "\n".join(map(clean, note.split("\n")))

    def field(self) -> Field:
        """Some lines."""
        return Field("Note", Text(self._note, id="note"), hint=self._hint)

    def result(self) -> str | None:
        """The note."""
        note = checked_note(self.query_one(Text).text)
        return None if note == self._note else note
