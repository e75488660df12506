"""How soon a question is answered, at three lengths of history."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import questions
from benchmarks.figure import Figure, quantile
from benchmarks.history import fill
from benchmarks.plot import CURVES, Curve
from benchmarks.section import section
from benchmarks.timing import times_by_turns_ms
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home

_BARE = "import sqlite3, click"
_QUANTILES = (0.5, 0.9, 0.95, 0.99)
_CLAIMS = {"health": "0.40 ms", "list": "1.30 ms"}
_COMMANDS = (("list", "--limit", "10"), ("health",), ("logs", "last", "--tail", "10"))
_FLAT, _SOON_MS = 1.3, 10.0


@section("response", "time to answer, by the store's reader and as whole commands")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Health and a list of ten, on 121, 10,000 and (full) 1,000,000 executions."""
    sizes = workshop.choose((121, 10_000), (121, 10_000, 1_000_000))
    homes = {size: workshop.home() for size in sizes}
    for size, home in homes.items():
        fill(home, size)
    yield from _read(workshop, homes)
    for size, home in homes.items():
        yield from _commands(workshop, home, size)


def _read(workshop: Workshop, homes: dict[int, Home]) -> Iterator[Figure]:
    """All homes are asked by turns."""
    count, sizes = workshop.choose(300, 2000), list(homes)
    curve = Curve(
        "response", "history", "A list of ten, by the length of history", "executions", "ms"
    )
    CURVES.append(curve)
    with ExitStack() as opened:
        readers = [opened.enter_context(Reader(home.database)) for home in homes.values()]
        for name, ask in _QUESTIONS.items():
            found = times_by_turns_ms([partial(ask, reader) for reader in readers], count)
            medians = [quantile(times, 0.5) for times in found]
            curve.series[name] = list(zip(sizes, medians, strict=True))
            for size, times in zip(sizes, found, strict=True):
                yield from _quantiles(name, size, times)
            yield Figure(
                f"{name} p50, {sizes[-1]:,} executions, against {sizes[0]}",
                medians[-1],
                "ms",
                medians[0],
                "the same, small",
                most=_FLAT,
                by_ratio=True,
            )


def _quantiles(name: str, size: int, times: Sequence[float]) -> Iterator[Figure]:
    for share in _QUANTILES:
        label = f"{name} p{share * 100:.0f}, {size:,} executions"
        claim = _CLAIMS[name] if share == 0.5 else ""
        yield Figure(label, quantile(times, share), "ms", claim=claim, most=_SOON_MS)


_QUESTIONS: dict[str, Callable[[Reader], None]] = {
    "health": questions.health,
    "list": questions.newest_ten,
}


def _commands(workshop: Workshop, home: Home, size: int) -> Iterator[Figure]:
    """Whole commands and a bare interpreter, by turns."""
    calls = [partial(subprocess.run, [sys.executable, "-c", _BARE], check=True)]
    calls += [partial(workshop.stepflow, home, *words) for words in _COMMANDS]
    found = times_by_turns_ms(calls, workshop.choose(5, 20), warm_up=1)
    bare, *medians = [quantile(times, 0.5) for times in found]
    for words, median in zip(_COMMANDS, medians, strict=True):
        yield Figure(
            f"stepflow {words[0]}, {size:,} executions",
            median,
            "ms",
            bare,
            f"python -c '{_BARE}'",
            most=max(120.0, 2.5 * bare),
        )
