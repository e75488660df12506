"""Commands whose standard streams, or working directory, are not as they should be."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.store.queries import executions_with_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.recording import Recording
    from tests.house import House

PROGRAM = f"{sys.executable} -m stepflow_tui"
HINT = "stepflow: the dashboard needs a terminal; other commands: stepflow --help\n"

READING = (
    *("--help", "run --help", "--version", "list", "list --json", "", "show 1", "show --json 1"),
    *("logs 1", "logs --raw 1", "logs --timestamps 1", "watch 1", "watch --compact 1", "health"),
    *("health --json", "compare 2 1", "config path"),
    *("config show", "completion bash", "runner install --print"),
)
"""Commands that write to standard output, and change nothing."""


@pytest.fixture
def recorded(recording: Recording) -> Recording:
    for _ in range(2):
        number = recording.add(status=Status.RUNNING).number
        recording.log(number, b"STEP_START:a\n" + b"line\n" * 20_000)
        recording.step(number, 1, "a", (1, 20_001))
        recording.finish(number)
    return recording


def play(command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell."""
    return subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


@pytest.mark.parametrize("arguments", READING)
@pytest.mark.parametrize(
    ("target", "reason"),
    [(">/dev/full", "No space left on device"), ("1</dev/null", "Bad file descriptor")],
)
@pytest.mark.usefixtures("recorded")
def test_what_cannot_be_written_is_said_without_a_number(
    arguments: str, target: str, reason: str
) -> None:
    done = play(f"{PROGRAM} {arguments} {target}")
    said = f"stepflow: cannot write to standard output: {reason}\n"
    assert done.stderr.endswith(said)
    assert "rrno" not in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("arguments", READING)
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.usefixtures("recorded")
def test_a_pipe_that_nobody_reads_is_quiet(arguments: str, unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [*PROGRAM.split(), *arguments.split()],
            stdin=subprocess.DEVNULL,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert done.stderr.replace(HINT, "") == ""
    assert done.returncode == 141


@pytest.mark.parametrize("arguments", [*READING, "show 9", "lst", "list --nope"])
@pytest.mark.parametrize("target", ["2>/dev/full", "2>&-", "2> >(exec 0<&-)"])
@pytest.mark.usefixtures("recorded")
def test_an_exit_code_does_not_depend_on_who_hears_the_words(arguments: str, target: str) -> None:
    expected = play(f"{PROGRAM} {arguments}")
    done = play(f"{PROGRAM} {arguments} {target}")
    assert done.returncode == expected.returncode
    if not arguments.startswith("health"):  # which tells the time
        assert done.stdout == expected.stdout


FULL = "stepflow: cannot write to standard output: No space left on device"


def test_who_cannot_print_a_run_says_that_it_goes_on(house: House) -> None:
    home = f"--home {house.home.root}"
    done = play(f"{PROGRAM} {home} run -n long sh -c 'echo begun; exec sleep 60' >/dev/full")
    follow = "follow with: stepflow watch 1, stop with: stepflow cancel 1"
    assert (done.returncode, done.stderr) == (1, f"{FULL}; #1 long goes on; {follow}\n")
    for command in ("watch 1", "watch --compact 1"):
        done = play(f"{PROGRAM} {home} {command} >/dev/full")
        assert (done.returncode, done.stderr) == (1, f"{FULL}; #1 long goes on; {follow}\n")
    [running] = house.read(executions_with_prefix("0"))
    assert running.status is Status.RUNNING


@pytest.mark.parametrize("command", ["run -d sleep 60", "run -d --json sleep 60", "rerun -d 1"])
def test_a_number_that_cannot_be_printed_is_said(house: House, command: str) -> None:
    first = house.run("sleep", "0")
    number = first.number + 1
    done = play(f"{PROGRAM} --home {house.home.root} {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{FULL}; #{number} sleep goes on; follow with: stepflow watch")


def test_a_run_whose_follower_cannot_speak_is_followed_to_its_end(house: House) -> None:
    command = f"{PROGRAM} --home {house.home.root} run sh -c 'echo one; exit 3'"
    for target in ("2>/dev/full", "2>&-", "2> >(exec 0<&-)"):
        done = play(f"{command} {target}")
        assert done.returncode == 3
        assert "one" in done.stdout.splitlines()


def test_output_that_does_not_block_is_written_whole(recorded: Recording) -> None:
    """As when another program has set the pipe or the terminal that it shares with us so."""
    reading, writing = os.pipe2(os.O_NONBLOCK)
    os.set_blocking(reading, True)
    for unbuffered in ("", "1"):
        with subprocess.Popen(
            [*PROGRAM.split(), "logs", "1"],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        ) as process:
            size, expected = 0, recorded.find(1).byte_count
            while size < expected and process.poll() is None:
                size += len(os.read(reading, 4096))
            assert process.wait() == 0
            assert size + len(_rest(reading)) == expected
    os.close(reading)
    os.close(writing)


def _rest(reading: int) -> bytes:
    os.set_blocking(reading, False)
    try:
        return os.read(reading, 1 << 20)
    except BlockingIOError:
        return b""
    finally:
        os.set_blocking(reading, True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "cp037", "ascii"])
