"""What the runner takes while nothing happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.processes import cpu_s, memory_mb, written_bytes
from benchmarks.runs import counts, open_reader, request
from benchmarks.section import section
from benchmarks.workshop import wait_for
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workshop import Workshop

_SETTLE_S = 1.5, 4.0
"""Until it is quiet: in short benchmarks, and in whole ones."""

_QUIET = '#!/bin/sh\necho up\nwhile [ ! -e "$GO" ]; do sleep 1; done\n'


@section("idle", "processor and disk writes of the runner while nothing happens")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Without any run, then with one that prints nothing."""
    home = workshop.home()
    runner = workshop.start_runner(home, idle_exit="1d")
    yield from _quiet(workshop, runner, "no run")
    script, go = workshop.root / "quiet.sh", workshop.root / "go"
    script.write_text(_QUIET)
    script.chmod(0o755)
    inbox.submit(home, request(workshop.root, script, GO=go))
    with open_reader(home) as reader:
        wait_for(lambda: counts(reader)[Status.RUNNING] == 1)
        yield from _quiet(workshop, runner, "one quiet run")
        go.touch()
        wait_for(lambda: counts(reader)[Status.COMPLETED] == 1)


def _quiet(workshop: Workshop, runner: int, state: str) -> Iterator[Figure]:
    time.sleep(workshop.choose(*_SETTLE_S))
    seconds = workshop.choose(2.0, 120.0)
    processor, written = cpu_s(runner), written_bytes(runner)
    time.sleep(seconds)
    share = (cpu_s(runner) - processor) / seconds * 100
    yield Figure(f"{state}: processor", share, "% of a core", claim="5-10 %", most=0.5)
    yield Figure(
        f"{state}: sent to the disk", float(written_bytes(runner) - written), "bytes", most=0.0
    )
    yield Figure(f"{state}: memory", memory_mb(runner), "MB", claim="150 MB")
