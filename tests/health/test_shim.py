from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stepflow_tui.core.clock import boot_id
from stepflow_tui.core.home import Home
from stepflow_tui.health.shim import Shim, shim_of

LOCK = {"boot_id": boot_id(), "pid": 77, "start": 12, "wall_ms": 0, "mono_ms": 0}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.spool.mkdir()
    return home


def test_a_start_lock_names_the_shim(home: Home) -> None:
    (home.spool / "x.lock").write_text(json.dumps(LOCK))
    assert shim_of(home, "x") == Shim(77, 12)
    assert shim_of(home, "y") is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '"text"', json.dumps(LOCK)[:-5], json.dumps({**LOCK, "pid": None})]
    + [json.dumps({**LOCK, **change}) for change in ({"boot_id": "other"}, {"barred": True})],
)
def test_other_locks_name_nobody(home: Home, content: str) -> None:
    (home.spool / "x.lock").write_text(content)
    assert shim_of(home, "x") is None


def test_a_lock_that_is_no_file_is_not_followed(home: Home, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps(LOCK))
    (home.spool / "x.lock").symlink_to(tmp_path / "elsewhere")
    assert shim_of(home, "x") is None


def test_a_pid_alone_does_not_name_a_process() -> None:
    stat = Path("/proc/self/stat").read_text("utf-8")
    start = int(stat.rpartition(")")[2].split()[19])
    assert Shim(os.getpid(), start).is_alive()
    assert not Shim(os.getpid(), start + 1).is_alive()
    assert not Shim(2**22, start).is_alive()
