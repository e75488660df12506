"""What the palette of the main screen offers: every action, recent runs, their steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.widgets import Input

from stepflow_tui.core.errors import StepflowError, UsageProblem
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.store.lookup import executions_like, steps_like
from stepflow_tui.tui import keymap
from stepflow_tui.tui.active_keys import keys_anywhere, keys_here, shown_keys
from stepflow_tui.tui.forms.entries import Entry, best
from stepflow_tui.tui.screens.main.monitor import Monitor
from stepflow_tui.tui.widgets.search_bar import SearchBar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.dom import DOMNode

    from stepflow_tui.store.lookup import Found

_RUNS, _STEPS, _MOST = 12, 12, 120
_BY_KEY = (keymap.PANES, keymap.MOVE, keymap.SIDEWAYS)


class PaletteActions(Monitor):
    """Opens the palette, and does what was chosen."""

    def action_palette(self) -> None:
        """Choose what to do or where to go by typing a part of its name."""
        from stepflow_tui.tui.screens.palette import Palette

        focused, actions = self.focused, list(self._action_entries())

        def run(entry: Entry | None) -> None:
            if isinstance(focused, Input) and entry is not None:
                self._go_to("log" if focused is self.query_one(SearchBar).input else "executions")
            elif focused is not None:
                self.set_focus(focused)  # an action is meant for the pane it was called from
            if entry is not None:
                self.call_later(entry.run)

        self.app.push_screen(Palette(partial(self._entries_for, actions)), run)

    async def _entries_for(self, actions: Sequence[Entry], text: str) -> list[Entry]:
        runs = await self._feed.all(executions_like(text.removeprefix("#"), _RUNS))
        steps = await self._feed.all(steps_like(text, _STEPS)) if text else []
        places = [self._place_entry(found) for found in (*runs, *steps)]
        found = best(text, [*places, *actions] if text else [*actions, *places], _MOST)
        return [*self._line_entry(text), *found]

    def _line_entry(self, text: str) -> list[Entry]:
        """The place in the log that is meant, if it is one."""
        from stepflow_tui.core.places import parse_place

        try:
            parse_place(text)
        except UsageProblem:
            return []
        return [Entry(f"Go to {text}", "in the log", partial(self._go_to_place, text))]

    async def _go_to_place(self, text: str) -> None:
        try:
            await self.go_to_place(text)
        except StepflowError as error:
            self._say(str(error), bad=True)

    def _action_entries(self) -> Iterator[Entry]:
        """What the keys do in the pane that has the focus; first what is not done by its key."""
        bindings = [binding for group in keymap.HELP for binding in group.bindings]
        keys = {**keys_anywhere(self.app, bindings), **keys_here(self)}
        for group in sorted(keymap.HELP, key=_BY_KEY.__contains__):
            for binding in group.bindings:
                node = self._taker_of(binding.action)
                if node is not None and binding.action != "palette":
                    run = partial(self.app.run_action, binding.action, node)
                    shown = shown_keys(binding, keys)
                    title = binding.tooltip or binding.description
                    yield Entry(title, shown, run, group.word)

    def _taker_of(self, action: str) -> DOMNode | None:
        """Which node of the focused pane, the screen and the program knows this action."""
        method = "action_" + action.partition("(")[0].rpartition(".")[2]
        nodes = (self.focused or self).ancestors_with_self
        return next((node for node in nodes if hasattr(node, method)), None)

    def _place_entry(self, found: Found) -> Entry:
        where = f"#{found.number} {found.name}"
        run = partial(self.open_at, found.number, found.step)
        if found.step is None:
            return Entry(where, f"{GLYPHS[found.status]} {found.status.word}", run)
        return Entry(f"{found.step_name}  {where}", f"{GLYPHS[found.status]} step", run)
