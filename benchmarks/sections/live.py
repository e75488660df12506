"""How soon a printed line is stored, read and on the screen, with one stream and with many."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from benchmarks import flood, followers, questions
from benchmarks.figure import Figure, quantile
from benchmarks.processes import cpu_s
from benchmarks.runs import request
from benchmarks.section import section
from benchmarks.stamps import Arrivals
from benchmarks.streams import going, tickers
from benchmarks.terminal import open_dashboard
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.terminal import Terminal
    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home

_LINE_RATE = 27
_WATCHED = 10
_SETTLE_S, _LATE_S = 0.5, 0.5
_READ_EVERY_S = 0.01
_SHARE = 0.9
_QUANTILES = (0.5, 0.9, 0.99)

_SCREEN_TARGETS = {1: {0.5: 12.0, 0.99: 40.0}, 500: {0.5: 40.0, 0.99: 150.0}}
_CLAIM = "<1 ms"


@section("live", "from a script's write to the store, to readers and to the screen")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Every delay is from the moment before a line's `write` to the moment it is there.

    Followers are the feeds that the dashboard reads through, in one process for each core.
    """
    seconds = workshop.choose(1.2, 20.0)
    home = workshop.home()
    workshop.start_runner(home)
    loads = (1, _LINE_RATE), (50, 10), (500, 10)
    for count, rate in workshop.choose(loads[:1], loads):
        with tickers(workshop, home, count, rate) as numbers:
            yield from _way(home, numbers, rate, seconds)
    yield from _followers(workshop, home, seconds)
    yield from _reads(workshop)


def _way(home: Home, numbers: list[int], rate: int, seconds: float) -> Iterator[Figure]:
    count = len(numbers)
    where = f"{count} x {rate} lines/s"
    delays = followers.stored(home, numbers[-_WATCHED:], seconds)
    _require(delays, rate * seconds)
    yield from _quantiles(f"{where}: stored", delays)
    delays = followers.seen(home, numbers[-1], seconds, count=1)
    _require(delays, rate * seconds)
    yield from _quantiles(f"{where}: seen by a reader", delays, claim=_CLAIM)
    with open_dashboard(home) as terminal:
        terminal.wait_for("tick ")
        delays, cpu = on_screen(terminal, seconds)
    _require(delays, rate * seconds)
    targets = _SCREEN_TARGETS.get(count, {})
    yield from _quantiles(f"{where}: on the screen", delays, claim=_CLAIM, targets=targets)
    most = 8.0 if count == 1 else None
    yield Figure(f"{where}: the dashboard", cpu * 100, "% of a core", most=most)


def on_screen(terminal: Terminal, seconds: float) -> tuple[list[float], float]:
    """Milliseconds until each stamped line is at the terminal, and the share of a core it takes."""
    terminal.read(_SETTLE_S)
    for _ in terminal.frames():
        pass  # drawn, so that what stands there already is known
    before, since_ns = cpu_s(terminal.pid), time.monotonic_ns()
    terminal.read(seconds)
    until_ns = time.monotonic_ns()
    taken = cpu_s(terminal.pid) - before
    terminal.read(_LATE_S)
    arrivals = Arrivals(since_ns, until_ns)
    for moment, changed in terminal.frames():
        arrivals.note(changed, moment)
    return arrivals.delays_ms, taken / (until_ns - since_ns) * 1e9


def _followers(workshop: Workshop, home: Home, seconds: float) -> Iterator[Figure]:
    processes = os.cpu_count() or 1
    with tickers(workshop, home, 1, _LINE_RATE) as [number]:
        for count in workshop.choose((50,), (1, 50, 200)):
            used = min(count, processes)
            delays = followers.seen(home, number, seconds, count=count, processes=used)
            _require(delays, count * _LINE_RATE * seconds)
            claim = "1,000+ connections, <1 ms" if count > 1 else ""
            name = f"{count} followers in {used} processes" if count > 1 else "1 follower"
            yield from _quantiles(name, delays, claim=claim)


def _require(delays: Sequence[float], printed: float) -> None:
    """Delays of the lines that came tell nothing if others never did."""
    if len(delays) < _SHARE * printed:
        raise RuntimeError(f"only {len(delays)} of {printed:.0f} lines were seen")


def _quantiles(
    name: str,
    delays: Sequence[float],
    *,
    claim: str = "",
    targets: dict[float, float] | None = None,
) -> Iterator[Figure]:
    for share in _QUANTILES:
        yield Figure(
            f"{name}, p{share * 100:.0f}",
            quantile(delays, share),
            "ms",
            claim=claim if share == 0.5 else "",
            most=(targets or {}).get(share),
        )


def _reads(workshop: Workshop) -> Iterator[Figure]:
    """A reader asks for the newest ten, again and again, while a script floods its log."""
    home = workshop.home()
    workshop.start_runner(home)
    program = flood.build(workshop)
    found = []
    with going(home, request(workshop.root, program, 10**8)), Reader(home.database) as reader:
        until = time.monotonic() + workshop.choose(1.0, 10.0)
        while time.monotonic() < until:
            began = time.perf_counter()
            questions.newest_ten(reader)
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(_READ_EVERY_S)
    for share in _QUANTILES:
        most = 5.0 if share == 0.99 else None
        name = f"newest ten during a flood, p{share * 100:.0f}"
        yield Figure(name, quantile(found, share), "ms", most=most)
