"""The small parts of the runner by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core import clock
from stepflow_tui.core.home import Home
from stepflow_tui.runner import proc
from stepflow_tui.runner.pace import Pace
from stepflow_tui.runner.retention import prune_spools, sweep_up
from stepflow_tui.runner.spool import Exit, Output, Spool, SpoolProblem, Start, read_exit
from stepflow_tui.runner.stop import Stop
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
        (b"7\ndrained 0\n", Exit(7, None, drained=True)),
        (b"0\ndrained 1\n", Exit(0, None, drained=True, output_lost=True)),
        (b"ld.so: cannot preload\n137\n", Exit(137, None, drained=False)),
        (b"sh: line 9: 17 Killed   sleep 9\n137\n", Exit(137, 9, drained=False)),
        (b"Killed\n137\n\0", Exit(137, 9, drained=False)),
        (b"Segmentation fault (core dumped)\n139\ndrained\n", Exit(139, 11, drained=True)),
        (b"137\n", Exit(137, None, drained=False)),
        (b"some complaint\n3\n", Exit(3, None, drained=False)),
        (b"3\nended 123.45\n", Exit(3, None, drained=False, ended_s=123.45)),
        (b"3\nended 1.5\nleft 7 8\ndrained 0\n", Exit(3, None, True, left=(7, 8), ended_s=1.5)),
        (b"3\nended nan\ndrained 0\n", Exit(3, None, drained=True)),
        (b"3\nended \n", Exit(3, None, drained=False)),
    ],
)
def test_exit_files(content: bytes, expected: Exit | None) -> None:
    assert read_exit(content) == expected


def test_a_spool_is_read_piece_by_piece(home: Home) -> None:
    spool = Spool(home, "x")
    assert spool.read(0, 10, None) == Output(b"", None, unread=0)
    output = home.spool / "x.out"
    output.write_bytes(b"0123456789abc")
    inode = output.stat().st_ino
    assert spool.read(0, 10, None) == Output(b"0123456789", inode, unread=3)
    assert spool.read(10, 10, inode) == Output(b"abc", inode, unread=0)


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
    with pytest.raises(SpoolProblem, match="symbolic"):
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
    assert 0.0 < pace.delay() <= 0.005
    pace.failed(5.0)
    assert pace.delay() > 4.0


def test_what_a_crash_left_is_swept_up(home: Home) -> None:
    names = ["a.lock", "a.exit", "a.7.tmp", "b.lock", "kept.out"]
    for name in [*names, "young.lock"]:
        (home.spool / name).touch()
        os.utime(home.spool / name, (1000, 1000) if name in names else None)
    (home.spool / "directory.lock").mkdir()
    sweep_up(home, needed={"b"}, older_than_s=86_400)
    left = sorted(path.name for path in home.spool.iterdir())
    assert left == ["b.lock", "directory.lock", "kept.out", "young.lock"]


def test_signals_go_to_the_very_process_or_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["sleep", "60"])
    found = proc.process(child.pid)
    assert found is not None
    assert proc.send_signal(replace(found, start=found.start + 1), signal.SIGKILL)
    assert child.poll() is None

    def refuse(*_: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(signal, "pidfd_send_signal", refuse)
        assert not proc.send_signal(found, signal.SIGKILL)
    assert proc.send_signal(found, signal.SIGKILL)
    assert child.wait() == -9
    assert proc.send_signal(found, signal.SIGKILL)


def test_a_stop_touches_nobody_who_only_has_the_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reboot the recorded pid is another process's, with children of its own."""
    victim = subprocess.Popen(["sh", "-c", "sleep 60 & wait"])
    found = proc.process(victim.pid)
    assert found is not None
    at = clock.now()
    signalled: list[int] = []

    def note(target: proc.Process, number: signal.Signals) -> bool:
        signalled.append(target.pid)
        return bool(number)

    monkeypatch.setattr("stepflow_tui.runner.stop.send_signal", note)
    for start in (
        Start("another boot", victim.pid, found.start, at),
        Start(clock.boot_id(), victim.pid, found.start - 1, at),
    ):
        stop = Stop(start, "0" * 26, tty=False, now=0.0, grace=0.0)
        for _ in range(3):
            stop.advance(proc.ProcessTable(), 1.0)
        assert stop.is_done
        assert signalled == []
    victim.kill()
    victim.wait()


