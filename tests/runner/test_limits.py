"""What keeps a script within limits and its secrets out of sight, from the command line on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store import queries
from tests.house import wait_for

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from tests.house import House

ROOT = Path(__file__).parents[2]


def stepflow(house: House, *arguments: str, preparation: str = "", **environ: str) -> str:
    """Run the command line, through a shell that runs `preparation` before."""
    done = subprocess.run(
        [
            *("/bin/sh", "-c", f'{preparation}\nexec "$@"', "sh"),
            *(sys.executable, "-m", "stepflow_tui", *arguments),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=house.scripts,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "STEPFLOW_HOME": str(house.home.root),
            **environ,
        },
    )
    return done.stdout


def run(house: House, *arguments: str, preparation: str = "", **environ: str) -> Execution:
    number = stepflow(house, "run", "-d", *arguments, preparation=preparation, **environ)
    (found,) = wait_for(lambda: house.read(queries.execution(int(number))))
    return house.wait(found.id)


def test_a_script_has_the_limits_of_its_caller_not_of_the_runner(house: House) -> None:
    nice = os.nice(0)
    limited = f"ulimit -S -n 400 -c 8 -f 90000; renice -n {nice + 4} $$"
    stepflow(house, "runner", "start", preparation=limited)
    runner = live_runner(house.home)
    assert runner is not None
    assert os.getpriority(os.PRIO_PROCESS, runner.pid) == nice + 4
    script = house.script("ulimit -S -n; ulimit -H -n; ulimit -S -c; ulimit -S -f; nice")
    caller = f"ulimit -S -n 77; ulimit -H -n 88; ulimit -S -c 3; renice -n {nice + 6} $$ >&2"
    execution = run(house, str(script), preparation=caller)
    assert house.log(execution).decode().split() == [
        "77",
        "88",
        "1",
        "unlimited",
        str(nice + 6),
    ]
    if os.geteuid() == 0:
        execution = run(house, "nice")
        assert house.log(execution) == f"{nice}\n".encode()


def test_memory_has_an_end(house: House) -> None:
    code = "bytearray(10**9)"
    execution = run(house, "--limit-memory", "500MB", sys.executable, "-c", code)
    assert (execution.status, execution.exit_code) == (Status.FAILED, 1)
    assert b"MemoryError" in house.log(execution)  # newer Pythons colour it
    assert execution.limits == {"memory": 500_000_000}


def test_files_have_an_end_and_the_log_has_none(house: House) -> None:
    script = house.script(
        "head -c 5000000 /dev/zero | tr '\\0' x; echo; head -c 2000000 /dev/zero >big; echo $?"
    )
    execution = run(house, "--limit-file-size", "1MB", str(script))
    lines = house.log(execution).splitlines()
    assert (lines[0], lines[-1]) == (b"x" * 5_000_000, b"153")
    assert (house.scripts / "big").stat().st_size == 1_000_448
    assert execution.warnings == []


def test_processor_time_has_an_end(house: House) -> None:
    execution = run(house, "--limit-cpu", "0.5", "-s", "while :; do :; done")
    assert (execution.status, execution.exit_code) == (Status.FAILED, 152)
    assert execution.error in {"killed by SIGXCPU", "exit code 152: as after SIGXCPU"}
    assert execution.duration_ms is not None
    assert execution.duration_ms >= 900


def test_limits_under_a_terminal(house: House) -> None:
    script = house.script("ulimit -v; ulimit -f; nice; test -t 1 && echo terminal")
    limits = ("--limit-memory", "2GiB", "--limit-file-size", "1MiB", "--nice", "9")
    execution = run(house, "--tty", *limits, str(script))
    assert house.log(execution).split() == [b"2097152", b"1024", b"9", b"terminal"]


def test_a_script_in_limits_sees_no_more_than_others(house: House) -> None:
    limits = ("--limit-memory", "2GiB", "--limit-file-size", "1MiB", "--nice", "9")
    execution = run(house, *limits, "-s", "ls /proc/$$/fd; env | grep -c '^sf_'")
    assert house.log(execution).split() == [b"0", b"1", b"2", b"0"]


def test_secrets_are_out_of_sight(house: House, tmp_path: Path) -> None:
    secrets = {name: f"canary-{new_id()}" for name in ("VARIABLE", "PAIR", "FILE", "npm:_token")}
    file, go, up = tmp_path / "file", tmp_path / "go", tmp_path / "up"
    file.write_text(f"{secrets['FILE']}\n")
    os.mkfifo(go)
    number = stepflow(
        house,
        *("run", "-d", "-e", f"PAIR={secrets['PAIR']}", "--secret", "PAIR"),
        *("-e", f"npm:_token={secrets['npm:_token']}", "--secret", "npm:_token"),
        *("--secret", "VARIABLE", "--secret-file", str(file)),
        *("-s", f"touch {up}; read go <{go}; echo $PAIR $VARIABLE; cat {file}"),
        VARIABLE=secrets["VARIABLE"],
    )
    wait_for(up.exists)
    wait_for(lambda: not list(house.home.requests.glob("*.json")))
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        assert not any(secret in _text(path) for secret in secrets.values()), path
    go.write_text("go\n")
    (execution,) = house.read(queries.execution(int(number)))
    done = house.wait(execution.id)
    assert done.env == dict.fromkeys(("PAIR", "VARIABLE", "npm:_token"), "***")
    assert house.log(done) == b"*** ***\n***\n"
    for path in house.home.root.rglob("*"):
        # What comes from the script itself is as it was there, for a day.
        if path.is_file() and path.suffix not in {".out", ".masks"}:
            assert not any(secret in _text(path) for secret in secrets.values()), path


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


@pytest.mark.parametrize(
    "word", ["'; touch pwned; '", "$(touch pwned)", "`touch pwned`", "\n-x", "%s\\"]
)
def test_what_a_user_gives_is_no_command(house: House, word: str) -> None:
    limits = (
        "--limit-memory",
        "2GiB",
        "--nice",
        "1",
        "-e",
        f"odd.name={word}",
        "-e",
        f"PLAIN={word}",
    )
    code = "import os, sys; print(sys.argv[1:], os.environ['odd.name'], os.environ['PLAIN'])"
    execution = run(house, *limits, "--", sys.executable, "-c", code, word)
    assert house.log(execution).decode() == f"{[word]} {word} {word}\n"
    assert not (house.scripts / "pwned").exists()


def test_leftovers_are_killed_on_demand(house: House) -> None:
    script = house.script("sleep 60 >/dev/null 2>&1 & echo $!")
    kept = run(house, str(script))
    pid = int(house.log(kept))
    assert Path(f"/proc/{pid}").exists()
    stopped = run(house, "--kill-leftovers", str(script))
    assert stopped.kill_leftovers
    assert stopped.status is Status.COMPLETED
    left = Path(f"/proc/{int(house.log(stopped))}")
    wait_for(lambda: not left.exists() or "\nState:\tZ" in (left / "status").read_text())
