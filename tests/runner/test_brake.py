from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.runner import brake
from stepflow_tui.runner.spool import Spool
from tests.house import House, wait_for

if TYPE_CHECKING:
    import pytest

    from stepflow_tui.core.models import Execution


def has_told(house: House, execution: Execution, widths: list[bytes]) -> bool:
    return house.log(execution).split() == widths


def test_a_pipe_is_made_narrow_and_wide_again(house: House) -> None:
    gate = house.root / "gate"
    os.mkfifo(gate)
    code = "import fcntl, sys; print(fcntl.fcntl(1, 1032), flush=True)"  # F_GETPIPE_SZ
    script = house.script(f"for i in 1 2 3; do read x <{gate}; $PYTHON -c '{code}'; done")
    execution = house.submit(script)
    running = house.wait_running(execution)
    start = Spool(house.home, execution).start()
    assert start is not None
    widths = []
    for width in (brake.WIDE, brake.NARROW, brake.WIDE):
        wait_for(partial(brake.set_width, start.pid, width))  # its cat may not be there yet
        widths.append(b"%d" % width)
        gate.write_text("go\n")
        wait_for(partial(has_told, house, running, widths))
    done = house.wait(execution)
    assert house.log(done) == b"65536\n4096\n65536\n"


def test_a_flood_is_slowed_down_until_it_is_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_MAX_LOG_BYTES", "1MB")
    for _ in range(4):  # a busy machine may print no faster than it reads
        done = house.run("/bin/sh", "-c", "timeout 2 yes; sleep 0.1; exit 0")
        assert done.status is Status.COMPLETED
        told = house.home.runner_log.read_text()
        if f"#{done.number} floods" in told:
            break
    assert f"#{done.number} floods" in told
    assert done.byte_count == done.line_count * 2


def test_nobody_is_there_to_be_slowed_down() -> None:
    assert not brake.set_width(2**22 + 1, brake.NARROW)
