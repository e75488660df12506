"""Real scripts under the real runner, from the request file to the stored rows."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import StopRequest
from stepflow_tui.requests.runner import live_runner, start_runner
from stepflow_tui.runner import proc
from stepflow_tui.store import queries
from tests.house import wait_for
from tests.lateness import in_time

if TYPE_CHECKING:
    from tests.house import House

RESERVED_SIGNALS = 1 << 31 | 1 << 32
"""Of signals 32 and 33, which belong to the C library and which no program can set."""

FOUR_STEPS = r"""
echo STEP_START:Prepare
for i in $(seq 1 500); do echo "prepare $i"; done
echo STEP_COMPLETE:Prepare
echo STEP_START:Build
echo to stderr >&2
echo x >/dev/stderr
echo both | tee /dev/stderr
for i in $(seq 1 500); do echo "build $i"; done
echo STEP_START:Test
for i in $(seq 1 990); do printf 'test %d\r\n' "$i"; done
echo one > one.txt; echo two > two.txt
echo "ARTIFACT:one.txt:The first"
echo "ARTIFACT:two.txt [type=report]"
echo STEP_COMPLETE:Test
echo STEP_START:Deploy
printf 'no newline at the end'
"""


def test_a_script_of_four_steps(house: House) -> None:
    script = house.script(FOUR_STEPS)
    plain = house.scripts / "plain"
    os.system(f"cd {house.scripts} && {script} 2>&1 | cat > {plain}")  # noqa: S605 - our own path
    execution = house.run(script)
    assert (execution.status, execution.exit_code, execution.error) == (Status.COMPLETED, 0, None)
    assert house.log(execution) == plain.read_bytes()
    assert execution.line_count == 2003
    assert execution.byte_count == plain.stat().st_size
    steps = house.steps(execution)
    assert [(step.name, step.status, step.first_line, step.last_line) for step in steps] == [
        ("Prepare", Status.COMPLETED, 1, 502),
        ("Build", Status.COMPLETED, 503, 1007),
        ("Test", Status.COMPLETED, 1008, 2001),
        ("Deploy", Status.COMPLETED, 2002, 2003),
    ]
    assert [step.explicit_end for step in steps] == [True, False, True, False]
    first, second = house.read(queries.artifacts(execution.number))
    assert (first.name, first.description, first.step, first.size) == ("one.txt", "The first", 3, 4)
    assert (second.type, second.exists, second.reason) == ("report", True, None)
    assert second.stored is not None
    assert (house.home.root / second.stored).read_text() == "two\n"
    assert execution.started_at is not None
    assert execution.finished_at is not None
    assert execution.created_at <= execution.started_at <= execution.finished_at
    for step in steps:
        assert execution.started_at <= step.started_at <= (step.finished_at or 0)


def test_markers_behind_progress_bars_and_invisible_sequences(house: House) -> None:
    output = (
        b"\x1b]0;building\x07STEP_START:Build\r\n"
        b"\r 10% of it\r 50% of it\x1b[2K\x1b[1G\x1b[?25hSTEP_ERROR:bad\n"
        b"STEP_START:Sign\n50%\r::add-mask::hunter2\r100%\nkey hunter2\n"
    )
    (house.scripts / "output").write_bytes(output)
    execution = house.run("cat", house.scripts / "output")
    steps = house.steps(execution)
    assert [(step.name, step.status) for step in steps] == [
        ("Build", Status.FAILED),
        ("Sign", Status.COMPLETED),
    ]
    assert b"hunter2" not in house.log(execution)
    assert execution.warnings == ["exit code 0 although 1 of its steps failed: Build"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_told_of(house: House, encoding: str) -> None:
    text = "STEP_START:Build\r\nok\r\n" if "-16-" in encoding else "\u7d50\u679c\n"
    (house.scripts / "output").write_bytes(text.encode(encoding))
    execution = house.run("cat", house.scripts / "output")
    assert len(execution.warnings) == 1
    assert "UTF-16" in execution.warnings[0]


def test_a_list_that_ends_in_nul_bytes_is_not_utf_16(house: House) -> None:
    assert house.run("printf", "one\\0two\\0three\\0a\\0b\\0").warnings == []


@pytest.mark.parametrize(
    ("script", "status", "code", "number", "error"),
    [
        ("exit 0", Status.COMPLETED, 0, None, None),
        ("exit 3", Status.FAILED, 3, None, "exit code 3"),
        (
            "exit 137",
            Status.FAILED,
            137,
            None,
            "exit code 137: as after SIGKILL, often out of memory",
        ),
        ("kill -9 $$", Status.FAILED, 137, 9, "killed by SIGKILL"),
        ("kill -SEGV $$", Status.FAILED, 139, 11, "killed by SIGSEGV"),
        ("kill -TERM $$", Status.FAILED, 143, 15, "killed by SIGTERM"),
    ],
)
def test_how_it_ended(  # noqa: PLR0917 - the columns of the table
    house: House, script: str, status: Status, code: int, number: int | None, error: str | None
) -> None:
    execution = house.run("/bin/bash", "-c", script)
    assert (execution.status, execution.exit_code) == (status, code)
    assert (execution.signal, execution.error) == (number, error)
    assert house.log(execution) == b""


def test_bytes_are_stored_as_they_are(house: House) -> None:
    data = bytes(range(256)) * 3 + "né 漢字 🎉".encode() + b"\r50%\r100%\n" + b"\xff\xfe\0end"
    (house.scripts / "data").write_bytes(data)
    execution = house.run("cat", "data")
    assert house.log(execution) == data


def test_a_line_of_ten_megabytes(house: House) -> None:
    script = house.script(
        "#!/usr/bin/env python3\n"
        "print('STEP_START:Long')\n"
        "print('x' * 10_000_000)\n"
        "print('STEP_COMPLETE:Long')\n"
    )
    execution = house.run(script)
    assert (execution.line_count, execution.byte_count) == (3, 10_000_000 + 36)
    [step] = house.steps(execution)
    assert (step.first_line, step.last_line, step.explicit_end) == (1, 3, True)


def test_what_a_script_finds(house: House) -> None:
    script = house.script(
        r"""
        trap -p
        ls /proc/$$/fd
        readlink /proc/$$/fd/0
        umask
        pwd
        env | grep -E '^(STEPFLOW|PYTHONUNBUFFERED|FORCE_COLOR|CLICOLOR_FORCE|MINE|PWD)' | sort
        grep -E '^Sig(Blk|Ign)' /proc/self/status
        ps -o pid=,sid=,pgid= -p $$ | awk '{ print ($1 == $2 && $1 == $3) ? "own session" : "not" }'
        """
    )
    request = house.request(script, umask=0o027)
    request = replace(request, environment={**request.environment, "MINE": "é\udcff"})
    inbox.submit(house.home, request)
    house.start_runner()
    execution = house.wait(request.id)
    lines = house.log(execution).decode("utf-8", "surrogateescape").splitlines()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith("Sig")]
    assert [mask & ~RESERVED_SIGNALS for mask in masks] == [0, 0]  # blocked and ignored
    assert [line.strip() for line in lines if not line.startswith("Sig")] == [
        *["0", "1", "2", "255"],  # 255 is bash reading its script
        "/dev/null",
        "0027",
        str(house.scripts),
        "MINE=é\udcff",
        f"PWD={house.scripts}",
        "PYTHONUNBUFFERED=1",
        "STEPFLOW=1",
        f"STEPFLOW_EXECUTION_ID={execution.id}",
        "own session",
    ]


def test_no_colour_is_forced_on_what_a_script_reads(house: House) -> None:
    """`node -p` and many others colour a number where FORCE_COLOR is set, also for a script."""
    script = house.script('echo "${FORCE_COLOR-none} ${CLICOLOR_FORCE-none} ${NO_COLOR-none}"')
    assert house.log(house.run(script)) == b"none none none\n"


def test_a_secret_stays_with_the_script_that_needs_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the environment of the runner, the launcher, or the shim, its pump and its cat."""
    canary = new_id()
    monkeypatch.setenv("PIN", canary)  # its first client has it
    go = house.root / "go"
    os.mkfifo(go)
    request = house.request(house.script(f"echo $PIN; read x <{go}"), secrets=[canary])
    request = replace(request, environment={**request.environment, "PIN": canary})
    inbox.submit(house.home, request)
    house.start_runner()
    wait_for(lambda: house.log(house.wait_running(request.id)))

    def holders() -> list[str]:
        """The programs that have it."""
        return [
            _bytes_of(path.with_name("comm")).decode().strip()
            for path in Path("/proc").glob("[0-9]*/environ")
            if canary.encode() in _bytes_of(path)
        ]

    assert set(holders()) == {"script.sh"}
    go.write_text("go\n")
    assert house.log(house.wait(request.id)) == b"***\n"
    wait_for(lambda: not holders())


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


