"""All keys, read from the bindings themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from stepflow_tui.tui import keymap
from stepflow_tui.tui.screens.sheet import Sheet, colour_of

if TYPE_CHECKING:
    from rich.console import RenderableType

_KEY_CELLS = 12
_NOTES = (
    "Runs belong to the runner: closing the dashboard never touches one.",
    "Lines behind ┆ were written after the end of their execution.",
    "To select with the terminal's own mouse, hold shift (option on macOS) while dragging.",
)


class Help(Sheet):
    """The keys, by group."""

    def __init__(self) -> None:
        super().__init__("Keys", id="help")

    def text(self) -> RenderableType:
        """A table of keys and what they do, then some notes."""
        colours = self.app.theme_variables
        parts: list[RenderableType] = []
        for group in keymap.HELP:
            parts += [Text(group.title, "bold"), _keys(group, colour_of(colours, "primary")), ""]
        notes = "\n\n".join(_NOTES)
        return Group(*parts, Text(notes, colour_of(colours, "dim")))


def _keys(group: keymap.Group, colour: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=_KEY_CELLS, no_wrap=True)
    table.add_column()
    for binding in group.bindings:
        table.add_row(Text(f"  {binding.key_display}", colour), Text(binding.description))
    return table
