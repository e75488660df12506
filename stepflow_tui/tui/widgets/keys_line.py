"""The keys of a screen in one line, as many as fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import Binding


class KeysLine(KeyBar):
    """The bindings meant for the footer; the last one, the way out, always stands there."""

    def __init__(self, bindings: Sequence[Binding], *, id: str) -> None:  # noqa: A002 - Textual's
        shown = [binding for binding in bindings if binding.show]
        super().__init__(shown[:-1], shown[-1:], id=id)
