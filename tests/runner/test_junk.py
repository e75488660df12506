"""Things in the home that are not ours: set aside with a reason, and everything else goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.clock import now
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.core.settings import Settings
from stepflow_tui.requests import inbox
from stepflow_tui.runner.cleaning import Cleaning
from stepflow_tui.runner.timers import Timers
from stepflow_tui.runner.trusted_clock import TrustedClock
from stepflow_tui.store.writer import Writer
from tests.house import House, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def directory(path: Path) -> None:
    path.mkdir()
    (path / "inside").touch()


def socket_file(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        directory = os.open(path.parent, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{directory}/{path.name}")  # its own path is too long
        os.close(directory)


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def brackets(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


def lock_of(**changes: object) -> Callable[[Path], None]:
    lock = {"boot_id": "x", "pid": 1, "start": 1, "wall_ms": 1, "mono_ms": 1} | changes

    def infinite(path: Path) -> None:
        path.write_text(json.dumps(lock).replace("Infinity", "1e999"))

    return infinite


KINDS = [
    directory,
    os.mkfifo,
    socket_file,
    link,
    dangling,
    brackets,
    lock_of(pid=float("inf")),
    lock_of(wall_ms=10**400),
    lock_of(pid=-1),
    lock_of(request={"id": [[]] * 3}),
    lock_of(request=7),
    lock_of(directory="zz"),
]


@pytest.mark.parametrize("make", KINDS)
def test_junk_in_the_spool_directory(house: House, make: Callable[[Path], None]) -> None:
    spool = house.home.spool
    names = [*(f"{new_id()}{suffix}" for suffix in (".lock", ".out", ".exit", ".masks")), "x.lock"]
    names.append(os.fsdecode(b"\xff.lock"))
    for name in names:
        make(spool / name)
    done = house.run("echo", "hi")
    assert (done.status, house.log(done)) == (Status.COMPLETED, b"hi\n")
    for name in (names[0], *names[-2:]):
        assert not os.path.lexists(spool / name)
        assert (spool / "set-aside" / f"{name}.reason").read_text()
    pid = house.start_runner().pid
    house.kill_runner(signal.SIGTERM)
    assert house.run("true").status is Status.COMPLETED
    assert house.start_runner().pid != pid


@pytest.mark.parametrize("make", KINDS)
def test_junk_among_the_requests(house: House, make: Callable[[Path], None]) -> None:
    request = house.request("true")
    path = inbox.path_of(house.home, request.id, "run")
    make(path)
    for name in ("junk", os.fsdecode(b"\xff.run.json"), f"{new_id()}.unknown.json"):
        make(house.home.requests / name)
    assert house.run("true").status is Status.COMPLETED
    wait_for(lambda: inbox.refusal(house.home, request))
    assert not os.path.lexists(path)
    assert house.run("true").status is Status.COMPLETED


@pytest.mark.parametrize("make", [directory, os.mkfifo, link, dangling, brackets])
def test_junk_in_place_of_the_refused_requests(house: House, make: Callable[[Path], None]) -> None:
    request = house.request("true")
    bad = inbox.path_of(house.home, request.id, "run")
    pid = house.start_runner().pid
    os.kill(pid, signal.SIGSTOP)  # or it would make the directory again at once
    house.home.refused.rmdir()
    make(house.home.refused)
    os.kill(pid, signal.SIGCONT)
    bad.write_text("no request")
    assert house.run("true").status is Status.COMPLETED
    wait_for(lambda: not bad.exists())
    assert house.start_runner().pid == pid


@pytest.mark.parametrize("make", KINDS)
def test_junk_that_is_old_hinders_no_cleaning(house: House, make: Callable[[Path], None]) -> None:
    home, execution = house.home, new_id()
    (home.spool / f"{execution}.out").touch()
    os.utime(home.spool / f"{execution}.out", (1, 1))
    for name in (f"{execution}.lock", f"{execution}.exit", f"{new_id()}.out"):
        make(home.spool / name)
    make(home.requests / ".x.tmp")
    make(home.refused / "x")
    timers = Timers()
    trusted = TrustedClock(Writer(home.database))
    trusted.confirmed_ms = now().wall_ms
    Cleaning(home, Settings(), timers, trusted, needed=(), may_clean=lambda: True).clean_regularly()
    assert not (home.spool / f"{execution}.out").exists()
