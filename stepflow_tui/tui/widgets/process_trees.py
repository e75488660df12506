"""What each running execution takes of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.executions.columns import bar, fit, fit_right
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

    from stepflow_tui.health.process_tree import ProcessTree
    from stepflow_tui.tui.widgets.rows import Cell

_NUMBER, _COUNT, _MEMORY, _CPU, _BAR = 7, 14, 10, 7, 12
_COUNT_FROM, _BAR_FROM = 60, 84

ORDERS = ("CPU", "memory")
"""What the list can be sorted by."""


class ProcessTreeList(Rows):
    """Executions with their processes, the greediest first; the cursor stays on its execution."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.order = ORDERS[0]
        self._trees: list[ProcessTree] = []
        self._say_order()

    @property
    def selected(self) -> ProcessTree | None:
        """The one at the cursor."""
        if self.cursor is None or self.cursor >= self.count:
            return None
        return self._trees[self.cursor]

    def show(self, trees: Sequence[ProcessTree]) -> None:
        """Show these, sorted."""
        selected = self.selected
        self._trees = sorted(trees, key=self._rank)
        self.set_count(len(self._trees))
        self._follow(selected)
        self._say_order()
        self.repaint()

    def turn_order(self) -> None:
        """Sort by the next thing."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        self.show(self._trees)

    def _say_order(self) -> None:
        self.border_title = f"Processes by {self.order}" if self._trees else "Processes"

    def _rank(self, tree: ProcessTree) -> tuple[float, int]:
        """By what is shown, so that rows do not change places for nothing that one could see."""
        if self.order == ORDERS[0]:
            return -round(tree.cpu or 0.0, 2), tree.number
        return -round(tree.memory_bytes / 1e6), tree.number

    def _follow(self, selected: ProcessTree | None) -> None:
        """Keep the cursor on this one; on the row where it was if it is gone."""
        if selected is None:
            return
        numbers = [tree.number for tree in self._trees]
        if selected.number in numbers:
            self.cursor = numbers.index(selected.number)
        else:
            self.cursor = min(self.cursor or 0, self.count - 1) if numbers else None
        self.show_cursor()

    def render_line(self, y: int) -> Strip:
        """A row, or that there is none."""
        if self._trees or y:
            return super().render_line(y)
        return self._strip([(" no execution is running", self.look("rows--dim"))], self.base)

    def row_key(self, index: int) -> tuple[object, object]:
        """The figures."""
        return (self._trees[index], index == self.cursor), None

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """Number, name, processes, memory, CPU, a bar of the latter."""
        tree = self._trees[index]
        dim, plain = self.look("rows--dim"), Style.null()
        cells: list[Cell] = []
        if width >= _COUNT_FROM:
            noun = "process" if tree.count == 1 else "processes"
            cells.append((fit_right(f"{tree.count} {noun}", _COUNT), dim))
        cells.append((fit_right(format_size(tree.memory_bytes), _MEMORY), plain))
        cpu = "-" if tree.cpu is None else f"{tree.cpu:.0%}"
        cells.append((fit_right(cpu, _CPU), plain))
        cells += self._bar(tree, width)
        used = sum(len(text) for text, _ in cells)
        name = fit(clean_line(tree.name), max(0, width - _NUMBER - 2 - used))
        return [
            (fit_right(f"#{tree.number}", _NUMBER) + " ", dim),
            (name, plain),
            *cells,
            (" ", dim),
        ]

    def _bar(self, tree: ProcessTree, width: int) -> list[Cell]:
        """The share that it takes of the greediest."""
        if width < _BAR_FROM:
            return []
        most = max(1.0, *(other.cpu or 0.0 for other in self._trees))
        full, empty = bar((tree.cpu or 0.0) / most, _BAR)
        return [("  " + full, self.look("trees--bar")), (empty, self.look("rows--faint"))]