def test_a_shell_line_and_an_argument_list(house: House) -> None:
    line = "echo a b | tr a-z A-Z; echo $0"
    execution = house.run(line, shell=True)  # noqa: S604 - that is what is tested
    assert house.log(execution) == b"A B\n/bin/sh\n"
    argument = "; touch pwned; $(touch pwned) `touch pwned`\n-x"
    execution = house.run("printf", "%s|", argument, "--", "-e")
    assert house.log(execution).decode() == f"{argument}|--|-e|"
    assert not (house.scripts / "pwned").exists()


def test_a_terminal_on_demand(house: House) -> None:
    script = "test -t 1 && echo terminal; echo $SHELL; exit 4"
    request = house.request("/bin/sh", "-c", script, tty=True)
    request = replace(request, environment={**request.environment, "SHELL": "/bin/mine"})
    inbox.submit(house.home, request)
    house.start_runner()
    execution = house.wait(request.id)
    assert execution.exit_code == 4
    assert house.log(execution).replace(b"\r\n", b"\n") == b"terminal\n/bin/mine\n"


def test_a_missing_directory_is_said_and_does_not_hang(house: House) -> None:
    execution = house.run("true", cwd=str(house.scripts / "gone"))
    assert execution.status is Status.FAILED
    assert execution.error is not None
    assert "could not be started" in execution.error
    assert "gone" in execution.error


