"""Starting a run from the dashboard: a new one, or one that was changed."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Checkbox, Input

from stepflow_tui.core.command_line import needs_shell, typed
from stepflow_tui.core.errors import StepflowError, StoreProblem
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.requests.request import RunRequest
from stepflow_tui.store.history import recent_commands
from stepflow_tui.tui import keymap
from stepflow_tui.tui.forms.command_completion import complete_command, complete_directory
from stepflow_tui.tui.forms.run_form import BadField, RunForm
from stepflow_tui.tui.screens.typed_ahead import TakesText
from stepflow_tui.tui.widgets.completing import Candidate, Completing
from stepflow_tui.tui.widgets.field import WIDTHS, Field, Text, Tick
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from pathlib import PurePath

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from stepflow_tui.requests.draft import Draft
    from stepflow_tui.store.history import Command
    from stepflow_tui.tui.orders import Orders
    from stepflow_tui.tui.source import Source

_RECENT = 200
_RECALLED = 6
_HINTS = {
    "command": "↓ for recent commands, tab completes",
    "cwd": "where it runs",
    "name": "if empty, made from the command",
    "tags": "with blanks between them",
    "timeout": "90s, 5m, 2h; if empty, none",
    "env": "NAME=value, one in a line",
}


class NewRun(TakesText[RunRequest | None]):
    """A form; gives the prepared request, which nobody has handed over yet, or None."""

    CSS_PATH: ClassVar[list[str | PurePath]] = ["dialog.tcss", "new_run.tcss"]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.FORM)

    def __init__(self, draft: Draft, source: Source, orders: Orders, *, title: str) -> None:
        """Makes the form.

        Args:
            draft: what stands in it at first.
            source: where earlier commands are read.
            orders: who checks and prepares the run.
            title: of the form.
        """
        super().__init__(id="new-run")
        self._draft = draft
        self._form = RunForm(draft)
        self._source = source
        self._orders = orders
        self._title = title
        self._recent: list[Command] = []
        self._is_shell_chosen = draft.shell
        self._fields: dict[str, Field] = {}

    def compose(self) -> ComposeResult:
        """The fields, and what can be done with them."""
        shown = self._form.shown
        with Vertical(classes="dialog form") as dialog:
            dialog.border_title = Content(self._title)
            with VerticalScroll(can_focus=False):
                yield self._field("command", "Command", self._command_line())
                yield self._field("shell", "", self._shell_box())
                yield self._field("cwd", "Directory", self._directory_line())
                for name, label in (("name", "Name"), ("tags", "Tags"), ("timeout", "Timeout")):
                    line = OneLine(shown[name], id=name)
                    yield self._field(name, label, line)
                yield self._field("env", "Variables", Text(shown["env"], id="env"))
            with Horizontal(classes="form-end"):
                yield Line(id="form-keys")
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield Button(Content("Start"), id="start", compact=True)

    def _field(self, name: str, label: str, control: Input | Checkbox | Text) -> Field:
        overlays = (control.candidates,) if isinstance(control, Completing) else ()
        field = Field(label, control, *overlays, hint=_HINTS.get(name, ""))
        self._fields[name] = field
        return field

    def _command_line(self) -> Completing:
        return Completing(
            self._form.shown["command"],
            id="command",
            complete=lambda text: complete_command(text, self._cwd, os.environ.get("PATH", "")),
            recall=self._recall,
            taken=self._take,
        )

    def _shell_box(self) -> Tick:
        return Tick("run by a shell, /bin/sh", self._draft.shell, id="shell", compact=True)

    def _directory_line(self) -> Completing:
        return Completing(
            self._form.shown["cwd"],
            id="cwd",
            complete=lambda text: complete_directory(text, self._form.cwd(".")),
        )

    async def on_mount(self) -> None:
        """Read what was run before."""
        keys = [(" ctrl+s", "line--key"), (" start  ", "line--dim"), ("esc", "line--key")]
        self.query_one("#form-keys", Line).set_parts([*keys, (" close", "line--dim")])
        self.begin_typing(self.query_one("#command", Input))
        try:
            self._recent = await self._source.all(recent_commands(_RECENT))
        except StoreProblem:
            self._recent = []  # nothing was run yet, or the screen below tells what is wrong

    # The command

    @property
    def _cwd(self) -> str:
        return self._form.cwd(self.query_one("#cwd", Input).value)

    def _recall(self, text: str) -> list[Candidate]:
        """Earlier commands in which the text stands; first those that begin with it."""
        found = [
            Candidate(shown, shown_path(command.cwd), command.cwd)
            for command in self._recent
            if text in (shown := typed(command.words, shell=command.shell)) and shown.isprintable()
        ]
        found.sort(key=lambda candidate: not candidate.text.startswith(text))
        return found[:_RECALLED]

    def _take(self, candidate: Candidate) -> None:
        """An earlier command belongs to the directory where it was run."""
        if candidate.cwd is not None and candidate.cwd.isprintable():
            self.query_one("#cwd", Input).value = candidate.cwd

    @on(Input.Changed, "#command")
    def _show_shell(self) -> None:
        """Tick the box where only a shell understands what was typed."""
        box, text = self.query_one("#shell", Checkbox), self.query_one("#command", Input).value
        if not self._is_shell_chosen and text != self._form.shown["command"]:
            with box.prevent(Checkbox.Changed):
                box.value = needs_shell(text)

    @on(Checkbox.Changed, "#shell")
    def _choose_shell(self) -> None:
        """The user knows better from now on."""
        self._is_shell_chosen = True

    # The end

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field; nothing is started by accident."""
        event.stop()
        self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """With the mouse or enter."""
        event.stop()
        if event.button.id == "start":
            self.action_submit()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Start nothing."""
        self.dismiss(None)

    def action_submit(self) -> None:
        """Start it, or say what is wrong."""
        self.run_worker(self._start(), group="start", exclusive=True)

    async def _start(self) -> None:
        values = {
            name: self.query_one(f"#{name}", Input).value
            for name in ("command", "cwd", "name", "tags", "timeout")
        }
        values["env"] = self.query_one("#env", Text).text
        shell = self.query_one("#shell", Checkbox).value
        draft, problems = await asyncio.to_thread(self._form.read, values, shell=shell)
        if not problems:
            try:
                self.dismiss(await asyncio.to_thread(self._orders.prepare, draft))
            except StepflowError as error:
                problems = [BadField("command", str(error))]
        self._tell(problems)

    def _tell(self, problems: list[BadField]) -> None:
        """Say what is wrong beside each field, and go to the first."""
        said = {problem.field: problem.sentence for problem in reversed(problems)}
        for name, field in self._fields.items():
            field.say(said.get(name, ""))
        if problems:
            self._fields[problems[0].field].focus_control()
