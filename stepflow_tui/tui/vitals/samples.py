"""Ten minutes of how the home has fared, sampled for as long as the dashboard is open."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StepflowError, StoreProblem
from stepflow_tui.health.process_tree import ProcessTrees
from stepflow_tui.health.sample import Sampler
from stepflow_tui.store import queries
from stepflow_tui.store.vitals import open_spools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.health.process_tree import ProcessTree
    from stepflow_tui.health.sample import Sample
    from stepflow_tui.store.queries import RunnerRecord
    from stepflow_tui.store.vitals import OpenSpool
    from stepflow_tui.tui.source import Source

HISTORY_S = 600.0
"""How far back one can look."""

_BUSY_S, _REST_S = 1.0, 5.0
_MOST_SPOOLS = 1_000
_SHARE = 0.05
"""Of the time that looking at process trees may take."""


class Samples:
    """Samples a home once a second while something runs, and now and then at rest.

    Attributes:
        trees: the processes of what runs, while somebody wants to see them.
    """

    def __init__(self, home: Home, source: Source) -> None:
        self.home = home
        self.trees: list[ProcessTree] = []
        self._source = source
        self._sampler = Sampler(home)
        self._process_trees: ProcessTrees | None = None
        self._history: deque[Sample] = deque(maxlen=int(HISTORY_S / _BUSY_S) + 1)
        self._hurry = asyncio.Event()
        self._taken = asyncio.Event()
        self._trees_due = 0.0

    @property
    def history(self) -> Sequence[Sample]:
        """The samples of the last ten minutes, oldest first."""
        return self._history

    @property
    def latest(self) -> Sample | None:
        """The last sample; None before there is one."""
        return self._history[-1] if self._history else None

    async def run(self) -> None:
        """Sample, for ever."""
        while True:
            self._hurry.clear()
            began = time.monotonic()
            await self.take()
            sample = self.latest
            period_s = _BUSY_S if sample is not None and sample.unfinished else _REST_S
            await self._wait(period_s - (time.monotonic() - began))

    def hurry(self) -> None:
        """Take the next sample now: something has begun, or somebody looks."""
        self._hurry.set()

    def show_trees(self, *, wanted: bool) -> None:
        """Look at processes too, or no more; that costs more than all the rest."""
        self._process_trees = ProcessTrees(self.home) if wanted else None
        self._trees_due = 0.0
        self.trees = []

    async def next(self) -> None:
        """Wait for the next sample."""
        await self._taken.wait()

    async def take(self) -> None:
        """Take one sample."""
        record, spools = await self._read()
        try:
            sample = await asyncio.to_thread(self._sampler.take, record, spools)
        except StepflowError:
            return  # whether a runner lives cannot be told now; the examination says why
        self._history.append(sample)
        while self._history[0].at < sample.at - HISTORY_S:
            self._history.popleft()
        await self._look_at_trees(spools)
        self._taken.set()
        self._taken.clear()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _read(self) -> tuple[RunnerRecord | None, list[OpenSpool]]:
        try:
            record = await self._source.first(queries.runner_record())
            return record, await self._source.all(open_spools(_MOST_SPOOLS))
        except StoreProblem:
            return None, []

    async def _look_at_trees(self, spools: Sequence[OpenSpool]) -> None:
        process_trees, began = self._process_trees, time.monotonic()
        if process_trees is None or began < self._trees_due:
            return
        found = await asyncio.to_thread(process_trees.look, spools)
        if process_trees is self._process_trees:
            self.trees = found
            ended = time.monotonic()
            self._trees_due = ended + min(_REST_S, (ended - began) / _SHARE)
