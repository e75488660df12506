"""What the palette of the main screen offers: every action, recent runs, their steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StepflowError, UsageProblem
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.store.lookup import executions_like, steps_like
from stepflow_tui.tui import keymap
from stepflow_tui.tui.forms.entries import Entry, best
from stepflow_tui.tui.screens.main.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.dom import DOMNode

    from stepflow_tui.store.lookup import Found

_RUNS, _STEPS, _MOST = 12, 12, 120


class PaletteActions(Monitor):
    """Opens the palette, and does what was chosen."""

    def action_palette(self) -> None:
        """Choose what to do or where to go by typing a part of its name."""
        from stepflow_tui.tui.screens.palette import Palette

        focused = self.focused

        def run(entry: Entry | None) -> None:
            if focused is not None:
                self.set_focus(focused)  # an action is meant for the pane it was called from
            if entry is not None:
                self.call_later(entry.run)

        self.app.push_screen(Palette(self._entries_for), run)

    async def _entries_for(self, text: str) -> list[Entry]:
        runs = await self._feed.all(executions_like(text, _RUNS))
        steps = await self._feed.all(steps_like(text, _STEPS)) if text else []
        places = [self._place_entry(found) for found in (*runs, *steps)]
        actions = list(self._action_entries())
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
        """What the keys do in the pane that had the focus, in the order of the help."""
        for group in keymap.HELP:
            for binding in group.bindings:
                node = self._taker_of(binding.action)
                if node is not None and binding.action != "palette":
                    title = f"{group.title}: {binding.description}"
                    run = partial(self.app.run_action, binding.action, node)
                    yield Entry(title, binding.key_display or binding.key, run)

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
