"""The keys that apply here, read from the bindings themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from stepflow_tui.tui import keymap
from stepflow_tui.tui.active_keys import keys_anywhere, keys_here, shown_keys
from stepflow_tui.tui.screens.sheet import Sheet, colour_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import RenderableType
    from textual.screen import Screen

KEY = keymap.key("question_mark", "help", "help", "?", footer=True)
"""Opens the help of a screen; its action pushes a `Help` with the screen's groups."""

_KEY_CELLS = 12
_NOTES = (
    "Runs belong to the runner: closing the dashboard never touches one.",
    "Lines behind ┆ were written after the end of their execution.",
    "To select with the terminal's own mouse, hold shift (option on macOS) while dragging.",
)


class Help(Sheet):
    """The keys of the screen below it, by group; last those that its other panes have."""

    def __init__(self, below: Screen[Any], *groups: keymap.Group) -> None:
        """Makes the sheet.

        Args:
            below: the screen; by the time the sheet is drawn another key may have closed either.
            groups: of keys; without any those of the main screen.
        """
        super().__init__("Keys", id="help")
        self._below = below
        self._groups = groups or keymap.HELP

    def text(self) -> RenderableType:
        """A table of keys and what they do, then some notes."""
        colours = self.app.theme_variables
        primary, dim = colour_of(colours, "primary"), colour_of(colours, "dim")
        here = keys_here(self._below)
        all_bindings = [binding for group in self._groups for binding in group.bindings]
        elsewhere = keys_anywhere(
            self.app, (binding for binding in all_bindings if binding.id not in here)
        )
        parts = list(_parts(self._groups, here, primary))
        others = list(_parts(self._groups, elsewhere, primary))
        if others:
            parts += [Text("Where another pane has the focus", dim), "", *others]
        return Group(*parts, Text("\n\n".join(_NOTES), dim))


def _parts(
    groups: Iterable[keymap.Group], keys: Mapping[str, list[str]], colour: str
) -> Iterator[RenderableType]:
    for group in groups:
        rows = [(shown_keys(binding, keys), binding.description) for binding in group.bindings]
        if any(shown for shown, _ in rows):
            yield Text(group.title, "bold")
            yield _table(rows, colour)
            yield ""


def _table(rows: Iterable[tuple[str, str]], colour: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=_KEY_CELLS, no_wrap=True)
    table.add_column()
    for shown, description in rows:
        if shown:
            table.add_row(Text(f"  {shown}", colour), Text(description))
    return table
