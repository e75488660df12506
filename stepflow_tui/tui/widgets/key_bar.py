"""The footer: the most useful keys in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui import keymap
from stepflow_tui.tui.active_keys import keys_here, shown_keys
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual.binding import Binding
    from textual.widget import Widget

    from stepflow_tui.tui.active_keys import Keys
    from stepflow_tui.tui.widgets.line import Part

_LIST = ("executions", "filter-text")
"""What has the focus in the list of executions, and in the line that filters it."""


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
        self._keys: Keys = {}

    def on_mount(self) -> None:
        """Tell the keys, and tell them anew where they do something else."""
        self._keys = keys_here(self.screen)
        self.watch(self.screen, "focused", self._tell)

    def _tell(self, focused: Widget | None) -> None:
        """All keys, or all but the last, and so on."""
        in_list = focused is not None and focused.id in _LIST
        words = keymap.WORDS_IN_LIST if in_list else {}
        end = self._parts(self._end, words)
        counts = range(len(self._others), -1, -1)
        self.set_versions([(self._parts(self._others[:count], words), end) for count in counts])

    def _parts(self, bindings: Iterable[Binding], words: Mapping[str, str]) -> tuple[Part, ...]:
        return tuple(
            part
            for binding in bindings
            if (shown := shown_keys(binding, self._keys))
            for part in (
                (f" {shown}", "line--key"),
                (f" {words.get(binding.id or '', binding.description)} ", "line--dim"),
            )
        )
