"""The footer: the most useful keys in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui import keymap
from stepflow_tui.tui.active_keys import keys_here, shown_keys
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.binding import Binding

    from stepflow_tui.tui.widgets.line import Part


class KeyBar(Line):
    """As many keys as fit; those at the end, such as help, always stand there."""

    def __init__(
        self,
        others: Sequence[Binding] = keymap.FOOTER,
        end: Sequence[Binding] = keymap.FOOTER_END,
        *,
        id: str,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(id=id)
        self._others, self._end = others, end

    def on_mount(self) -> None:
        """All keys, or all but the last, and so on."""
        end = self._parts(self._end)
        counts = range(len(self._others), -1, -1)
        self.set_versions([(self._parts(self._others[:count]), end) for count in counts])

    def _parts(self, bindings: Iterable[Binding]) -> tuple[Part, ...]:
        keys = keys_here(self.screen)
        return tuple(
            part
            for binding in bindings
            if (shown := shown_keys(binding, keys))
            for part in ((f" {shown}", "line--key"), (f" {binding.description} ", "line--dim"))
        )
