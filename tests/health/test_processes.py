from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stepflow_tui.health.processes import ExecutionProcesses
from tests.house import House, wait_for

if TYPE_CHECKING:
    from stepflow_tui.health.processes import RunningProcess


def test_what_a_script_runs_is_told_without_our_own_processes(house: House) -> None:
    execution = house.submit(house.script("sleep 60 & setsid sleep 61 & while :; do :; done"))
    house.wait_running(execution)
    processes = ExecutionProcesses(house.home, execution)

    def look() -> list[RunningProcess] | None:
        time.sleep(0.2)  # processor time is counted in ticks of 10 ms
        found = processes.look()
        return found if len(found) == 3 and any((one.cpu or 0.0) > 0.1 for one in found) else None

    found = wait_for(look)
    commands = sorted(" ".join(one.command) for one in found)
    assert commands[1:] == ["sleep 60", "sleep 61"]
    assert commands[0].endswith("script.sh")
    assert all(one.memory_bytes > 100_000 for one in found)


def test_an_execution_that_does_not_run_has_no_processes(house: House) -> None:
    execution = house.submit(house.script("true"))
    house.wait(execution)
    assert ExecutionProcesses(house.home, execution).look() == []