def test_a_request_from_nowhere_is_refused(house: House) -> None:
    house.start_runner()
    request = house.request("true")
    path = inbox.path_of(house.home, request.id, "run")
    path.with_suffix(".tmp").write_text("{not json")
    path.with_suffix(".tmp").rename(path)
    reason = wait_for(lambda: inbox.refusal(house.home, request))
    assert "not JSON" in reason
    assert not path.exists()
    assert house.run("true").status is Status.COMPLETED


def test_the_same_request_twice_is_one_execution(house: House) -> None:
    request = house.request("/bin/sh", "-c", f"echo once >> {house.root}/count")
    inbox.submit(house.home, request)
    house.start_runner()
    house.wait(request.id)
    inbox.submit(house.home, request)
    wait_for(lambda: not any(house.home.requests.glob("*.json")))
    house.run("true")
    assert (house.root / "count").read_text() == "once\n"
    assert len(house.read(queries.newest_executions(9))) == 2


def test_request_files_hold_the_environment_only_until_the_start(house: House) -> None:
    execution = house.submit("sleep", "30")
    house.wait_running(execution)
    wait_for(lambda: not any(house.home.requests.glob("*.json")))
    house.cancel(execution, force=True)
    house.wait(execution)


def test_a_background_job_that_holds_the_output(house: House) -> None:
    go = house.root / "go"
    os.mkfifo(go)
    script = house.script(f"echo before\n(read x < {go}; echo late) & \necho end")
    execution = house.run(script)
    assert execution.status is Status.COMPLETED
    assert execution.duration_ms is not None
    in_time(execution.duration_ms, 1500, "a script with a background job")
    [warning] = execution.warnings
    assert "still hold its output" in warning
    assert "script.sh (pid " in warning
    assert house.log(execution) == b"before\nend\n"
    go.write_text("now\n")

    def late() -> bool:
        return house.log(execution) == b"before\nend\nlate\n"

    wait_for(late)
    wait_for(lambda: not house.read(queries.open_streams()))
    again = house.find(execution.id)
    assert again is not None
    assert (again.end_line, again.line_count, again.status) == (2, 3, Status.COMPLETED)


