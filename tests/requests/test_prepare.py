from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import CommandNotFound, UsageProblem
from stepflow_tui.core.identity import is_id
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.requests import prepare
from stepflow_tui.requests.limits import caller_limits
from stepflow_tui.requests.prepare import rerun_request, run_request
from stepflow_tui.requests.request import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.requests.request import RunRequest

SHELL = {"shell": True}
ENVIRON = {"PATH": "/usr/bin:/bin", "LANG": "C"}


def request(*command: str, **options: object) -> RunRequest:
    options = {"cwd": Path("/"), "environ": ENVIRON, **options}
    return run_request(command, **options)  # type: ignore[arg-type]


def test_a_request_holds_what_was_asked_for(tmp_path: Path) -> None:
    before = now().wall_ms
    made = request(
        "/bin/sh",
        "-c",
        "true",
        cwd=tmp_path,
        env={"LEVEL": "3"},
        tags=["a", "b", "a"],
        metadata={"ticket": "42"},
        timeout_s=90.0,
    )
    assert is_id(made.id)
    assert made.command == ["/bin/sh", "-c", "true"]
    assert made.cwd == str(tmp_path)
    assert made.name == "sh"
    assert made.environment == {**ENVIRON, "LEVEL": "3"}
    assert made.env == {"LEVEL": "3"}
    assert made.tags == ["a", "b"]
    assert made.metadata == {"ticket": "42"}
    assert (made.timeout_s, made.shell, made.tty, made.rerun_of) == (90.0, False, False, None)
    assert made.user == pwd.getpwuid(os.geteuid()).pw_name
    assert before <= made.created_at <= now().wall_ms
    assert (made.limits, made.secrets, made.kill_leftovers) == ({}, [], False)
    assert made.rlimits == caller_limits()
    assert made.nice == os.nice(0)
    assert decode(encode(made)) == made


def test_the_environment_is_that_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "1")
    monkeypatch.delenv("LC_CTYPE", raising=False)  # Python itself may have set it
    made = run_request(["true"], cwd=Path("/"), env={"MORE": "2"})
    assert made.environment == {**os.environ, "MORE": "2"}
    assert made.env == {"MORE": "2"}


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "None"), ({"LC_CTYPE": "C.UTF-8"}, "C.UTF-8"), ({"LC_ALL": "C"}, "None")],
)
@pytest.mark.parametrize("environ", ["None", "dict(os.environ)"])
def test_what_python_did_to_the_locale_is_kept_from_the_script(
    given: dict[str, str], told: str, environ: str
) -> None:
    code = (
        "import os\nfrom pathlib import Path\n"
        "from stepflow_tui.requests.prepare import run_request\n"
        f"made = run_request(['true'], cwd=Path('/'), environ={environ})\n"
        "print(made.environment.get('LC_CTYPE'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", **given},
    )
    assert done.stdout == f"{told}\n"


def test_the_marks_of_a_recorded_script_are_not_inherited() -> None:
    marks = {"STEPFLOW": "1", "STEPFLOW_EXECUTION_ID": "x", "STEPFLOW_RUNNER": "1"}
    environ = {**ENVIRON, **marks, "STEPFLOW_HOME": "/h"}
    assert request("true", environ=environ).environment == {**ENVIRON, "STEPFLOW_HOME": "/h"}
    assert request("true", environ=environ, env={"STEPFLOW": "2"}).environment["STEPFLOW"] == "2"


def test_labels_that_are_no_utf8_are_cleaned() -> None:
    made = request(
        "/bin/echo",
        name="a\udcff",
        tags=["\udcff", "\ud800"],
        metadata={"k\udcff": "v\udcff", "n": 1},
    )
    assert (made.name, made.tags) == ("a\ufffd", ["\ufffd"])
    assert made.metadata == {"k\ufffd": "v\ufffd", "n": 1}
    assert request("echo \udcff", **SHELL).name == "echo \ufffd"
    assert decode(encode(made)) == made


