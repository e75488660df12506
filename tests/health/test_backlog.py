from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Status
from stepflow_tui.health.backlog import Backlog, backlog
from stepflow_tui.store.vitals import OpenSpool

if TYPE_CHECKING:
    from pathlib import Path


def spool(execution: str, offset: int) -> OpenSpool:
    return OpenSpool(1, execution, "build", Status.RUNNING, offset)


def test_what_is_behind_the_offsets_waits(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.spool.mkdir()
    for name, size, age in (("a", 100, 60.0), ("b", 50, 5.0), ("c", 7, 900.0)):
        path = home.spool / f"{name}.out"
        path.write_bytes(b"x" * size)
        then = time.time() - age
        os.utime(path, (then, then))
    found = backlog(home, [spool("a", 40), spool("b", 20), spool("c", 7), spool("gone", 0)])
    assert found.byte_count == 60 + 30
    assert found.waited_s == pytest.approx(60.0, abs=5.0)


def test_nothing_waits(tmp_path: Path) -> None:
    assert backlog(Home(tmp_path), []) == Backlog(0, 0.0)
