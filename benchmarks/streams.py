"""Runs that print for as long as they are wanted."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import stamps
from benchmarks.runs import finished, open_reader, request
from benchmarks.workshop import wait_for
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import RunRequest
    from stepflow_tui.store.reader import Reader

_PATIENCE_S = 300.0


@contextmanager
def tickers(workshop: Workshop, home: Home, count: int, rate: int) -> Iterator[list[int]]:
    """So many runs that print so many stamped lines a second; gives their numbers.

    They end with a file, and so also when the workshop is removed.
    """
    program = stamps.build(workshop)
    alive = workshop.root / f"alive-{new_id()}"
    alive.touch()
    asked = [request(workshop.root, program, alive, rate) for _ in range(count)]
    with going(home, *asked) as numbers:
        try:
            yield numbers
        finally:
            alive.unlink(missing_ok=True)


@contextmanager
def going(home: Home, *asked: RunRequest) -> Iterator[list[int]]:
    """Runs that go on, by their numbers; at the end those that still do are stopped.

    Args:
        home: with a live runner.
        asked: what is to run.
    """
    inbox.submit(home, *asked)
    with open_reader(home) as reader:
        try:
            yield [wait_for(partial(_started, reader, one.id), _PATIENCE_S) for one in asked]
        finally:
            inbox.submit(home, *(CancelRequest(new_id(), one.id, force=True) for one in asked))
            for one in asked:
                finished(reader, one.id, _PATIENCE_S)


def _started(reader: Reader, execution: str) -> int | None:
    found = reader.first(queries.executions_with_prefix(execution))
    return found.number if found is not None and found.status is not Status.PENDING else None