def test_a_secret_goes_to_the_script_and_not_to_what_is_stored() -> None:
    made = request("true", env={"API_TOKEN": "hush", "LEVEL": "3"})
    assert made.environment["API_TOKEN"] == "hush"
    assert made.env == {"API_TOKEN": "***", "LEVEL": "3"}


def test_the_command_is_searched_in_the_path_that_the_script_gets(tmp_path: Path) -> None:
    tool = tmp_path / "own-tool"
    tool.write_text("")
    tool.chmod(0o755)
    with pytest.raises(CommandNotFound):
        request("own-tool")
    assert request("own-tool", env={"PATH": str(tmp_path)}).name == "own-tool"


def test_a_shell_command_is_one_string_that_is_not_looked_for() -> None:
    made = request("  make all |\n tee log; echo $(date) and so on and on", **SHELL)
    assert made.command == ["  make all |\n tee log; echo $(date) and so on and on"]
    assert made.name == "make all | tee log; echo $(date) and so "
    assert len(made.name) == 40
    assert made.shell


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cwd": Path("/no/such")}, "no directory /no/such; name the working directory with -C"),
        ({"cwd": Path("/etc/passwd")}, "no directory /etc/passwd"),
        ({"cwd": Path("/\0")}, "no directory /"),
        ({"env": {"A": "1\0"}}, "NUL"),
        ({"tags": ["\0"]}, "NUL"),
        ({"name": "a\0"}, "NUL"),
        ({"env": {"": "1"}}, "cannot be the name of a variable"),
        ({"env": {"A=B": "1"}}, "'A=B' cannot be the name of a variable"),
        ({"timeout_s": 0.0}, "a timeout must be longer than nothing"),
        ({"timeout_s": float("inf")}, "a timeout can be at most 3650d, which is ten years"),
        ({"timeout_s": float("nan")}, "a timeout can be at most 3650d"),
        ({"timeout_s": 315_360_001.0}, "a timeout can be at most 3650d"),
        ({"limits": {"memory": 0}}, "a memory limit must be more than nothing"),
        ({"limits": {"nice": 20}}, "a niceness goes from -20 to 19"),
        ({"metadata": {"n": 2**63}}, "the number of n is too large to be recorded"),
        ({"metadata": {"n": float("nan")}}, "the number of n is too large to be recorded"),
        ({"tty": True, "environ": {"PATH": "/nowhere"}, "env": {}}, "--tty needs"),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(sentence)) as caught:
        request("/bin/sh", **options)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("command", "shell"), [((), False), (("",), False), ((" \n",), True), (("a", "b"), True)]
)
def test_an_empty_or_split_command_is_refused(command: tuple[str, ...], shell: bool) -> None:
    with pytest.raises(UsageProblem):
        request(*command, shell=shell)


def test_a_nul_byte_in_an_argument_is_refused() -> None:
    with pytest.raises(UsageProblem, match="NUL"):
        request("/bin/echo", "a\0b")


def test_arguments_that_are_no_utf8_come_through_byte_for_byte() -> None:
    word, variable = os.fsdecode(b"caf\xe9\xff"), os.fsdecode(b"\x80=\xfe")
    made = request("/bin/echo", word, env={"VALUE": variable})
    read = decode(encode(made))
    assert read == made
    assert os.fsencode(made.command[1]) == b"caf\xe9\xff"
    assert os.fsencode(made.environment["VALUE"]) == b"\x80=\xfe"


