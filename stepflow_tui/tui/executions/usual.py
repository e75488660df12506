"""What is usual of a name: its last results, and how long its completed runs took."""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.store import listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stepflow_tui.core.models import Status
    from stepflow_tui.store.listing import Run
    from stepflow_tui.tui.source import Source

KEPT = 1_000
"""Names of which it is known."""

_FRESH_S = 5.0
"""For so long it is not read again, whatever happens."""


class Past(Struct, frozen=True):
    """The latest runs of a name.

    Attributes:
        results: of the last ten, the latest last.
        median_ms: of the completed ones; None if there are none.
        step_count: steps that the latest completed run had; 0 if there is none.
    """

    results: tuple[Status, ...] = ()
    median_ms: int | None = None
    step_count: int = 0


class Usual:
    """The past of the names on the screen, read when something has changed, every few seconds."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: OrderedDict[str, tuple[Past, int, float]] = OrderedDict()

    def of(self, name: str) -> Past | None:
        """What is known of a name."""
        found = self._known.get(name)
        return None if found is None else found[0]

    async def load(self, names: Iterable[str], revision: int) -> None:
        """Read what is missing, or older than this revision.

        Raises:
            StoreProblem: the database cannot be read.
        """
        wanted = [name for name in dict.fromkeys(names) if self._is_old(name, revision)]
        if not wanted:
            return
        recent = await self._source.all(listing.recent_runs(wanted))
        completed = await self._source.all(listing.completed_runs(wanted))
        moment, of_name = time.monotonic(), _by_name(recent)
        completed_of_name = _by_name(completed)
        for name in wanted:
            past = _past(of_name[name], completed_of_name[name])
            self._known[name] = (past, revision, moment)
            self._known.move_to_end(name)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _is_old(self, name: str, revision: int) -> bool:
        if name not in self._known:
            return True
        _, read_revision, read_at = self._known[name]
        return read_revision != revision and time.monotonic() - read_at > _FRESH_S


def _by_name(runs: Iterable[Run]) -> defaultdict[str, list[Run]]:
    by_name: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_name[run.name].append(run)
    return by_name


def _past(recent: Sequence[Run], completed: Sequence[Run]) -> Past:
    durations = [run.duration_ms for run in completed if run.duration_ms is not None]
    return Past(
        results=tuple(run.status for run in reversed(recent)),
        median_ms=_median(durations) if durations else None,
        step_count=completed[0].step_count if completed else 0,
    )


def _median(durations: Sequence[int]) -> int:
    from statistics import median  # only now: the first screen seldom needs it

    return round(median(durations))
