"""The keys of a screen in one line, as many as fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import Binding

    from stepflow_tui.tui.widgets.line import Part


class KeysLine(Line):
    """The bindings meant for the footer; the last one, the way out, always stands there."""

    def __init__(self, bindings: Sequence[Binding], *, id: str) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._shown = [binding for binding in bindings if binding.show]

    def on_mount(self) -> None:
        """All keys, or all but the last but one, and so on."""
        *others, last = self._shown
        counts = range(len(others), -1, -1)
        self.set_versions([(_parts(others[:count]), _parts([last])) for count in counts])


def _parts(bindings: Sequence[Binding]) -> tuple[Part, ...]:
    return tuple(
        part
        for binding in bindings
        for part in (
            (f" {binding.key_display}", "line--key"),
            (f" {binding.description} ", "line--dim"),
        )
    )
