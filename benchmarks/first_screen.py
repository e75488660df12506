"""How soon the dashboard shows something, beside an application that has nothing to show."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from benchmarks import flood
from benchmarks.figure import Figure, quantile
from benchmarks.history import fill
from benchmarks.processes import memory_mb
from benchmarks.runs import open_reader, request
from benchmarks.streams import going
from benchmarks.terminal import Terminal, environment, open_dashboard
from benchmarks.workshop import wait_for
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home

_SCRIPT = '#!/bin/sh\n"{program}" {lines}\nexec sleep 600\n'
_EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("ready")

Empty().run()
"""
_SETTLE_S = 0.5
_MOST_TIMES, _MOST_MB = 1.5, 40.0


def first_screen(workshop: Workshop) -> Iterator[Figure]:
    """Time to the last line of a long log on the screen, with a long history, and memory then."""
    executions, lines = workshop.choose((1_000, 100_000), (100_000, 10_000_000))
    home = workshop.home()
    fill(home, executions, children=False)
    home.database.chmod(0o600)  # as a runner makes it, and wants to find it
    workshop.start_runner(home, max_log_bytes=10**11)
    script = workshop.root / "flooded"
    program = flood.build(workshop)
    script.write_text(_SCRIPT.format(program=program, lines=lines), encoding="utf-8")
    script.chmod(0o755)
    with going(home, request(workshop.root, script)) as [number]:
        _wait_stored(home, number, lines)
        last = f"{lines - 1:010} "
        ours, empty = _side_by_side(workshop, lambda: open_dashboard(home), last)
    name = f"first screen, {executions:,} runs, {lines:,} lines"
    yield Figure(
        name,
        ours[0],
        "ms",
        empty[0],
        "an empty Textual application",
        most=_MOST_TIMES,
        by_ratio=True,
    )
    yield Figure(
        "memory then", ours[1], "MB", empty[1], "of that application", most=empty[1] + _MOST_MB
    )


def _wait_stored(home: Home, number: int, lines: int) -> None:
    with open_reader(home) as reader:
        wait_for(lambda: reader.all(queries.stream(number))[0].line_count == lines)


def _side_by_side(
    workshop: Workshop, dashboard: Callable[[], Terminal], last: str
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Milliseconds and MB of the dashboard and of the empty application, taken in turn."""
    command = [sys.executable, "-c", _EMPTY]
    ours, empty = [], []
    for _ in range(workshop.choose(2, 10)):
        ours.append(_opened(dashboard, last))
        empty.append(_opened(lambda: Terminal(command, environment(workshop.root)), "ready"))
    return _middle(ours), _middle(empty)


def _opened(start: Callable[[], Terminal], text: str) -> tuple[float, float]:
    began = time.monotonic_ns()
    with start() as terminal:
        shown = terminal.wait_for(text)
        terminal.read(_SETTLE_S)
        return (shown - began) / 1e6, memory_mb(terminal.pid)


def _middle(found: list[tuple[float, float]]) -> tuple[float, float]:
    times, sizes = zip(*found, strict=True)
    return quantile(times, 0.5), quantile(sizes, 0.5)
