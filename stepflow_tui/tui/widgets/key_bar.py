"""The footer: the most useful keys in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui import keymap
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import Binding

    from stepflow_tui.tui.widgets.line import Part


class KeyBar(Line):
    """As many keys as fit; those at the end, such as help, always stand there."""

    def on_mount(self) -> None:
        """All keys, or all but the last, and so on."""
        end = _parts(keymap.FOOTER_END)
        counts = range(len(keymap.FOOTER), -1, -1)
        self.set_versions([(_parts(keymap.FOOTER[:count]), end) for count in counts])


def _parts(bindings: Iterable[Binding]) -> tuple[Part, ...]:
    return tuple(
        part
        for binding in bindings
        for part in (
            (f" {binding.key_display}", "line--key"),
            (f" {binding.description} ", "line--dim"),
        )
    )
