"""A field of a form: what it is called, where one types, and what is wrong with that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Checkbox, Static, TextArea

from stepflow_tui.core.text import clean, clean_line
from stepflow_tui.tui.widgets.in_order import InOrder

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget
    from textual.widgets.text_area import Edit, EditResult


WIDTHS = [(0, "-narrow"), (60, "-wide")]
"""Breakpoints of a screen with fields."""


class Field(Vertical):
    """A label and a control side by side, and below them a hint or an error."""

    def __init__(self, label: str, control: Widget, *overlays: Widget, hint: str = "") -> None:
        """Makes the field.

        Args:
            label: what it is called.
            control: where one types.
            overlays: what opens below it.
            hint: what stands below as long as nothing is wrong; without one there is no such line.
        """
        super().__init__(classes="field")
        self._label = label
        self._control = control
        self._overlays = overlays
        self._hint = hint
        self._message = Static(hint, classes="field-message", markup=False)
        self.problem = ""

    def compose(self) -> ComposeResult:
        """The two lines."""
        with Horizontal(classes="field-line"):
            label = Static(self._label, classes="field-label", markup=False)
            yield label.set_class(not self._label, "-empty")
            yield self._control
        yield from self._overlays
        yield self._message

    def on_mount(self) -> None:
        """A field that has nothing to say takes one line."""
        self.say("")

    def say(self, problem: str) -> None:
        """Tell what is wrong; an empty text is nothing."""
        self.problem = clean_line(problem)
        self._message.update(Content(f"! {self.problem}" if problem else self._hint))
        self._message.set_class(bool(problem), "-bad")
        self._message.display = bool(problem or self._hint)

    def set_hint(self, hint: str) -> None:
        """Say something else as long as nothing is wrong."""
        if hint != self._hint:
            self._hint = hint
            self.say(self.problem)

    @property
    def control(self) -> Widget:
        """Where one types."""
        return self._control

    def focus_control(self) -> None:
        """Let the user mend it."""
        self._control.focus()


class Tick(Checkbox):
    """A box that is ticked or empty, in every colour."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's name
        """What is in the box."""
        return "[x]" if self.value else "[ ]"


class Text(InOrder, TextArea):
    """Some lines to type in; of what is pasted only what may be shown is taken."""

    def __init__(self, text: str, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(text, id=id, compact=True, highlight_cursor_line=False)

    def on_mount(self) -> None:
        """Go on where the text ends."""
        self.move_cursor(self.document.end)

    def edit(self, edit: Edit) -> EditResult:
        """Take in text, typed or pasted."""
        lines = edit.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        edit.text = "\n".join(map(clean, lines))
        return super().edit(edit)
