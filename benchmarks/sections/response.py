"""How soon a question is answered, at three lengths of history."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.history import fill
from benchmarks.plot import CURVES, Curve
from benchmarks.section import section
from benchmarks.timing import times_ms
from stepflow_tui.store import queries
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home

_BARE = "import sqlite3, click"
_QUANTILES = (0.5, 0.9, 0.95, 0.99)
_CLAIMS = {"health": "0.40 ms", "list": "1.30 ms"}
_FLAT = 1.3


@section("response", "time to answer, by the store's reader and as whole commands")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Health and a list of ten, on 121, 10,000 and (full) 1,000,000 executions."""
    sizes = workshop.choose((121, 10_000), (121, 10_000, 1_000_000))
    curve = Curve(
        "response", "history", "A list of ten, by the length of history", "executions", "ms"
    )
    CURVES.append(curve)
    first: dict[str, float] = {}
    for size in sizes:
        home = workshop.home()
        fill(home, size)
        for figure in _read(workshop, home, size, curve):
            small = first.setdefault(figure.name.partition(",")[0], figure.value or 0.0)
            yield figure
            if size == sizes[-1] and "p50" in figure.name:
                grown = f"{figure.name}, against {sizes[0]}"
                yield Figure(
                    grown, figure.value, "ms", small, "the same, small", most=_FLAT, by_ratio=True
                )
        yield from _commands(workshop, home, size)


def _read(workshop: Workshop, home: Home, size: int, curve: Curve) -> Iterator[Figure]:
    count = workshop.choose(300, 2000)
    with Reader(home.database) as reader:
        for name, ask in _questions(reader).items():
            found = times_ms(ask, count)
            for share in _QUANTILES:
                label = f"{name} p{share * 100:.0f}, {size:,} executions"
                claim = _CLAIMS[name] if share == 0.5 else ""
                yield Figure(label, quantile(found, share), "ms", claim=claim, most=10.0)
            curve.series.setdefault(name, []).append((size, quantile(found, 0.5)))


def _questions(reader: Reader) -> dict[str, Callable[[], object]]:
    def health() -> None:
        reader.all(queries.runner_record())
        reader.all(queries.status_counts())

    return {"health": health, "list": lambda: reader.all(queries.newest_executions(10))}


def _commands(workshop: Workshop, home: Home, size: int) -> Iterator[Figure]:
    count = workshop.choose(5, 20)
    bare = times_ms(lambda: subprocess.run([sys.executable, "-c", _BARE], check=True), count)
    reference = quantile(bare, 0.5)
    for words in (("list", "--limit", "10"), ("health",), ("logs", "last", "--tail", "10")):
        found = times_ms(partial(workshop.stepflow, home, *words), count)
        yield Figure(
            f"stepflow {words[0]}, {size:,} executions",
            quantile(found, 0.5),
            "ms",
            reference,
            f"python -c '{_BARE}'",
            most=max(120.0, 2.5 * reference),
        )
