from __future__ import annotations

import json
import os
import pty
import pwd
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import platformdirs
import pytest

from stepflow_tui import __version__
from stepflow_tui.cli import list as list_command
from stepflow_tui.cli.home_option import current_home
from stepflow_tui.cli.program import program
from stepflow_tui.core.errors import StepflowError

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording

PROGRAM = [sys.executable, "-m", "stepflow_tui"]


def test_help_names_every_command(stepflow: Stepflow) -> None:
    done = stepflow("--help")
    assert done.code == 0
    for name in ("run", "list", "show", "logs", "watch", "cancel", "rerun", "artifacts"):
        assert re.search(rf"^  {name} +[A-Z].*\.$", done.out, re.MULTILINE)
    for name in ("health", "runner", "completion"):
        assert re.search(rf"^  {name} +[A-Z].*\.$", done.out, re.MULTILINE)


def test_version(stepflow: Stepflow) -> None:
    assert stepflow("--version").out == f"stepflow, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--home= list", "invalid value for '--home': the name of the directory is empty"),
        ("list --home=", "invalid value for '--home': the name of the directory is empty"),
        ("lst", "no such command 'lst' (see: stepflow --help)"),
        ("--nope", "no such option '--nope'. Did you mean '--home'? (see: stepflow --help)"),
        ("show", "missing argument 'ID' (see: stepflow show --help)"),
        ("runner nope", "no such command 'nope' (see: stepflow runner --help)"),
        ("completion tcsh", "invalid value for"),
    ],
)
def test_wrong_use_is_one_sentence(stepflow: Stepflow, arguments: str, sentence: str) -> None:
    done = stepflow(*arguments.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"stepflow: {sentence}")
    assert len(done.err.splitlines()) == 1


def test_the_home_may_be_named_before_and_behind_the_command(
    recording: Recording, stepflow: Stepflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.add()
    home, other = str(recording.home.root), str(tmp_path / "other")
    monkeypatch.setenv("STEPFLOW_HOME", other)

    def count(*arguments: str) -> int:
        return len(json.loads(stepflow(*arguments).out))

    assert count("list", "--json") == 0
    assert count("--home", home, "list", "--json") == 1
    assert count("list", "--json", "--home", home) == 1
    assert count("--home", other, "list", "--json", "--home", home) == 1
    assert count("--home", home, "list", "--json", "--home", other) == 0
    monkeypatch.chdir(tmp_path)
    assert count("--home", "home", "list", "--json") == 1
    assert stepflow("runner", "--home", home, "status").code == 1


def test_the_home_is_where_the_platform_keeps_state(monkeypatch: pytest.MonkeyPatch) -> None:
    for directory in ("", "/somewhere", None):
        if directory is None:
            monkeypatch.delenv("XDG_STATE_HOME")
        else:
            monkeypatch.setenv("XDG_STATE_HOME", directory)
        expected = platformdirs.user_state_dir("stepflow")
        assert str(current_home(program.make_context("stepflow", ["list"])).root) == expected


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (StepflowError("bad \x1b[2Jnews"), 1, "stepflow: bad news\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "Permission denied"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_problems_end_in_a_sentence_and_a_code(
    stepflow: Stepflow,
    monkeypatch: pytest.MonkeyPatch,
    problem: BaseException,
    code: int,
    said: str,
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(list_command, "newest", fail)
    done = stepflow("list")
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"), [("list", 0), ("", 0), ("show 9", 2), ("--help", 0), ("logs 1", 0)]
)
def test_closed_streams_change_no_exit_code(
    recording: Recording, closed: str, arguments: str, code: int
) -> None:
    recording.log(recording.add().number, b"line\n")
    command = f'"$0" -m stepflow_tui {arguments} {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "rror" not in done.stderr


@pytest.mark.parametrize("arguments", ["--help", "--version", "list", "show --help", "logs 1"])
def test_a_full_disk_is_one_sentence(recording: Recording, arguments: str) -> None:
    recording.log(recording.add().number, b"line\n")
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*PROGRAM, *arguments.split()], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"stepflow: cannot write to standard output: No space left on device\n"


