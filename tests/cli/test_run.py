from __future__ import annotations

import json
import os
import socket
import sqlite3
import stat
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import acceptance, rerun, run
from stepflow_tui.cli.changes import RunnerWatch
from stepflow_tui.requests import inbox
from stepflow_tui.requests.limits import caller_limits
from stepflow_tui.requests.request import RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Stepflow
    from tests.cli.fake_runner import FakeRunner
    from tests.cli.recording import Recording


@pytest.fixture
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "ensure_runner", lambda _: None)
    monkeypatch.setattr(run, "DETACHED_WAIT_S", 0.03)
    monkeypatch.setattr(rerun, "DETACHED_WAIT_S", 0.03)


def test_a_run_is_followed_to_its_end(runner: FakeRunner, stepflow: Stepflow) -> None:
    done = stepflow("run", "-n", "job", "true")
    assert done.out == (
        "run #1 job was not started\nworking\nrun #1 job failed after 12.3s, exit code 7\n"
    )
    assert (done.code, done.err) == (7, "")
    assert len(runner.taken) == 1


def test_the_request_is_what_the_options_say(
    runner: FakeRunner, stepflow: Stepflow, tmp_path: Path
) -> None:
    options = (
        "-n job -t a --tag b --meta k=v --meta url=a=b -e LEVEL=3 -e EMPTY= -e API_TOKEN=hush "
        f"--timeout 1h30m -C {tmp_path}"
    )
    stepflow("run", *options.split(), "sh", "-c", "x", "--json", "-d", "--", "-n", "y z")
    (request,) = runner.taken
    assert isinstance(request, RunRequest)
    assert request.command == ["sh", "-c", "x", "--json", "-d", "--", "-n", "y z"]
    assert (request.name, request.tags, request.timeout_s) == ("job", ["a", "b"], 5400.0)
    assert request.metadata == {"k": "v", "url": "a=b"}
    assert request.cwd == str(tmp_path)
    assert request.env == {"LEVEL": "3", "EMPTY": "", "API_TOKEN": "***"}
    assert request.environment["API_TOKEN"] == "hush"
    assert request.environment["PATH"] == os.environ["PATH"]
    assert (request.shell, request.tty) == (False, False)


