"""What the dashboard sends to its terminal."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.runs import request, run
from benchmarks.section import section
from benchmarks.streams import going
from tests.tui.bandwidth import LOADS, OVER_SSH, open_dashboard, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home
    from tests.tui.bandwidth import Load, Recording

_SETTLE_S = 0.3, 1.5
"""Until it is quiet: in short benchmarks, and in whole ones."""

_WAYS: tuple[tuple[str, dict[str, str]], ...] = (("", {}), (", over SSH", OVER_SSH))


@section("bandwidth", "bytes to the terminal, at 120 x 40, on the machine itself and over SSH")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Each load is shown by a dashboard of its own; targets are for lines over SSH."""
    home = workshop.home()
    workshop.start_runner(home)
    run(home, request(workshop.root, "true"))
    seconds = workshop.choose(1.0, 20.0)
    for load in LOADS:
        for way, environ in workshop.choose(_WAYS[1:], _WAYS):
            found = _record(workshop, home, load, environ, seconds)
            yield _figure(load, found, way)
            if load.per == "second":
                yield Figure(f"{load.name}{way}: the dashboard", found.cpu * 100, "% of a core")


def _record(
    workshop: Workshop, home: Home, load: Load, environ: dict[str, str], seconds: float
) -> Recording:
    with ExitStack() as stack:
        if load.script is not None:
            script = workshop.root / "load"
            script.write_text(load.script.format(python=sys.executable), encoding="utf-8")
            script.chmod(0o755)
            stack.enter_context(going(home, request(workshop.root, script)))
        terminal = stack.enter_context(open_dashboard(home, environ))
        terminal.wait_for(load.text)
        record(terminal, workshop.choose(*_SETTLE_S))
        return record(terminal, seconds)


def _figure(load: Load, found: Recording, way: str) -> Figure:
    most = float(load.budget) if way else None
    if load.per == "second":
        return Figure(f"{load.name}{way}", found.per_second, "bytes/s", most=most)
    sizes = [float(size) for size in found.updates()]
    return Figure(f"{load.name}{way}, each update", quantile(sizes, 0.5), "bytes", most=most)
