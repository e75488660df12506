"""A line of a form."""

from __future__ import annotations

from textual.widgets import Input

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.widgets.in_order import InOrder


class OneLine(InOrder, Input):
    """A line to type in; of what is pasted only what may be shown is taken."""

    def __init__(
        self,
        value: str,
        *,
        id: str,  # noqa: A002 - Textual's name for it
        placeholder: str = "",
    ) -> None:
        super().__init__(value, id=id, placeholder=placeholder, compact=True, select_on_focus=False)

    def replace(self, text: str, start: int, end: int) -> None:
        """Take in text."""
        super().replace(clean_line(text), start, end)