def test_a_daemon_that_lets_go_of_the_output_is_kept(house: House) -> None:
    pid_file = house.root / "pid"
    script = house.script(
        f"setsid sleep 30 </dev/null >/dev/null 2>&1 & echo $! > {pid_file}; echo done"
    )
    execution = house.run(script)
    pid = int(pid_file.read_text())
    left = f"background processes that it left go on: sleep (pid {pid})"
    assert (execution.status, execution.warnings) == (Status.COMPLETED, [left])
    os.kill(pid, signal.SIGKILL)  # fails if it is not there


def test_nothing_is_left_where_that_was_asked_for(house: House) -> None:
    pid_file = house.root / "pid"
    script = house.script(
        f"setsid env -i sleep 30 </dev/null >/dev/null 2>&1 & echo $! > {pid_file}\n"
        "until [ $(cat /proc/$!/comm) = sleep ]; do :; done; exit 3"
    )
    execution = house.run(script, kill_leftovers=True)
    pid = int(pid_file.read_text())
    left = f"background processes that it left were stopped: sleep (pid {pid})"
    assert (execution.status, execution.exit_code) == (Status.FAILED, 3)
    assert execution.warnings == [left]
    assert proc.process(pid) is None


def test_stop_on_error_stops_the_whole_process(house: House) -> None:
    script = house.script(
        "echo 'STEP_START:Check [stop_on_error=true]'\necho STEP_ERROR:disk is broken\n"
        "sleep 30\necho never"
    )
    execution = house.run(script)
    assert execution.status is Status.FAILED
    assert execution.error == "stopped on error: disk is broken"
    [step] = house.steps(execution)
    assert (step.status, step.error) == (Status.FAILED, "disk is broken")
    assert b"never" not in house.log(execution)


def test_stop_on_error_fails_even_a_script_that_exits_well_at_once(house: House) -> None:
    error = "echo 'STEP_ERROR:broken [stop_on_error=true]'"
    execution = house.run(house.script(f"trap '' TERM\necho STEP_START:A\n{error}\nexit 0"))
    assert (execution.status, execution.exit_code) == (Status.FAILED, 0)


def test_a_failed_step_does_not_fail_an_exit_of_zero(house: House) -> None:
    execution = house.run("printf", "STEP_START:A\\nSTEP_ERROR:no matter\\n")
    assert (execution.status, execution.exit_code) == (Status.COMPLETED, 0)
    assert execution.warnings == ["exit code 0 although 1 of its steps failed: A"]


def test_a_timeout_of_the_execution(house: House) -> None:
    execution = house.run(house.script("echo STEP_START:Wait\nsleep 30"), timeout_s=0.3)
    assert (execution.status, execution.error) == (Status.TIMED_OUT, "timed out after 0.3 s")
    assert [step.status for step in house.steps(execution)] == [Status.TIMED_OUT]
    assert execution.duration_ms is not None
    assert execution.duration_ms >= 300
    in_time(execution.duration_ms, 5000, "a timeout of 300 ms")


def test_a_timeout_of_a_step(house: House) -> None:
    script = "echo STEP_START:A\necho 'STEP_START:B [timeout=0.3]'\nsleep 30"
    execution = house.run(house.script(script))
    assert (execution.status, execution.error) == (
        Status.FAILED,
        "step B timed out after 0.3 s",
    )
    assert [step.status for step in house.steps(execution)] == [
        Status.COMPLETED,
        Status.TIMED_OUT,
    ]


def test_cancelling(house: House) -> None:
    script = house.script(
        "echo STEP_START:Wait; trap 'echo cleaning up; exit 9' TERM; sleep 30 & wait"
    )
    execution = house.submit(script)
    running = house.wait_running(execution)
    wait_for(lambda: house.steps(running))
    house.cancel(execution)
    done = house.wait(execution)
    assert (done.status, done.error, done.exit_code) == (Status.CANCELLED, "cancelled", 9)
    assert b"cleaning up" in house.log(done)
    assert [step.status for step in house.steps(done)] == [Status.CANCELLED]
    wait_for(lambda: not any(house.home.requests.glob("*.json")))


