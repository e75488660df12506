"""The small parts of the runner by themselves."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.home import Home
from stepflow_tui.runner import proc
from stepflow_tui.runner.pace import Pace
from stepflow_tui.runner.retention import prune_spools
from stepflow_tui.runner.spool import Exit, Spool, SpoolProblem, read_exit
from stepflow_tui.runner.timers import Timers
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare_home(home)
    return home


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", None),
        (b"\0" * 256, None),
        (b"13", None),
        (b"13\0\0", None),
        (b"0\n\0", Exit(0, None, drained=False)),
        (b"7\ndrained\n\0", Exit(7, None, drained=True)),
        (b"7\ndrai", Exit(7, None, drained=False)),
        (b"Killed\n137\n\0", Exit(137, 9, drained=False)),
        (b"Segmentation fault (core dumped)\n139\ndrained\n", Exit(139, 11, drained=True)),
        (b"137\n", Exit(137, None, drained=False)),
        (b"some complaint\n3\n", Exit(3, None, drained=False)),
    ],
)
def test_exit_files(content: bytes, expected: Exit | None) -> None:
    assert read_exit(content) == expected


def test_a_spool_is_read_piece_by_piece(home: Home) -> None:
    spool = Spool(home, "x")
    assert spool.read(0, 10, None) == (b"", None)
    output = home.spool / "x.out"
    output.write_bytes(b"0123456789abc")
    data, inode = spool.read(0, 10, None)
    assert (data, inode) == (b"0123456789", output.stat().st_ino)
    assert spool.read(10, 10, inode) == (b"abc", inode)
    assert spool.size() == 13


def test_a_spool_that_is_not_what_it_was(home: Home) -> None:
    spool, output = Spool(home, "x"), home.spool / "x.out"
    output.write_bytes(b"0123456789")
    inode = output.stat().st_ino
    with pytest.raises(SpoolProblem, match="truncated"):
        spool.read(11, 10, inode)
    with pytest.raises(SpoolProblem, match="replaced"):
        spool.read(0, 10, inode + 1)
    output.unlink()
    with pytest.raises(SpoolProblem, match="deleted"):
        spool.read(0, 10, inode)
    output.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic"):
        spool.read(0, 10, None)


def test_processes_are_told_apart_by_their_start() -> None:
    child = subprocess.Popen(["sleep", "60"])
    found = proc.process(child.pid)
    assert found is not None
    assert (found.parent, found.name) == (os.getpid(), "sleep")
    assert proc.is_alive(found.pid, found.start)
    assert not proc.is_alive(found.pid, found.start + 1)
    assert child.pid in proc.ProcessTable().descendants(os.getpid())
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert proc.process(child.pid) is None  # a zombie is nobody
    child.wait()
    assert proc.process(2**22 + 1) is None


def test_tags_are_found_in_environments() -> None:
    child = subprocess.Popen(["sleep", "60"], env={"TAG": "mine"})
    try:
        assert child.pid in proc.ProcessTable().tagged("TAG=mine")
        assert child.pid not in proc.ProcessTable().tagged("TAG=min")
    finally:
        child.kill()
        child.wait()


def test_timers_call_in_order_of_time() -> None:
    timers, called = Timers(), list[str]()
    assert timers.timeout() is None
    now = time.monotonic()
    timers.at(now - 1, lambda: called.append("second"))
    timers.at(now - 2, lambda: called.append("first"))
    timers.at(now + 60, lambda: called.append("later"))
    timers.run_due()
    assert called == ["first", "second"]
    left = timers.timeout()
    assert left is not None
    assert 59 < left <= 60


def test_a_quiet_runner_commits_at_once_a_busy_one_pauses() -> None:
    pace = Pace()
    assert pace.delay() == 0.0
    pace.committed(time.monotonic() - 10.0)
    assert 0.0 < pace.delay() <= 0.05
    pace.failed(5.0)
    assert pace.delay() > 4.0


def test_old_spools_go_first(home: Home) -> None:
    for age, name in enumerate(("new", "mid", "old", "needed")):
        path = home.spool / f"{name}.out"
        path.write_bytes(b"x" * 100)
        stamp = time.time() - age * 1000
        os.utime(path, (stamp, stamp))
    deleted = prune_spools(home, needed={"needed"}, max_age_s=1e6, max_bytes=150)
    assert sorted(deleted) == ["mid", "old"]
    assert prune_spools(home, needed={"needed"}, max_age_s=-1, max_bytes=1e9) == ["new"]
    assert [path.name for path in home.spool.iterdir()] == ["needed.out"]
