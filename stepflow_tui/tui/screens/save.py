"""Asking where a log is to be saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Checkbox, Static

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.directory import current_directory
from stepflow_tui.tui import keymap
from stepflow_tui.tui.log.saving import SaveOrder, target
from stepflow_tui.tui.screens.typed_ahead import TakesText
from stepflow_tui.tui.widgets.keys_line import KeysLine
from stepflow_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from pathlib import Path, PurePath

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

_TICK = keymap.key("space", "toggle_button", "tick", "space", footer=True)
BINDINGS = (
    keymap.key("enter", "submit_name", "save", "enter", footer=True),
    keymap.key("tab", "app.focus_next", "next", "tab", footer=True),
    _TICK,
    keymap.key("shift+tab", "app.focus_previous", "previous", "shift+tab"),
    keymap.key("escape", "leave", "close", "esc", footer=True),
)


class _Choice(Checkbox, inherit_bindings=False):
    BINDINGS: ClassVar[list[BindingType]] = [_TICK]

    def render(self) -> Content:
        """Ticked or not, to be told without colours."""
        return Content(f"[{'x' if self.value else ' '}] ") + self.label


class Save(TakesText[SaveOrder | None]):
    """One line for the name, and how to save; gives None if nothing is to be saved."""

    CSS_PATH: ClassVar[list[str | PurePath]] = ["dialog.tcss", "save.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = list(BINDINGS)

    def __init__(self, title: str, name: str, lines: range | None) -> None:
        """Makes the dialog.

        Args:
            title: whose log it is.
            name: offered for the file.
            lines: that are selected; None if none are.
        """
        super().__init__(id="save")
        self._title = title
        self._file_name = name
        self._lines = lines
        self._warned_of: Path | None = None

    def compose(self) -> ComposeResult:
        """The line, the choices, and what is to be said."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Save {clean_line(self._title)}")
            yield OneLine(self._file_name, id="save-name")
            yield _Choice("with colours", id="save-colours", compact=True)
            if self._lines is not None:
                label = f"only the {_counted(len(self._lines))} that are selected"
                yield _Choice(label, value=True, id="save-lines", compact=True)
            yield Static(clean_line(_where()), id="save-message", markup=False)
            yield KeysLine(BINDINGS, id="save-keys")

    def on_mount(self) -> None:
        """Let the user type at once."""
        self.begin_typing(self.query_one("#save-name"))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another name has not been warned of."""
        event.stop()
        self._warned_of = None
        self._say(_where())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the line."""
        event.stop()
        self.action_submit_name()

    def action_submit_name(self) -> None:
        """Save, but never over another file without a word."""
        try:
            path = target(self.query_one("#save-name", OneLine).value, self._file_name)
        except UsageProblem as problem:
            self._say(str(problem), bad=True)
            return
        if path.exists() and path != self._warned_of:
            self._warned_of = path
            size = format_size(path.stat().st_size)
            self._say(f"{path.name} is there already ({size}); enter again replaces it", bad=True)
        else:
            self.dismiss(SaveOrder(path, self._is_checked("colours"), self._chosen_lines()))

    def _chosen_lines(self) -> range | None:
        return self._lines if self._lines is not None and self._is_checked("lines") else None

    def _is_checked(self, name: str) -> bool:
        return self.query_one(f"#save-{name}", Checkbox).value

    def _say(self, text: str, *, bad: bool = False) -> None:
        message = self.query_one("#save-message", Static)
        message.update(Content(clean_line(text)))
        message.set_class(bad, "-bad")

    def action_leave(self) -> None:
        """Save nothing."""
        self.dismiss(None)


def _where() -> str:
    try:
        return f"in {current_directory()}"
    except UsageProblem:
        return "the working directory is gone: give a whole path"


def _counted(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines:,} lines"