def test_any_encoding_is_written_right(recorded: Recording, encoding: str) -> None:
    recorded.add(name="émile")
    done = subprocess.run(
        [*PROGRAM.split(), "watch", "2"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    lines = done.stdout.decode(encoding).splitlines()
    assert (lines[0], lines[2], lines[-1][:20]) == (
        "run #2 build started",
        "line",
        "run #2 build complet",
    )
    assert "\ufeff" not in "".join(lines)


GONE = "in a working directory that is gone"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("backup rel.db", 2, f"rel.db lies {GONE}; give the whole path, or go to another"),
        ("--home rel list", 2, f"rel lies {GONE}; "),
        ("list --home rel", 2, f"rel lies {GONE}; "),
        ("runner run --home rel", 2, f"rel lies {GONE}; "),
        ("run true", 2, "the working directory is gone; name another with -C"),
        ("run -C . true", 2, "the working directory is gone; name another with -C"),
        ("run -C sub true", 2, "the working directory is gone; name another with -C"),
        ("run --secret-file rel -C / true", 2, "cannot read the secret in rel: "),
        ("artifacts 1 --copy-to rel", 0, ""),
        ("list", 0, ""),
        ("logs 1", 0, ""),
        ("show 1", 0, ""),
        ("", 0, "the dashboard needs a terminal; other commands: stepflow --help"),
    ],
)
@pytest.mark.usefixtures("recorded")
def test_a_working_directory_that_is_gone(
    tmp_path: Path, arguments: str, code: int, said: str
) -> None:
    environ = {"STEPFLOW_HOME": str(tmp_path / "home")}
    done = play(
        f"mkdir {tmp_path}/d; cd {tmp_path}/d; rmdir ../d; {PROGRAM} {arguments}", **environ
    )
    assert done.returncode == code
    assert done.stderr.startswith(f"stepflow: {said}" if said else "")
    assert "rrno" not in done.stderr


@pytest.mark.parametrize("variable", ["STEPFLOW_HOME", "STEPFLOW_CONFIG"])
def test_a_relative_path_of_the_environment_in_a_directory_that_is_gone(
    tmp_path: Path, variable: str
) -> None:
    command = "list" if variable == "STEPFLOW_HOME" else "config show"
    gone = f"mkdir {tmp_path}/d; cd {tmp_path}/d; rmdir ../d;"
    done = play(f"{gone} {PROGRAM} {command}", **{variable: "rel"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"stepflow: rel lies {GONE}; ")


ZONES = [
    "<-99>99",
    "<+99>-99",
    "A24",
    "A-24",
    "A167:59:59",
    "x",
    ":/etc/passwd",
    "",
    "/",
    "\udcff",
    "UTC",
]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.usefixtures("recorded")
def test_no_time_zone_is_a_traceback(zone: str) -> None:
    for arguments in ("list since:today", "list since:2026-01-31", "list until:2026-01-31T10:00"):
        done = play(f"{PROGRAM} {arguments}", TZ=zone)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    done = play(f"{PROGRAM} logs --timestamps 1", TZ=zone)
    if done.returncode:
        assert done.returncode == 2
        assert done.stderr.startswith(f"stepflow: TZ is {zone}, which is a day or more from UTC; ")
    else:
        assert zone not in ZONES[:2]
    for arguments in ("show 1", "health", "list", "runner status", "compare 2"):
        assert "Traceback" not in play(f"{PROGRAM} {arguments}", TZ=zone).stderr