def test_the_umask_of_the_caller_is_told() -> None:
    code = (
        "import os, pathlib; os.umask(0o027)\n"
        "from stepflow_tui.requests.prepare import run_request\n"
        "print(oct(run_request(['true'], cwd=pathlib.Path('/')).umask), oct(os.umask(0)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0o27 0o27\n"


def test_the_umask_is_found_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = request("true").umask
    monkeypatch.setattr(prepare, "_PROC_STATUS", Path("/nowhere"))
    assert request("true").umask == expected
    assert request("true").umask == expected


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert request("true").user == str(os.geteuid())


@pytest.fixture
def recorded() -> Callable[..., Execution]:
    def make(**fields: object) -> Execution:
        execution = Execution(
            number=7,
            id="x",
            name="nightly",
            command=["/bin/sh", "-c", "exit 3"],
            cwd="/tmp",
            status=Status.FAILED,
            created_at=1,
            timeout_s=5.0,
            tags=["a"],
            metadata={"k": 1},
            env={"LEVEL": "3"},
        )
        return replace(execution, **fields)

    return make


def test_a_rerun_asks_for_the_same(recorded: Callable[..., Execution]) -> None:
    made = rerun_request(recorded(), env={"LEVEL": "4", "MORE": "5"}, environ=ENVIRON)
    assert made.command == ["/bin/sh", "-c", "exit 3"]
    assert (made.cwd, made.name, made.timeout_s) == ("/tmp", "nightly", 5.0)
    assert (made.tags, made.metadata, made.rerun_of) == (["a"], {"k": 1}, 7)
    assert made.env == {"LEVEL": "4", "MORE": "5"}
    assert made.environment == {**ENVIRON, "LEVEL": "4", "MORE": "5"}


def test_a_rerun_of_a_shell_command_is_one(recorded: Callable[..., Execution]) -> None:
    options: dict[str, object] = {"tty": True, "tty_size": [120, 40], "added_env": False}
    made = rerun_request(recorded(command=["a | b"], **options, **SHELL), environ=ENVIRON)
    assert (made.tty_size, made.added_env) == ([120, 40], False)
    assert (made.command, made.shell, made.tty) == (["a | b"], True, True)


def test_a_rerun_can_work_elsewhere(recorded: Callable[..., Execution], tmp_path: Path) -> None:
    made = rerun_request(recorded(cwd="/gone"), cwd=tmp_path, environ=ENVIRON)
    assert made.cwd == str(tmp_path)


def test_a_rerun_wants_secrets_again(recorded: Callable[..., Execution]) -> None:
    execution = recorded(env={"API_TOKEN": "***", "DB_PASS": "***", "STARS": "***"})
    with pytest.raises(UsageProblem) as caught:
        rerun_request(execution, env={"API_TOKEN": "hush"}, environ=ENVIRON)
    assert str(caught.value) == (
        "the values of DB_PASS, STARS were not stored; give them again: -e DB_PASS=… -e STARS=…, "
        "or from the environment: --secret DB_PASS --secret STARS"
    )
    env = {"API_TOKEN": "hush", "DB_PASS": "pst", "STARS": "***"}
    made = rerun_request(execution, env=env, environ=ENVIRON)
    assert made.environment == {**ENVIRON, **env}
    assert made.env == {"API_TOKEN": "***", "DB_PASS": "***", "STARS": "***"}


def test_a_rerun_has_the_same_limits_or_others(recorded: Callable[..., Execution]) -> None:
    execution = recorded(limits={"memory": 1 << 30, "nice": 5}, kill_leftovers=True)
    made = rerun_request(execution, environ=ENVIRON)
    assert (made.limits, made.kill_leftovers) == ({"memory": 1 << 30, "nice": 5}, True)
    made = rerun_request(execution, limits={"nice": 6, "cpu": 9}, environ=ENVIRON)
    assert made.limits == {"memory": 1 << 30, "nice": 6, "cpu": 9}
    assert rerun_request(recorded(), kill_leftovers=True, environ=ENVIRON).kill_leftovers
    with pytest.raises(UsageProblem, match="cpu"):
        rerun_request(recorded(limits={"cpu": 0}), environ=ENVIRON)


def test_a_rerun_is_checked_as_a_new_one(recorded: Callable[..., Execution]) -> None:
    with pytest.raises(CommandNotFound):
        rerun_request(recorded(command=["gone"]), environ=ENVIRON)
    with pytest.raises(UsageProblem):
        rerun_request(recorded(cwd="/gone"), environ=ENVIRON)
