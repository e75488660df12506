"""Folding the steps of a log."""

from __future__ import annotations

from stepflow_tui.tui.log.folds import heading_of
from stepflow_tui.tui.widgets.log.pane import LogPane


class LogFolding(LogPane):
    """Hides what the steps have printed, but for their headings."""

    @property
    def folded_steps(self) -> frozenset[int]:
        """The indexes of the steps that are folded, to be remembered."""
        return frozenset(self.folds.folded)

    @folded_steps.setter
    def folded_steps(self, steps: frozenset[int]) -> None:
        self.folds.folded = set(steps)
        self._rearrange(self._fold)

    def fold(self, line: int) -> bool:
        """Fold the innermost step around this line, or unfold it; False if there is none."""
        step = self.folds.around(line)
        if step is None:
            return False
        self.folds.toggle(step)
        self._rearrange(self._fold, heading_of(step))
        return True

    def action_fold(self) -> None:
        """Fold the step at the cursor, or unfold it."""
        if not self.fold(self.cursor):
            self.notify("this line belongs to no step", markup=False)

    def action_fold_all(self) -> None:
        """Fold all steps, or if all are folded unfold them."""
        if not self.folds.steps:
            self.notify("the script has named no steps", markup=False)
            return
        around = self.folds.around(self.cursor)
        self.folds.toggle_all()
        self._rearrange(self._fold, heading_of(around) if around else None)

    def _fold(self) -> None:
        self.view.lines.fold(*self.folds.hidden())
