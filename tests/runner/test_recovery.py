"""A new runner takes up what the old one left, whatever happened in between."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.runner.spool import LOCK, Spool
from stepflow_tui.store import queries
from tests.house import House, wait_for
from tests.lateness import in_time

if TYPE_CHECKING:
    import pytest


def gated(house: House, before: str, after: str) -> tuple[str, Path]:
    """Start a script that does `before`, waits for somebody to write to the gate, then `after`."""
    gate = house.root / "gate"
    os.mkfifo(gate)
    script = house.script(f"{before}\nread x < {gate}\n{after}")
    execution = house.submit(script)
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    return execution, gate


def shim_is_gone(house: House, execution: str) -> bool:
    start = Spool(house.home, execution).start()
    return start is not None and not start.is_alive()


def test_a_script_that_ended_without_a_runner(house: House) -> None:
    execution, gate = gated(house, "echo STEP_START:One", "echo two\nexit 6")
    house.kill_runner()
    gate.write_text("go\n")
    wait_for(lambda: shim_is_gone(house, execution))
    house.start_runner()
    done = house.wait(execution)
    assert (done.status, done.exit_code) == (Status.FAILED, 6)
    assert house.log(done) == b"STEP_START:One\ntwo\n"
    assert [step.status for step in house.steps(done)] == [Status.FAILED]


def test_when_it_ended_counts_not_when_that_was_noticed(house: House) -> None:
    execution, gate = gated(house, "echo hi", "exit 0")
    house.kill_runner()
    gate.write_text("go\n")
    wait_for(lambda: shim_is_gone(house, execution))
    exit_file = house.home.spool / f"{execution}.exit"
    hour_ago = exit_file.stat().st_mtime - 3600
    os.utime(exit_file, (hour_ago, hour_ago))
    house.start_runner()
    done = house.wait(execution)
    assert done.finished_at is not None
    assert abs(done.finished_at / 1000 - hour_ago) < 1
    assert done.duration_ms == 0


def test_what_held_the_output_does_not_move_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_DRAIN", "0.5")
    release = house.root / "release"
    os.mkfifo(release)
    execution, gate = gated(house, "echo hi", f"(read x < {release}; echo late) &\nexit 3")
    house.kill_runner()
    gate.write_text("go\n")
    spool = Spool(house.home, execution)
    wait_for(spool.exit)
    ended_ms = wait_for(spool.written_at)
    time.sleep(2)  # longer than the setting
    release.write_text("go\n")
    wait_for(lambda: shim_is_gone(house, execution))
    house.start_runner()
    done = house.wait(execution)
    assert (done.status, done.exit_code) == (Status.FAILED, 3)
    assert done.finished_at is not None
    assert abs(done.finished_at - ended_ms) < 100
    assert done.started_at is not None
    assert done.duration_ms is not None
    assert abs(done.duration_ms - (ended_ms - done.started_at)) < 100
    [warning] = done.warnings
    assert warning.startswith("ended while background processes still held its output, for ")
    assert house.log(done) == b"hi\nlate\n"


def test_an_exit_file_of_an_older_shim_tells_the_end(house: House) -> None:
    execution, gate = gated(house, "echo hi", "exit 4")
    house.kill_runner()
    gate.write_text("go\n")
    wait_for(lambda: shim_is_gone(house, execution))
    exit_file = house.home.spool / f"{execution}.exit"
    exit_file.write_bytes(b"4\ndrained 0\n")
    hour_ago = exit_file.stat().st_mtime - 3600
    os.utime(exit_file, (hour_ago, hour_ago))
    house.start_runner()
    done = house.wait(execution)
    assert done.finished_at is not None
    assert abs(done.finished_at / 1000 - hour_ago) < 1
    assert (done.exit_code, done.warnings) == (4, [])


def test_after_a_reboot_the_exit_file_still_tells_the_end(house: House) -> None:
    execution, gate = gated(house, "echo hi", "sleep 1; exit 4")
    house.kill_runner()
    gate.write_text("go\n")
    wait_for(lambda: shim_is_gone(house, execution))
    spool = Spool(house.home, execution)
    ended_ms = spool.written_at()
    lock = house.home.spool / f"{execution}{LOCK}"
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "boot_id": "another boot"}))
    with (house.home.spool / f"{execution}.exit").open("r+b") as file:
        file.seek(255)
        file.write(b"\0")  # written later than the end
    house.start_runner()
    done = house.wait(execution)
    assert done.finished_at is not None
    assert ended_ms is not None
    assert abs(done.finished_at - ended_ms) < 1000
    assert done.exit_code == 4


def test_a_marker_cut_in_two_by_the_death_of_the_runner(house: House) -> None:
    execution, gate = gated(house, "printf STEP_STA", "echo RT:Whole; echo x")
    house.kill_runner()
    house.start_runner()
    gate.write_text("go\n")
    done = house.wait(execution)
    assert [(step.name, step.first_line) for step in house.steps(done)] == [("Whole", 1)]


def test_after_a_reboot_it_is_lost_and_nobody_is_signalled(house: House) -> None:
    execution, _ = gated(house, "echo alive", "echo never")
    house.kill_runner()
    lock = house.home.spool / f"{execution}{LOCK}"
    content = json.loads(lock.read_text())
    lock.write_text(json.dumps({**content, "boot_id": "another boot"}))
    house.start_runner()
    done = house.wait(execution)
    assert (done.status, done.error) == (Status.LOST, "lost: the machine was restarted")
    assert house.log(done) == b"alive\n"
    os.kill(content["pid"], 0)  # whoever has this pid now was left alone


def test_a_request_that_was_accepted_but_not_started_is_started(house: House) -> None:
    house.run("true")
    house.kill_runner()
    request = house.request("/bin/sh", "-c", f"echo ran >> {house.root}/ran")
    inbox.submit(house.home, request)
    house.start_runner()
    assert house.wait(request.id).status is Status.COMPLETED
    assert (house.root / "ran").read_text() == "ran\n"


def test_a_cancel_that_came_while_no_runner_lived(house: House) -> None:
    execution, _ = gated(house, "echo hi", "echo never")
    house.kill_runner()
    house.cancel(execution)
    house.start_runner()
    assert house.wait(execution).status is Status.CANCELLED


def test_a_cancel_goes_on_under_a_new_runner(house: House) -> None:
    execution = house.submit(house.script("trap '' TERM\necho hi\nwhile :; do sleep 1; done"))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    house.cancel(execution)

    def is_stopping() -> bool:
        found = house.find(execution)
        return found is not None and found.stopping is Status.CANCELLED

    wait_for(is_stopping)
    house.kill_runner()
    os.environ["STEPFLOW_GRACE"] = "0.2"
    house.start_runner()
    assert house.wait(execution).status is Status.CANCELLED


def test_a_new_runner_leaves_what_cleans_up_alone(house: House) -> None:
    began = house.root / "began"
    clean_up = f"sh -c 'touch {began}; sleep 3; echo cleaned'"
    script = f'trap "{clean_up}; exit 9" TERM\necho hi\nwhile :; do sleep 0.02; done'
    execution = house.submit(house.script(script))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    house.cancel(execution)
    wait_for(began.exists)
    house.kill_runner()
    house.start_runner()
    done = house.wait(execution)
    assert (done.status, done.exit_code) == (Status.CANCELLED, 9)
    assert house.log(done).endswith(b"cleaned\n")  # bash may say before how its sleep ended


def test_a_timeout_holds_across_a_restart(house: House) -> None:
    execution = house.submit(house.script("echo hi\nsleep 60"), timeout_s=1.0)
    house.wait_running(execution)
    house.kill_runner()
    house.start_runner()
    done = house.wait(execution)
    assert done.status is Status.TIMED_OUT
    assert done.duration_ms is not None
    assert done.duration_ms >= 1000
    in_time(done.duration_ms, 6000, "a timeout of 1,000 ms")


def test_stop_on_error_holds_across_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_GRACE", "60")
    script = "trap '' TERM\necho STEP_START:A\necho 'STEP_ERROR:bad [stop_on_error=true]'\nsleep 60"
    execution = house.submit(house.script(f"{script} & wait; sleep 60"))
    running = house.wait_running(execution)
    wait_for(lambda: any(step.error for step in house.steps(running)))
    house.kill_runner()
    monkeypatch.setenv("STEPFLOW_GRACE", "0.1")
    house.start_runner()
    done = house.wait(execution)
    assert (done.status, done.error) == (Status.FAILED, "stopped on error: bad")


def test_an_artifact_whose_collection_was_cut_is_collected_again(house: House) -> None:
    execution, gate = gated(
        house, "echo hi", "head -c 300000000 /dev/zero > big; echo ARTIFACT:big"
    )
    gate.write_text("go\n")
    running = house.wait_running(execution)
    wait_for(lambda: house.read(queries.artifacts(running.number)))
    house.kill_runner()
    house.start_runner()
    done = house.wait(execution)
    [artifact] = house.read(queries.artifacts(done.number))
    assert (artifact.size, artifact.reason) == (300_000_000, None)
    assert artifact.stored is not None
    assert (house.home.root / artifact.stored).stat().st_size == 300_000_000


def test_a_spool_that_was_tampered_with_is_reported_not_read_again(house: House) -> None:
    execution, gate = gated(house, "echo one", "echo two")
    (house.home.spool / f"{execution}.out").write_bytes(b"")

    def warnings() -> list[str]:
        found = house.find(execution)
        return found.warnings if found else []

    [warning] = wait_for(warnings)
    assert "truncated from outside to 0 bytes, 4 were read before" in warning
    gate.write_text("go\n")
    done = house.wait(execution)
    assert house.log(done) == b"one\n"


def test_a_launcher_that_died_is_replaced(house: House) -> None:
    runner = house.start_runner()
    house.run("true")
    children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text()
    for child in children.split():
        os.kill(int(child), signal.SIGKILL)
    assert house.run("true").status is Status.COMPLETED


def test_a_start_lock_is_taken_once(house: House) -> None:
    from stepflow_tui.runner.launcher import take_lock

    prefix = str(house.home.spool / ("0" * 26))
    assert take_lock(prefix)
    assert not take_lock(prefix)
    assert [path.name for path in house.home.spool.iterdir()] == [f"{'0' * 26}.lock"]


def test_a_cancel_that_came_before_the_start_and_was_cut(house: House) -> None:
    from stepflow_tui.runner.launcher import take_lock

    house.run("true")
    house.kill_runner()
    request = house.request("/bin/sh", "-c", f"echo ran >> {house.root}/ran")
    inbox.submit(house.home, request)
    assert take_lock(str(house.home.spool / request.id))  # by a runner that died with that
    house.start_runner()
    done = house.wait(request.id)
    assert (done.status, done.started_at, done.error) == (Status.CANCELLED, None, "cancelled")
    assert not (house.root / "ran").exists()


def test_a_run_whose_log_has_ended_too_early_is_followed_to_its_end(house: House) -> None:
    execution, gate = gated(house, "echo hi", "exit 7")
    os.truncate(house.home.spool / f"{execution}.out", 1)
    wait_for(lambda: (found := house.find(execution)) and found.warnings)
    house.kill_runner()
    house.start_runner()
    gate.write_text("go\n")
    done = house.wait(execution, 10)
    assert (done.status, done.exit_code) == (Status.FAILED, 7)
    cut = "the spool was truncated from outside to 1 bytes, 3 were read before"
    assert done.warnings == [f"{cut}; its log ends here"]


def test_a_damaged_start_lock_is_said(house: House) -> None:
    execution, gate = gated(house, "echo hi", "exit 7")
    house.kill_runner()
    (house.home.spool / f"{execution}.lock").write_bytes(b"\xff\x00")
    house.start_runner()
    done = house.wait(execution, 10)
    assert (done.status, done.error) == (Status.LOST, "lost: its start lock is damaged")
    wait_for(lambda: not house.read(queries.open_streams()))
    gate.write_text("go\n")
