"""Recording goes on while a long history is removed or copied."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import BackupRequest, remove_requests
from stepflow_tui.store import queries
from tests.house import wait_for
from tests.lateness import in_time
from tests.runner.history import Past, is_done, write_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.requests.request import Chore
    from tests.house import House

MB = 1_000_000
SLOWEST_MS = 100

CLOCK = """#!/usr/bin/env python3
import os, time
while not os.path.exists("stop"):
    print(time.time_ns() // 10**6, flush=True)
    time.sleep(0.003)
"""


@contextmanager
def clock(house: House) -> Iterator[list[int]]:
    """A script that says what time it is; in the end, how late each line was read, in ms."""
    late: list[int] = []
    execution = house.submit(house.script(CLOCK))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    yield late
    (house.scripts / "stop").touch()
    assert house.wait(execution).status is Status.COMPLETED
    arrivals: dict[int, int] = {}
    for chunk in house.read(queries.chunks_from(running.number, 0, 0, -1)):
        arrivals |= dict(chunk.arrival_times())
    arrived = 0
    for line, text in enumerate(house.log(running).splitlines()):  # a chunk may end in a line
        arrived = arrivals.get(line, arrived)
        late.append(arrived - int(text))


def carry_out(house: House, *requests: Chore) -> float:
    """Seconds until all was done."""
    began = time.monotonic()
    inbox.submit(house.home, *requests)
    wait_for(lambda: is_done(house.home, *requests))
    assert [inbox.refusal(house.home, request) for request in requests] == [None] * len(requests)
    return time.monotonic() - began


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


@pytest.mark.slow
def test_ten_thousand_executions_go_while_another_is_recorded(house: House) -> None:
    past = write_history(house.home, *[Past(log_bytes=10_000, steps=5, files=False)] * 10_000)
    with clock(house) as late:
        took = carry_out(house, *remove_requests([found.id for found in past]))
        wait_for(lambda: house.home.database.stat().st_size < 5 * MB)
    counts = dict(house.read(queries.status_counts()))
    assert counts[Status.COMPLETED] == 1
    in_time(took, 60, "all of it")
    in_time(percentile(late, 0.99), SLOWEST_MS, "a line beside it")


@pytest.mark.slow
def test_hundreds_of_megabytes_are_copied_while_another_is_recorded(
    house: House, tmp_path: Path
) -> None:
    write_history(house.home, *[Past(log_bytes=10 * MB, files=False)] * 30)
    with clock(house) as late:
        took = carry_out(house, BackupRequest(new_id(), str(tmp_path / "copy.db")))
    assert (tmp_path / "copy.db").stat().st_size > 300 * MB
    in_time(took, 60, "all of it")
    in_time(percentile(late, 0.99), SLOWEST_MS, "a line beside it")
