"""The command palette: whatever can be done or gone to, by a part of its name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import work
from textual.containers import Vertical
from textual.widgets import Input
from textual.worker import WorkerCancelled

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap
from stepflow_tui.tui.executions.columns import fit, fit_right
from stepflow_tui.tui.forms.entries import Entry
from stepflow_tui.tui.screens.typed_ahead import TakesText
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.one_line import OneLine
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.worker import Worker

    from stepflow_tui.tui.widgets.rows import Cell

    LookUp = Callable[[str], Awaitable[list[Entry]]]

_WIDEST_DETAIL = 24
_GROUP_CELLS, _KEY_CELLS = 10, 10
_GROUPS_FROM = 50
"""Cells that a row must have for the group of an action to be told."""


class Entries(Rows, can_focus=False):
    """What fits what was typed."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self) -> None:
        super().__init__(id="palette-entries")
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        """Show these, with the cursor on the first."""
        self.entries = entries
        self.set_count(len(entries))
        self.cursor = 0 if entries else None
        self.scroll_row(0)
        self.repaint_all()

    @property
    def cursor_look(self) -> str:
        """It never has the focus, which stays where one types."""
        return "rows--cursor"

    @property
    def chosen(self) -> Entry | None:
        """The one at the cursor."""
        return None if self.cursor is None else self.entries[self.cursor]

    def row_key(self, index: int) -> tuple[object, object]:
        """The entry, and whether the cursor is there."""
        return (self.entries[index], index == self.cursor), None

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """What it is at the left; its group and its key, or where it leads, at the right."""
        entry, dim = self.entries[index], self.look("rows--dim")
        detail, group = clean_line(entry.detail), ""
        room = min(cell_len(detail), _WIDEST_DETAIL, width // 2)
        if entry.group and width >= _GROUPS_FROM:
            room, group = max(room, _KEY_CELLS), fit(entry.group, _GROUP_CELLS)
        title = fit(clean_line(entry.title), width - cell_len(group) - room - 3)
        return [
            (f" {title} ", Style.null()),
            (group, self.look("rows--faint")),
            (fit_right(detail, room) + " ", dim),
        ]


class Palette(TakesText[Entry | None]):
    """Type, choose, enter; dismissed with what was chosen."""

    CSS_PATH = "palette.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.PALETTE)

    def __init__(self, look_up: LookUp) -> None:
        """Makes the screen; `look_up` gives what fits a text, the best first."""
        super().__init__(id="palette")
        self._look_up = look_up
        self._filling: Worker[None]
        self._entries = Entries()

    def compose(self) -> ComposeResult:
        """A line to type in, and what fits."""
        with Vertical(id="palette-frame") as frame:
            frame.border_title = "Go to or do"
            yield OneLine("", id="palette-text", placeholder="an action, a run, a step …")
            yield self._entries
            yield Line(id="palette-hint")

    def on_mount(self) -> None:
        """Show what there is before anything is typed."""
        self._filling = self._fill("")
        self.begin_typing(self.query_one(Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look anew."""
        event.stop()
        self._filling = self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what the cursor is on, once that fits what was typed."""
        event.stop()
        self.set_focus(None)  # what comes behind it is not what is looked for
        self._choose_when_found()

    @work(exclusive=True, group="choice")
    async def _choose_when_found(self) -> None:
        with suppress(WorkerCancelled):  # more was typed meanwhile
            await self._filling.wait()
        if not self._choose() and self.is_active:
            self.set_focus(self.query_one(Input))

    @work(exclusive=True, group="palette")
    async def _fill(self, text: str) -> None:
        hint = self.query_one("#palette-hint", Line)
        try:
            entries = await self._look_up(text.strip())
        except StoreProblem as problem:
            hint.set_parts([(f" {clean_line(str(problem))}", "line--bad")])
            return
        self._entries.show(entries)
        hint.set_parts([("" if entries else " nothing fits", "line--dim")])

    def _choose(self) -> bool:
        """Close with what the cursor is on, once; False if there is nothing."""
        chosen = self._entries.chosen
        if chosen is not None and self.is_active:
            self.dismiss(chosen)
        return chosen is not None

    def on_click(self, event: events.Click) -> None:
        """A click on an entry chooses it, one beside the palette closes it."""
        if event.widget is self._entries:
            self._choose()
        elif event.widget is self:
            self.dismiss(None)

    def action_down(self) -> None:
        """To the next entry."""
        self._entries.action_cursor_down()

    def action_up(self) -> None:
        """To the entry before."""
        self._entries.action_cursor_up()

    def action_page_down(self) -> None:
        """A page down."""
        self._entries.action_page_down()

    def action_page_up(self) -> None:
        """A page up."""
        self._entries.action_page_up()

    def action_close(self) -> None:
        """Back to what was there before."""
        self.dismiss(None)
