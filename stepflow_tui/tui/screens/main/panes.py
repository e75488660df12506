"""Going from pane to pane, and to a run or a step wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.screens.main.monitor import PANES
from stepflow_tui.tui.screens.main.reading import Reading
from stepflow_tui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.events import DescendantFocus


class Panes(Reading):
    """One pane has the focus; on a small terminal it is the only one to be seen."""

    _pane = PANES[0]

    @property
    def _shows_one_pane(self) -> bool:
        return self.has_class("-narrow") or self.has_class("-low")

    def _go_to(self, pane: str) -> None:
        self._note_pane(pane)
        self.set_focus(self.query_one(f"#{pane}", Pane))

    def _note_pane(self, pane: str) -> None:
        if pane != self._pane:
            self.remove_class(f"-at-{self._pane}", update=False)
            self.add_class(f"-at-{pane}")
            self._pane = pane

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A click may have brought us to another pane."""
        if event.widget.id in PANES:
            self._note_pane(event.widget.id)

    def _turn(self, by: int) -> None:
        self._go_to(PANES[(PANES.index(self._pane) + by) % len(PANES)])

    def action_next_pane(self) -> None:
        """To the next pane."""
        self._turn(1)

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self._turn(-1)

    def action_zoom(self) -> None:
        """The pane as large as the screen, the steps with the log beside them; or all again."""
        self.toggle_class("-zoomed")

    async def open_at(self, number: int, step: int | None = None) -> None:
        """Turn to an execution, and if it is given to one of its steps."""
        await self._pump.refreshed()
        place = await self._place_of(number)
        self._executions.move_cursor(place)
        if self._live.number != number:
            self._live.select(number)
        self._log.resume()
        await self._pump.refreshed()
        places = [found.index for found in self._live.steps]
        if step in places:
            self._go_to("steps")
            self._steps.move_cursor(places.index(step))
