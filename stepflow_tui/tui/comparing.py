"""Reading what the comparison of two runs is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.clock import now
from stepflow_tui.core.comparison import Past, Run, compare
from stepflow_tui.store import durations, queries

if TYPE_CHECKING:
    from stepflow_tui.core.comparison import Comparison
    from stepflow_tui.tui.source import Source


class Comparing:
    """Compares one run with another, which can be changed.

    Attributes:
        number: of the newer run.
        chosen: of the run that it is compared with; None if there is none.
        others: what it can be compared with, the newest first.
    """

    def __init__(self, source: Source, newer: int, older: int | None = None) -> None:
        """Begins a comparison.

        Args:
            source: where the runs are read.
            newer: number of the run.
            older: number of the one to compare it with; None for the latest earlier one of its
                name that completed.
        """
        self._source = source
        self.number = newer
        self.chosen = older
        self.others: list[int] = []
        self._past: Past | None = None

    async def read(self) -> Comparison | None:
        """How the runs compare at this moment; None if the newer one is gone.

        Raises:
            StoreProblem: the database cannot be read.
        """
        newer = await self._run(self.number)
        if newer is None:
            return None
        if self._past is None:
            self._past = await self._read_past(newer)
        older = None if self.chosen is None else await self._run(self.chosen)
        return compare(newer, older, self._past, now())

    async def _run(self, number: int) -> Run | None:
        execution = await self._source.first(queries.execution(number))
        if execution is None:
            return None
        return Run(execution, await self._source.all(queries.steps(number)))

    async def _read_past(self, newer: Run) -> Past:
        earlier = await self._source.all(
            durations.earlier_completed(newer.execution.name, self.number)
        )
        if self.chosen is None and earlier:
            self.chosen = earlier[0]
        named = () if self.chosen is None else (self.chosen,)
        self.others = sorted({*earlier, *named}, reverse=True)
        return Past(
            await self._source.all(durations.run_durations(earlier)),
            await self._source.all(durations.past_steps(earlier)),
        )

    def turn(self, by: int) -> bool:
        """Choose a run that is older by so many, or newer if negative; False if there is none."""
        if self.chosen not in self.others:
            return False
        place = self.others.index(self.chosen) + by
        if not 0 <= place < len(self.others):
            return False
        self.chosen = self.others[place]
        return True
