"""The keys of a screen in one line, as many as fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import Binding


class KeysLine(KeyBar):
    """The bindings meant for the footer; the way out and the help always stand there."""

    def __init__(self, bindings: Sequence[Binding], *, id: str) -> None:  # noqa: A002 - Textual's
        shown = [binding for binding in bindings if binding.show]
        end = -2 if shown[-2].action == "help" else -1
        super().__init__(shown[:end], shown[end:], id=id)