def test_a_trap_has_the_grace_time_to_clean_up(house: House) -> None:
    """What a trap starts is not what was to be stopped."""
    script = house.script(
        "trap 'sleep 0.3; ls / >/dev/null; echo cleaned; exit 3' TERM\necho up\n"
        "while :; do sleep 0.05; done"
    )
    execution = house.submit(script)
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    house.cancel(execution)
    done = house.wait(execution)
    assert (done.status, done.exit_code) == (Status.CANCELLED, 3)
    assert house.log(done).endswith(b"cleaned\n")


def test_a_trap_under_a_terminal_has_it_too(house: House) -> None:
    script = house.script("trap 'sleep 0.3; echo cleaned; exit 3' TERM\necho up\nsleep 30 & wait")
    execution = house.submit(script, tty=True)
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    house.cancel(execution)
    done = house.wait(execution)
    assert (done.status, done.exit_code) == (Status.CANCELLED, 3)
    assert b"cleaned" in house.log(done)


def test_a_stopped_script_can_be_cancelled(house: House) -> None:
    execution = house.submit(house.script("echo $$; kill -STOP $PPID; kill -STOP $$"))
    running = house.wait_running(execution)
    pid = int(wait_for(lambda: house.log(running)))
    wait_for(lambda: (found := proc.process(pid)) and found.state == "T")
    house.cancel(execution)
    assert house.wait(execution).status is Status.CANCELLED


def test_a_stop_on_the_unfinished_last_line_counts(house: House) -> None:
    execution = house.run("printf", "STEP_START:a\\nSTEP_ERROR:x [stop_on_error=true]")
    assert (execution.status, execution.error) == (Status.FAILED, "stopped on error: x")
    assert [step.error for step in house.steps(execution)] == ["x"]


def test_an_artifact_on_the_unfinished_last_line_is_collected(house: House) -> None:
    (house.scripts / "art.txt").write_text("art")
    execution = house.run("printf", "ARTIFACT:art.txt")
    [artifact] = house.read(queries.artifacts(execution.number))
    assert (artifact.reason, artifact.size) == (None, 3)


def test_lost_output_is_said(house: House) -> None:
    script = house.script(
        "trap '' PIPE\nuntil pkill -KILL -s $PPID -x cat; do :; done\nsleep 0.1\necho lost\nexit 0"
    )
    execution = house.run(script)
    assert execution.status is Status.COMPLETED
    assert execution.warnings == [
        "its log is incomplete: the output could not be written (disk full?)"
    ]


def test_the_whole_environment_comes_through_the_shell(house: House) -> None:
    request = house.request("/usr/bin/env", "-0")
    odd = {
        "my.prop": "1 2",
        "BASH_FUNC_f%%": "() { echo ok\n}",
        "x-y": "=",
        "1x": "",
        "IFS": ":",
        "PPID": "7",
        "cat": "mine",
        "setsid": "mine",
    }
    request = replace(request, environment={**request.environment, **odd})
    inbox.submit(house.home, request)
    house.start_runner()
    pairs = house.log(house.wait(request.id)).decode().split("\0")
    found = dict(pair.split("=", 1) for pair in pairs if pair)
    assert {name: found.get(name) for name in odd} == odd


def test_a_script_whose_shim_was_killed_is_recorded_on(house: House) -> None:
    go = house.root / "go"
    os.mkfifo(go)
    execution = house.submit(house.script(f"echo $PPID; read x < {go}; echo late"))
    running = house.wait_running(execution)
    os.kill(int(wait_for(lambda: house.log(running))), signal.SIGKILL)
    assert house.wait(execution).status is Status.LOST
    go.write_text("go\n")
    wait_for(lambda: house.log(running).endswith(b"late\n"))
    wait_for(lambda: not house.read(queries.open_streams()))


def test_stopping_the_runner_does_not_wait_for_leftovers(house: House) -> None:
    execution = house.run(house.script("sleep 60 & echo done"))
    assert execution.status is Status.COMPLETED
    inbox.submit(house.home, StopRequest(new_id(), cancel_all=True))
    wait_for(lambda: live_runner(house.home) is None, patience_s=10)