def test_a_user_without_a_home_directory(
    stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    for name in ("STEPFLOW_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    done = stepflow("list")
    said = "stepflow: nobody says where your home directory is; set HOME, or name a directory"
    assert (done.code, done.err) == (1, f"{said} with --home\n")


def test_a_reader_that_leaves_is_no_problem(recording: Recording) -> None:
    number = recording.add().number
    recording.log(number, b"line\n" * 100_000)
    command = [*PROGRAM, "logs", str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_output_is_whole_without_a_buffer(recording: Recording) -> None:
    recording.log(recording.add().number, b"line\n" * 200_000)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run([*PROGRAM, "logs", "1"], capture_output=True, env=environment, check=True)
    assert done.stdout == b"line\n" * 200_000


def test_a_locale_without_unicode_gets_ascii(recording: Recording) -> None:
    number = recording.add(name="日本").number
    recording.log(number, "STEP_START:a\né\n".encode())
    recording.step(number, 1, "a", (1, 2))
    recording.finish(number)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*PROGRAM, "watch", "1"], capture_output=True, env=environment, check=True
    )
    assert done.stdout.decode("ascii").splitlines() == [
        "run #1 ?? started",
        "step a started",
        "?",
        "step a completed in 1.5s",
        "run #1 ?? completed in 12.3s, exit code 0",
    ]
    done = subprocess.run(
        [*PROGRAM, "list", "--json"], capture_output=True, env=environment, check=True
    )
    assert json.loads(done.stdout)[0]["name"] == "日本"


def on_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the program with its output on a pseudo-terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while data := os.read(ours, 65536):
                written += data
        except OSError:
            pass  # how Linux tells that nobody holds the other end
        finally:
            os.close(ours)
        return process.wait(), written.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_unless_they_are_not_wanted(recording: Recording) -> None:
    number = recording.add(name="n" * 60).number
    recording.log(number, b"\x1b[31mred\x1b[0m\x1b]52;c;aGk=\x07\n")
    assert on_terminal("logs", "1") == (0, "\x1b[31mred\x1b[0m\n")
    for name in ("", "dumb", "unknown"):
        assert on_terminal("logs", "1", TERM=name) == (0, "red\n")
    assert on_terminal("logs", "1", NO_COLOR="1") == (0, "red\n")
    code, listed = on_terminal("list", NO_COLOR="1")
    assert (code, listed.split()[:3]) == (0, ["#1", "n" * 39 + "…", "●"])
    code, said = on_terminal("logs", "1", "--raw")
    assert (code, said[:44]) == (2, "stepflow: --raw could change your terminal; ")


def complete(words: str, shell: str = "bash") -> list[str]:
    environment = {
        **os.environ,
        "_STEPFLOW_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run([*PROGRAM], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_shells_complete_ids_and_step_names(recording: Recording) -> None:
    first = recording.add(name="deploy", id="01jd0000000000000000000000", tags=["nightly", "daily"])
    recording.step(first.number, 1, "Build it", (1, 2))
    recording.step(first.number, 2, "Test", (3, None))
    recording.add()
    assert complete("stepflow show ") == ["plain,2", "plain,1", "plain,last"]
    assert complete("stepflow cancel 1 l") == ["plain,last"]
    assert complete("stepflow watch 01") == [
        f"plain,{recording.find(2).id}",
        "plain,01jd0000000000000000000000",
    ]
    assert complete("stepflow logs 1 --step ") == ["plain,1", "plain,Test"]
    assert complete("stepflow logs --step T") == []
    assert complete("stepflow logs 1 --step T") == ["plain,Test"]
    assert complete("stepflow list --tag ") == ["plain,daily", "plain,nightly"]
    assert complete("stepflow run -t n") == ["plain,nightly"]
    assert complete("stepflow he") == ["plain,health"]
    assert "1\ndeploy (running)" in "\n".join(complete("stepflow show ", "zsh"))


def test_a_shell_is_never_offered_what_it_would_run(recording: Recording) -> None:
    tags = ["x;touch /tmp/PWNED", "$(id)", "-x", "v1.0,a=b", "\x1b[31mred"]
    number = recording.add(tags=tags).number
    names = ["x;touch /tmp/PWNED", "`id`", "-x", "=ls", "3", "", "~", "a/b-c_d.e:@%+=,é", "a\nb"]
    for index, name in enumerate(names, 1):
        recording.step(number, index, name, (index, index))
    offered = [*"1234567", "a/b-c_d.e:@%+=,é", "9"]
    assert complete("stepflow logs 1 --step ") == [f"plain,{word}" for word in offered]
    assert complete("stepflow list --tag ") == ["plain,v1.0,a=b"]
    assert complete("stepflow logs 1 --step ", "zsh")[:3] == ["plain", "1", names[0]]


def test_where_nothing_was_run_there_is_nothing_to_complete(home: Home) -> None:
    assert complete("stepflow show ") == ["plain,last"]
    assert complete("stepflow logs 1 --step ") == []
    assert not home.root.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_calls_us(stepflow: Stepflow, shell: str) -> None:
    done = stepflow("completion", shell)
    assert f"_STEPFLOW_COMPLETE={shell}_complete" in done.out
    assert (done.code, done.err) == (0, "")
