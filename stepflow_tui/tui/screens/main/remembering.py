"""How the main screen is left, and made to look so again."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from stepflow_tui.core.filters import ALL, FilterProblem, filter_text, parse_filter
from stepflow_tui.store.listing import Order, Sort
from stepflow_tui.tui.executions.view import View
from stepflow_tui.tui.log.heading import Markers
from stepflow_tui.tui.log.line import Timestamps
from stepflow_tui.tui.memory import Memory
from stepflow_tui.tui.screens.main.monitor import PANES, Monitor

if TYPE_CHECKING:
    from stepflow_tui.core.target import Target
    from stepflow_tui.tui.live import Live

E = TypeVar("E", bound=Enum)


def view_of(memory: Memory) -> View:
    """The list as it was left; all of it where that makes no sense any more."""
    wanted, sort = ALL, Sort.NUMBER
    with suppress(FilterProblem):
        wanted = parse_filter(memory.filter)
    with suppress(ValueError):
        sort = Sort(memory.sort)
    return View(wanted, Order(sort, memory.reverse), memory.grouped)


def turn_back(live: Live, memory: Memory) -> None:
    """Have it read first what was seen last."""
    live.look(view_of(memory))
    if memory.selected is not None and not memory.at_newest:
        live.select(memory.selected)


class Remembering(Monitor):
    """Layout, list, and how the log is shown."""

    _memory = Memory()
    _target: Target | None = None

    def memory(self) -> Memory:
        """How everything is now."""
        live, look = self._live, self._log.appearance
        return Memory(
            selected=live.number,
            at_newest=live.number is None or live.number >= live.executions.newest,
            pane=next((pane for pane in PANES if self.has_class(f"-at-{pane}")), PANES[0]),
            zoomed=self.has_class("-zoomed"),
            wrap=look.wrap,
            timestamps=look.timestamps.name,
            markers=look.markers.name,
            filter=filter_text(live.view.wanted),
            sort=live.view.order.sort.value,
            reverse=live.view.order.reverse,
            grouped=live.view.grouped,
            folded=tuple(sorted(self._log.folded_steps)),
        )

    def restore(self, memory: Memory, target: Target | None = None) -> None:
        """Look as it was then, or begin at a run or step; to be called before it is mounted."""
        self._memory, self._target = memory, target
        look = self._log.appearance
        look.wrap = memory.wrap
        look.timestamps = _named(Timestamps, memory.timestamps, look.timestamps)
        look.markers = _named(Markers, memory.markers, look.markers)

        if memory.pane in PANES and target is None:
            self.AUTO_FOCUS = f"#{memory.pane}"  # type: ignore[misc]  # of this screen alone
            self.set_class(memory.zoomed, "-zoomed")

    def _restore_layout(self) -> None:
        """What can be done only when there is a screen."""
        memory, target = self._memory, self._target
        if target is not None:
            self.call_after_refresh(self.open_at, target.number, target.step)
        if self._live.view.wanted.terms:
            self._fill_filter(filter_text(self._live.view.wanted))
        if memory.folded and self._live.number == memory.selected:
            self._log.folded_steps = frozenset(memory.folded)

    def _fill_filter(self, text: str) -> None:
        """Show the filter that the list has."""
        raise NotImplementedError


def _named(kind: type[E], name: str, default: E) -> E:
    return kind.__members__.get(name, default)