def test_a_runner_in_no_mood_to_wait_still_serves(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_IDLE_EXIT", "0")
    request = house.request("true")
    inbox.submit(house.home, request)
    start_runner(house.home)
    assert house.wait(request.id, patience_s=20).status is Status.COMPLETED
    wait_for(lambda: live_runner(house.home) is None)


ESCAPEES = r"""
mark() { echo "$$ $1" >> "$PIDS"; }
spawn='echo $$ >> "$PIDS"; exec sleep 300'
sh -c "$spawn" &
setsid sh -c "$spawn" &
setsid sh -c "sh -c '$spawn' &" &
nohup sh -c "$spawn" >/dev/null 2>&1 &
setsid env -i PIDS="$PIDS" PATH="$PATH" sh -c "$spawn" </dev/null >/dev/null 2>&1 &
setsid sh -c 'trap "" TERM; echo $$ >> "$PIDS"; while :; do sleep 1; done' &
echo $$ >> "$PIDS"
wait; sleep 300
"""


def test_nothing_survives_a_cancel(house: House) -> None:
    pids = house.root / "pids"
    pids.touch()
    request = house.request(house.script(ESCAPEES))
    request = replace(request, environment={**request.environment, "PIDS": str(pids)})
    inbox.submit(house.home, request)
    house.start_runner()
    wait_for(lambda: len(pids.read_text().split()) == 7)
    house.cancel(request.id, force=True)
    assert house.wait(request.id).status is Status.CANCELLED
    assert [proc.process(int(pid)) for pid in pids.read_text().split()] == [None] * 7


def test_a_pending_execution_can_be_cancelled(house: House) -> None:
    request = house.request("sh", "-c", f"touch {house.root}/ran")
    inbox.submit(house.home, request)
    house.cancel(request.id)
    house.start_runner()
    done = house.wait(request.id)
    assert done.status in (Status.CANCELLED, Status.COMPLETED)
    assert (house.root / "ran").exists() == (done.status is Status.COMPLETED)


def test_cancelling_what_does_not_exist_is_refused(house: House) -> None:
    runner = house.start_runner()
    assert runner.pid
    house.cancel("0" * 26)
    wait_for(lambda: any(house.home.refused.iterdir()))


def test_secret_looking_values_are_not_stored(house: House) -> None:
    secret = "hunter2-canary"
    request = house.request("true", env={"API_TOKEN": secret, "MODE": "fast"})
    request = replace(request, environment={**request.environment, "API_TOKEN": secret})
    inbox.submit(house.home, request)
    house.start_runner()
    execution = house.wait(request.id)
    assert execution.env == {"API_TOKEN": "***", "MODE": "fast"}
    house.kill_runner(signal.SIGTERM)
    for path in house.home.root.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_all_files_are_private(house: House) -> None:
    house.run(house.script("echo hi; touch a; echo ARTIFACT:a"))
    for path in [house.home.root, *house.home.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_runner_with_nothing_to_do_leaves(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPFLOW_IDLE_EXIT", "0.3")
    house.run("true")
    wait_for(lambda: live_runner(house.home) is None)
    assert house.run("true").number == 2


def test_a_runner_told_to_leave_leaves_scripts_alone(house: House) -> None:
    go = house.root / "go"
    os.mkfifo(go)
    execution = house.submit(house.script(f"echo one; read x < {go}; echo two; exit 5"))
    house.wait_running(execution)
    house.kill_runner(signal.SIGTERM)
    go.write_text("now\n")
    house.start_runner()
    done = house.wait(execution)
    assert (done.exit_code, house.log(done)) == (5, b"one\ntwo\n")


def test_a_killed_shim_is_lost_not_failed(house: House) -> None:
    execution = house.submit(house.script("echo $PPID; sleep 300"))
    running = house.wait_running(execution)
    shim = int(wait_for(lambda: house.log(running)))
    os.kill(shim, signal.SIGKILL)
    done = house.wait(execution)
    assert (done.status, done.error) == (Status.LOST, "lost: its shim was killed")
    assert done.exit_code is None


def test_only_one_runner_lives(house: House) -> None:
    first = house.start_runner()
    for _ in range(5):
        start_runner(house.home)
    house.run("true")
    log = house.home.runner_log
    wait_for(lambda: log.read_text().count("another runner is alive; leaving") == 5)
    assert live_runner(house.home) == first
