"""Runs that start runs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepflow_tui.core.home import Home
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests.inbox import submit
from stepflow_tui.requests.request import StopRequest
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store import queries
from stepflow_tui.store.reader import Reader
from tests.house import wait_for

if TYPE_CHECKING:
    from tests.house import House


def test_cancelling_a_run_spares_the_runner_that_it_started(house: House) -> None:
    other = Home(house.root / "other")
    command = f"{sys.executable} -m stepflow_tui --home {other.root} run -d sleep 60"
    environment = {"PATH": os.environ["PATH"], "HOME": str(house.root)}
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    outer = house.submit(
        house.script(f"{command}; echo started; sleep 60"), environment=environment
    )
    running = house.wait_running(outer)
    wait_for(lambda: b"started" in house.log(running))
    house.cancel(outer, force=True)
    assert house.wait(outer).status is Status.CANCELLED
    runner = live_runner(other)
    assert runner is not None
    with Reader(other.database) as reader:
        [inner] = reader.all(queries.newest_executions(9))
    assert inner.status is Status.RUNNING
    submit(other, StopRequest(new_id(), cancel_all=True))
    wait_for(lambda: live_runner(other) is None)