def test_a_terminal_and_its_size(
    runner: FakeRunner, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, expected in (
        ((), (False, None, None)),
        (("--tty",), (True, None, None)),  # the next word is the command, whatever it looks like
        (("--tty-size", "120x40"), (True, [120, 40], None)),
        (("--tty", "--tty-size=120x40"), (True, [120, 40], None)),
    ):
        stepflow("run", "-d", *options, "true", "100x30")
        request = runner.taken[-1]
        assert isinstance(request, RunRequest)
        assert request.command == ["true", "100x30"]
        assert (request.tty, request.tty_size, request.caller_size) == expected
    monkeypatch.setenv("STEPFLOW_TTY_SIZE", "90x20")
    stepflow("run", "-d", "--tty", "true")
    assert isinstance(request := runner.taken[-1], RunRequest)
    assert (request.tty_size, request.caller_size) == (None, [90, 20])
    monkeypatch.setenv("STEPFLOW_TTY_SIZE", "wide")
    done = stepflow("run", "-d", "--tty", "true")
    assert (done.code, "STEPFLOW_TTY_SIZE=wide" in done.err) == (2, True)


@pytest.mark.parametrize("size", ["0x24", "80", "80x", "80x24x1", "65536x2", "-1x5", "٣x٣", ""])
def test_a_size_that_is_none(stepflow: Stepflow, size: str) -> None:
    done = stepflow("run", "--tty-size", size, "true")
    assert done.code == 2
    assert "COLUMNSxROWS, such as 120x40" in done.err


def test_nothing_is_added_if_not_wanted(runner: FakeRunner, stepflow: Stepflow) -> None:
    stepflow("run", "-d", "true")
    stepflow("run", "-d", "--no-added-env", "true")
    assert [request.added_env for request in runner.taken if isinstance(request, RunRequest)] == [
        True,
        False,
    ]


@contextmanager
def standard_input(descriptor: int) -> Iterator[None]:
    """Lets this be standard input; closes it."""
    before = os.dup(0)
    os.dup2(descriptor, 0)
    os.close(descriptor)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def piped(*, data: bytes, is_open: bool) -> tuple[int, list[int]]:
    reading, writing = os.pipe()
    os.write(writing, data)
    if not is_open:
        os.close(writing)
    return reading, [writing] if is_open else []


def connected(*, data: bytes, is_open: bool) -> tuple[int, list[int]]:
    ours, theirs = socket.socketpair()
    theirs.sendall(data)
    if not is_open:
        theirs.close()
    return ours.detach(), [theirs.detach()] if is_open else []


@pytest.mark.parametrize(
    ("make", "data", "is_open", "is_told"),
    [
        (piped, b"", True, True),  # more may come
        (piped, b"x", False, True),
        (piped, b"", False, False),
        (connected, b"x", True, True),
        (connected, b"", True, False),  # what ssh gives to a command to which nobody writes
        (connected, b"", False, False),
    ],
)
@pytest.mark.usefixtures("runner")
def test_a_pipe_that_nobody_reads_is_told(
    stepflow: Stepflow,
    make: Callable[..., tuple[int, list[int]]],
    data: bytes,
    *,
    is_open: bool,
    is_told: bool,
) -> None:
    descriptor, others = make(data=data, is_open=is_open)
    with standard_input(descriptor):
        done = stepflow("run", "-d", "true")
    for other in others:
        os.close(other)
    line = "stepflow: standard input is a pipe and is not passed on: the command reads /dev/null\n"
    assert (done.out, done.err) == ("1\n", line if is_told else "")


@pytest.mark.parametrize(
    ("text", "read", "is_told"), [("a\n", 0, True), ("a\n", 2, False), ("", 0, False)]
)
@pytest.mark.usefixtures("runner")
def test_a_file_that_nobody_reads_is_told(
    stepflow: Stepflow, tmp_path: Path, text: str, read: int, *, is_told: bool
) -> None:
    (tmp_path / "dump.sql").write_text(text)
    descriptor = os.open(tmp_path / "dump.sql", os.O_RDONLY)
    os.lseek(descriptor, read, os.SEEK_SET)
    with standard_input(descriptor):
        for command in (("run", "-d", "true"), ("rerun", "-d", "1")):
            told = stepflow(*command).err
            assert told == is_told * (
                "stepflow: standard input is a file and is not passed on: "
                "the command reads /dev/null\n"
            )


def test_a_double_dash_ends_the_options(runner: FakeRunner, stepflow: Stepflow) -> None:
    stepflow("run", "--", "echo", "--", "-s")
    assert isinstance(runner.taken[0], RunRequest)
    assert runner.taken[0].command == ["echo", "--", "-s"]
    assert runner.taken[0].cwd == str(Path.cwd())


def test_a_pipeline_goes_to_the_shell(runner: FakeRunner, stepflow: Stepflow) -> None:
    stepflow("run", "-s", "a | b")
    assert isinstance(runner.taken[0], RunRequest)
    assert (runner.taken[0].command, runner.taken[0].shell) == (["a | b"], True)


def test_detached_prints_the_number_alone(runner: FakeRunner, stepflow: Stepflow) -> None:
    done = stepflow("run", "-d", "true")
    assert (done.code, done.out, done.err) == (0, "1\n", "")
    done = stepflow("run", "-d", "--json", "-n", "job", "true")
    _, request = runner.taken
    assert json.loads(done.out) == {
        "id": request.id,
        "number": 2,
        "name": "job",
        "status": "failed",
    }


@pytest.mark.usefixtures("no_runner")
def test_detached_without_a_runner_prints_the_id(home: Home, stepflow: Stepflow) -> None:
    done = stepflow("run", "-d", "true")
    (path,) = inbox.waiting(home)
    assert (done.code, done.out) == (0, f"{path.name.partition('.')[0]}\n")
    told = json.loads(stepflow("run", "-d", "--json", "true").out)
    assert told == {"id": told["id"], "number": None, "name": "true", "status": "pending"}
    assert inbox.path_of(home, told["id"], "run").exists()


def test_json_is_printed_at_the_end_and_alone(runner: FakeRunner, stepflow: Stepflow) -> None:
    done = stepflow("run", "--json", "true")
    told = json.loads(done.out)
    assert (told["number"], told["status"], told["exit_code"]) == (1, "failed", 7)
    assert (told["steps"], told["artifacts"], told["line_count"]) == ([], [], 1)
    assert (done.code, done.err) == (7, "")
    assert told["id"] == runner.taken[0].id


def test_limits_and_secrets_are_handed_over(
    runner: FakeRunner, stepflow: Stepflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY", "hunter2!")
    (tmp_path / "key").write_text("line 1\nline 2\n")
    options = (
        "--limit-memory 1.5GB --limit-cpu 1.2s --limit-file-size 64MiB --nice 7 --kill-leftovers "
        f"-e PLACE=over-there --secret DEPLOY --secret PLACE --secret-file {tmp_path}/key"
    )
    done = stepflow("run", "-d", *options.split(), "true")
    assert (done.code, done.err) == (0, "")
    (request,) = runner.taken
    assert isinstance(request, RunRequest)
    assert request.limits == {
        "memory": 1_500_000_000,
        "cpu": 2,
        "file_size": 64 << 20,
        "nice": 7,
    }
    assert request.kill_leftovers
    assert request.secrets == ["hunter2!", "over-there", "line 1\nline 2"]
    assert request.env == {"DEPLOY": "***", "PLACE": "***"}
    assert (request.rlimits, request.nice) == (caller_limits(), os.nice(0))


def test_secrets_that_are_not_safe_are_warned_of(runner: FakeRunner, stepflow: Stepflow) -> None:
    secrets = ("-e", "PIN=123", "-e", "WORD=sesame", "--secret", "PIN", "--secret", "WORD")
    done = stepflow("run", "-d", *secrets, "echo", "open sesame")
    assert (done.code, done.out) == (0, "1\n")
    assert done.err.splitlines() == [
        "stepflow: PIN is too short to be hidden (4 characters at least)",
        "stepflow: a secret stands in the command line, where other users can see it (ps)",
    ]
    (request,) = runner.taken
    assert isinstance(request, RunRequest)
    assert (request.secrets, request.env) == (["sesame"], {"PIN": "***", "WORD": "***"})


@pytest.mark.usefixtures("no_runner")
def test_a_request_with_secrets_is_private(home: Home, stepflow: Stepflow) -> None:
    stepflow("run", "-d", "-e", "WORD=sesame", "--secret", "WORD", "true")
    (path,) = inbox.waiting(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"sesame" in path.read_bytes()


def test_a_rerun_is_protected_as_before_or_anew(
    runner: FakeRunner, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = "--limit-memory 1GB --nice 5 --kill-leftovers -e WORD=sesame --secret WORD"
    stepflow("run", "-d", *options.split(), "true")
    assert "give them again: -e WORD=…, or" in stepflow("rerun", "1").err
    stepflow("rerun", "1", "-e", "WORD=simsala", "--nice", "6", "--limit-cpu", "9")
    monkeypatch.setenv("WORD", "abraca")
    stepflow("rerun", "1", "--secret", "WORD")
    _, second, third = runner.taken
    assert isinstance(second, RunRequest)
    assert second.limits == {"memory": 10**9, "nice": 6, "cpu": 9}
    assert second.kill_leftovers
    assert (second.secrets, second.env) == (["simsala"], {"WORD": "***"})
    assert second.environment["WORD"] == "simsala"
    assert isinstance(third, RunRequest)
    assert third.limits == {"memory": 10**9, "nice": 5}
    assert (third.secrets, third.env) == (["abraca"], {"WORD": "***"})
    assert third.environment["WORD"] == "abraca"


def test_a_refusal_is_told(runner: FakeRunner, stepflow: Stepflow) -> None:
    runner.refuses = "not of format 1"
    for arguments in (("run", "true"), ("run", "-d", "true")):
        done = stepflow(*arguments)
        said = "stepflow: the runner refused it: not of format 1\n"
        assert (done.code, done.out, done.err) == (1, "", said)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("run", 2, "give a command, or a string with -s, and not both (see: stepflow run --help)"),
        ("run -s x y", 2, "give a command, or a string with -s, and not both (see"),
        ("run --nope true", 2, "no such option"),
        ("run -e X true", 2, "invalid value for '-e' / '--env': 'X' is not of the form NAME=VALUE"),
        ("run -e =x true", 2, "invalid value for '-e' / '--env': '=x' is not of the form"),
        ("run --timeout soon true", 2, "invalid value for '--timeout': 'soon': a duration is"),
        ("run --timeout 0 true", 2, "a timeout must be longer than nothing"),
        (
            "run --limit-memory lots true",
            2,
            "invalid value for '--limit-memory': 'lots': a size is",
        ),
        ("run --limit-memory 9e9 true", 2, "invalid value for '--limit-memory': '9e9': a size is"),
        (f"run --limit-memory {'9' * 400} true", 2, "invalid value for '--limit-memory': '999"),
        ("run --limit-memory 0 true", 2, "a memory limit must be more than nothing"),
        ("run --limit-memory -- true", 2, "invalid value for '--limit-memory': '--': a size is"),
        ("run --limit-cpu 0 true", 2, "a cpu limit must be more than nothing"),
        ("run --limit-cpu 1e300 true", 2, "a cpu limit of this size is the same as none"),
        ("run --limit-cpu $(id) true", 2, "invalid value for '--limit-cpu': '$(id)': a duration"),
        ("run --limit-file-size 10EB true", 2, "invalid value for '--limit-file-size': '10EB'"),
        ("run --limit-file-size 9999999TB true", 2, "a file size limit of this size is the same"),
        ("run --nice 20 true", 2, "a niceness goes from -20 to 19"),
        ("run --nice ;id true", 2, "invalid value for '--nice': ';id' is not a valid integer"),
        ("run --secret GONE true", 2, "the variable GONE holds no secret: it is not set or empty"),
        ("run -e X= --secret X true", 2, "the variable X holds no secret: it is not set or empty"),
        (
            "run --secret-file /no true",
            2,
            "cannot read the secret in /no: No such file or directory",
        ),
        ("run -C /no/such true", 2, "no directory /no/such; name the working directory with -C"),
        ("run no-such-command", 127, "no-such-command: command not found"),
        ("run /etc/passwd", 126, "/etc/passwd: not executable; run: chmod +x /etc/passwd"),
        ("run /etc", 126, "/etc: is a directory, not a command"),
    ],
)
def test_what_cannot_work_leaves_nothing_behind(
    home: Home, stepflow: Stepflow, arguments: str, code: int, sentence: str
) -> None:
    done = stepflow(*arguments.split())
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"stepflow: {sentence}")
    assert len(done.err.splitlines()) == 1
    assert not home.root.exists()


def test_a_working_directory_that_is_gone(
    stepflow: Stepflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = stepflow("run", "true")
    said = "stepflow: the working directory is gone; name another with -C\n"
    assert (done.code, done.err) == (2, said)


def test_a_database_that_the_runner_cannot_use_refuses_the_run(
    recording: Recording, stepflow: Stepflow
) -> None:
    recording.writer._pragma("user_version=99")
    done = stepflow("run", "true")
    assert done.code == 1
    assert "was written by a newer version" in done.err
    assert list(inbox.waiting(recording.home)) == []


def test_a_file_that_is_no_database_refuses_the_run(home: Home, stepflow: Stepflow) -> None:
    home.root.mkdir(mode=0o700)
    with closing(sqlite3.connect(home.database)) as other:
        other.execute("CREATE TABLE birds (name TEXT)")
    home.database.chmod(0o600)
    done = stepflow("run", "true")
    assert done.code == 1
    assert "is no StepFlow database" in done.err
    assert list(inbox.waiting(home)) == []


def test_leaving_before_it_has_a_number(
    home: Home, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Home) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(acceptance, "ensure_runner", lambda _: None)
    monkeypatch.setattr(RunnerWatch, "check", interrupt)
    done = stepflow("run", "true")
    (path,) = inbox.waiting(home)
    name = path.name.partition(".")[0]
    assert done.code == 130
    assert done.err == (
        f"stepflow: detached: it is submitted as {name}; follow with: stepflow watch {name}\n"
    )


def test_a_rerun_prints_the_new_number(runner: FakeRunner, stepflow: Stepflow) -> None:
    stepflow("run", "-d", "-n", "job", "-e", "API_TOKEN=1", "-t", "x", "true")
    refused = stepflow("rerun", "1")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        "stepflow: the values of API_TOKEN were not stored; give them again: -e API_TOKEN=…, "
        "or from the environment: --secret API_TOKEN\n"
    )
    done = stepflow("rerun", "1", "-e", "API_TOKEN=2")
    assert (done.code, done.out, done.err) == (0, "2\n", "")
    request = runner.taken[-1]
    assert isinstance(request, RunRequest)
    assert (request.name, request.tags, request.rerun_of) == ("job", ["x"], 1)
    assert request.environment["API_TOKEN"] == "2"


def test_a_rerun_can_work_elsewhere(
    recording: Recording, runner: FakeRunner, stepflow: Stepflow, tmp_path: Path
) -> None:
    recording.add(command=["true"], cwd="/gone")
    refused = stepflow("rerun", "1")
    said = "stepflow: no directory /gone; name the working directory with -C\n"
    assert (refused.code, refused.err) == (2, said)
    assert stepflow("rerun", "1", "-C", str(tmp_path)).out == "2\n"
    (request,) = runner.taken
    assert isinstance(request, RunRequest)
    assert request.cwd == str(tmp_path)


def test_a_setting_that_no_runner_could_read_refuses_the_run(
    home: Home, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_GRACE", "soon")
    done = stepflow("run", "true")
    assert done.code == 2
    assert done.err.startswith("stepflow: STEPFLOW_GRACE=soon: a duration is")
    assert list(inbox.waiting(home)) == []


@pytest.mark.usefixtures("no_runner")
def test_a_runner_that_does_not_answer_is_told_of_once(
    home: Home, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Home] = []

    def look(_: RunnerWatch) -> None:
        looks.append(home)
        if len(looks) == 4:
            (path,) = inbox.waiting(home)
            inbox.refuse(home, path, "at last")

    monkeypatch.setattr(acceptance, "_SILENCE_S", 0.0)
    monkeypatch.setattr(RunnerWatch, "check", look)
    done = stepflow("run", "true")
    assert done.err.splitlines() == [
        "stepflow: the runner has not answered yet; stepflow health tells more",
        "stepflow: the runner refused it: at last",
    ]


@pytest.mark.usefixtures("no_runner")
def test_a_detached_rerun_without_a_runner_prints_the_id(
    recording: Recording, stepflow: Stepflow
) -> None:
    recording.add(command=["true"])
    done = stepflow("rerun", "-d", "last")
    (path,) = inbox.waiting(recording.home)
    assert done.out == f"{path.name.partition('.')[0]}\n"