def test_nobody_is_signalled_before_the_reason_is_recorded() -> None:
    tag = f"STEPFLOW_EXECUTION_ID={'1' * 26}"
    victim = subprocess.Popen(["env", tag, "sleep", "60"])
    start = Start(clock.boot_id(), 2**22, 1, clock.now())
    stop = Stop(start, "1" * 26, tty=False, now=0.0, grace=0.0)
    stop.held = True
    while not proc.ProcessTable().tagged(tag):
        assert victim.poll() is None  # it is being started
    for _ in range(3):
        stop.advance(proc.ProcessTable(), 1.0)
    assert victim.poll() is None
    assert not stop.is_done
    stop.held = False
    stop.advance(proc.ProcessTable(), 1.0)
    assert victim.wait(10) == -signal.SIGKILL


def test_who_comes_after_the_first_pass_gets_no_term(monkeypatch: pytest.MonkeyPatch) -> None:
    tag = f"STEPFLOW_EXECUTION_ID={'2' * 26}"
    first, later = (subprocess.Popen(["sleep", "60"], env={tag[:21]: tag[22:]}) for _ in range(2))
    monkeypatch.setattr(proc, "ticks_since_boot", lambda _=0.0: 2**62)  # all began in one tick
    start = Start(clock.boot_id(), 2**22, 1, clock.now())
    stop = Stop(start, "2" * 26, tty=False, now=0.0, grace=10.0)
    table = proc.ProcessTable()
    monkeypatch.setattr(table, "tagged", lambda name: {first.pid} if name == tag else set())
    stop.advance(table, 1.0)
    stop.advance(proc.ProcessTable(), 2.0)
    assert first.wait(10) == -signal.SIGTERM
    assert later.poll() is None
    stop.advance(proc.ProcessTable(), 11.0)
    assert later.wait(10) == -signal.SIGKILL


def test_a_stop_that_found_nobody_terms_who_comes_then() -> None:
    start = Start(clock.boot_id(), 2**22, 1, clock.now())
    stop = Stop(start, "3" * 26, tty=False, now=0.0, grace=10.0)
    stop.advance(proc.ProcessTable(), 1.0)
    child = subprocess.Popen(["sleep", "60"], env={"STEPFLOW_EXECUTION_ID": "3" * 26})
    stop.advance(proc.ProcessTable(), 2.0)
    assert child.wait(10) == -signal.SIGTERM


def test_old_spools_go_first(home: Home) -> None:
    for age, name in enumerate(("new", "mid", "old", "needed")):
        path = home.spool / f"{name}.out"
        path.write_bytes(b"x" * 100_000)
        stamp = time.time() - age * 1000
        os.utime(path, (stamp, stamp))
    deleted = prune_spools(home, needed={"needed"}, max_age_s=1e6, max_bytes=150_000)
    assert sorted(deleted) == ["mid", "old"]
    assert prune_spools(home, needed={"needed"}, max_age_s=-1, max_bytes=1e9) == ["new"]
    assert [path.name for path in home.spool.iterdir()] == ["needed.out"]


def test_what_was_given_back_of_a_spool_is_a_hole(home: Home) -> None:
    spool, output = Spool(home, "x"), home.spool / "x.out"
    output.write_bytes(b"x" * 100_000)
    inode = output.stat().st_ino
    spool.give_back(50_000)
    hole = spool.read(8192, 10, inode, holes=True).hole
    assert hole == 50_000 // 4096 * 4096 - 8192
    assert spool.read(8192 + hole, 10, inode).data == b"\0" * 10
    assert spool.read(60_000, 10, inode, holes=True) == Output(b"x" * 10, inode, unread=39_990)
