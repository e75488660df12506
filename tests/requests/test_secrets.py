from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.requests.prepare import rerun_request, run_request
from stepflow_tui.requests.request import decode, encode
from stepflow_tui.requests.secrets import (
    HIDDEN_IN_COMMAND,
    NO_SECRETS,
    Secrets,
    read_secrets,
    read_secrets_again,
)

if TYPE_CHECKING:
    from stepflow_tui.requests.request import RunRequest

ENVIRON = {"PATH": "/usr/bin:/bin", "DEPLOY": "hunter2!", "EMPTY": "", "PIN": "123"}


def write(directory: Path, content: bytes) -> Path:
    path = directory / "secret"
    path.write_bytes(content)
    return path


def request(*command: str, secrets: Secrets, **options: object) -> RunRequest:
    options = {"cwd": Path("/"), "environ": ENVIRON, **options}
    return run_request(command, secrets=secrets, **options)  # type: ignore[arg-type]


def test_a_secret_is_the_value_of_a_variable() -> None:
    secrets = read_secrets(["DEPLOY", "DEPLOY"], [], ENVIRON)
    assert secrets == Secrets(frozenset({"DEPLOY"}), ("hunter2!",))
    made = request("true", secrets=secrets)
    assert (made.secrets, made.env) == (["hunter2!"], {"DEPLOY": "***"})
    assert made.environment == ENVIRON
    assert list(secrets.warnings(made)) == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"hunter2!", "hunter2!"),
        (b"hunter2!\n", "hunter2!"),
        (b"hunter2!\r\n", "hunter2!"),
        (b"hunter2!\n\n", "hunter2!\n"),
        (b"-----BEGIN-----\nabc\n-----END-----\n", "-----BEGIN-----\nabc\n-----END-----"),
        (b" pass word ", " pass word "),
        ("pä漢🎉".encode(), "pä漢🎉"),
        (b"\xff\xfe\x80x", "\udcff\udcfe\udc80x"),
        (b"x" * 65_536 + b"\r\n", "x" * 65_536),
        (b"`$(touch pwned)`; %s \\ '\"", "`$(touch pwned)`; %s \\ '\""),
    ],
)
def test_a_secret_is_what_a_file_holds(tmp_path: Path, content: bytes, text: str) -> None:
    secrets = read_secrets([], [write(tmp_path, content)], ENVIRON)
    assert secrets == Secrets(texts=(text,))
    made = request("true", secrets=secrets)
    assert (made.secrets, made.env) == ([text], {})
    assert decode(encode(made)) == made


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("GONE", "the variable GONE holds no secret: it is not set or empty; set it, or leave out"),
        ("EMPTY", "the variable EMPTY holds no secret: it is not set or empty; set it, or leave"),
        ("DEPLOY=x", "the variable DEPLOY=x holds no secret: it is not set or empty"),
        ("a\x1b[2Jb", "the variable ab holds no secret: it is not set or empty"),
    ],
)
def test_a_variable_without_a_secret(name: str, sentence: str) -> None:
    with pytest.raises(UsageProblem, match=f"^{re.escape(sentence)}"):
        read_secrets([name], [], ENVIRON)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no secret: it is empty or not a text"),
        (b"\n", "holds no secret: it is empty or not a text"),
        (b"abcd\0efgh", "holds no secret: it is empty or not a text"),
        (b"x" * 65_537, "cannot be hidden: a mask may have at most 64 KB"),
        (b"x" * 1_000_000, "cannot be hidden: a mask may have at most 64 KB"),
    ],
)
def test_a_file_without_a_secret(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UsageProblem, match=f"^{re.escape(f'{path} {sentence}')}$"):
        read_secrets([], [path], ENVIRON)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/no/such", "No such file or directory"),
        ("/etc", "Is a directory"),
        ("/etc/passwd/x", "Not a directory"),
        ("/\0", "that is no path"),
    ],
)
def test_a_file_that_cannot_be_read(path: str, reason: str) -> None:
    with pytest.raises(UsageProblem, match=f"^cannot read the secret in .*: {reason}$"):
        read_secrets([], [Path(path)], ENVIRON)


def test_more_than_can_be_hidden(tmp_path: Path) -> None:
    files = []
    for number in range(17):
        files.append(tmp_path / f"{number}")
        files[-1].write_text(f"{number:02}" * 32_000)
    with pytest.raises(UsageProblem, match="cannot be hidden: an execution may have at most"):
        read_secrets([], files, ENVIRON)


def test_a_short_secret_is_not_hidden_but_not_stored_either(tmp_path: Path) -> None:
    path = write(tmp_path, b"    abc\n")
    secrets = read_secrets(["PIN", "DEPLOY"], [path], ENVIRON)
    assert secrets.texts == ("hunter2!",)
    made = request("true", secrets=secrets, env={"PIN": "123"})
    assert made.env == {"PIN": "***", "DEPLOY": "***"}
    assert list(secrets.warnings(made)) == [
        "PIN is too short to be hidden (4 characters at least)",
        f"{path} is too short to be hidden (4 characters at least)",
    ]


def test_pairs_that_hold_a_secret_are_not_stored() -> None:
    secrets = read_secrets(["DEPLOY"], [], ENVIRON)
    env = {"URL": "https://ann:hunter2!@host", "DEPLOY": "hunter2!", "API_KEY": "x", "LEVEL": "3"}
    made = request("true", secrets=secrets, env=env)
    assert made.env == {"URL": "***", "DEPLOY": "***", "API_KEY": "***", "LEVEL": "3"}
    assert made.environment == {**ENVIRON, **env}


@pytest.mark.parametrize(
    "options",
    [
        {"command": ["echo", "-phunter2!"]},
        {"command": ["echo hunter2! | cat"], "shell": True},
        {"name": "hunter2!"},
        {"tags": ["a", "hunter2!"]},
        {"metadata": {"hunter2!": 1}},
        {"metadata": {"k": "hunter2!"}},
        {"metadata": {"k": 12345678}},
        {"cwd": "hunter2!"},
    ],
    ids=repr,
)
def test_a_secret_that_everybody_sees_is_warned_of(
    options: dict[str, object], tmp_path: Path
) -> None:
    place = tmp_path / str(options.get("cwd", "."))
    place.mkdir(exist_ok=True)
    secrets = read_secrets(["DEPLOY", "NUMBER"], [], {**ENVIRON, "NUMBER": "12345678"})
    fields = {"command": ["true"], "secrets": secrets, "environ": ENVIRON, **options, "cwd": place}
    made = run_request(**fields)  # type: ignore[arg-type]
    assert list(secrets.warnings(made)) == [
        "a secret stands in the command line, where other users can see it (ps)"
    ]


def recorded(**fields: object) -> Execution:
    return Execution(7, "x", "job", ["true"], "/tmp", Status.FAILED, 1, **fields)  # type: ignore[arg-type]


def test_a_rerun_takes_a_secret_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY", "hunter3!")
    execution = recorded(env={"DEPLOY": "***", "LEVEL": "3"})
    with pytest.raises(UsageProblem, match="the values of DEPLOY were not stored"):
        rerun_request(execution)
    secrets = read_secrets_again(execution, ["DEPLOY"], [], {})
    made = rerun_request(execution, secrets=secrets)
    assert (made.environment["DEPLOY"], made.environment["LEVEL"]) == ("hunter3!", "3")
    assert made.secrets == ["hunter3!"]
    assert made.env == {"LEVEL": "3", "DEPLOY": "***"}


def test_a_secret_under_a_harmless_name_is_one_again() -> None:
    execution = recorded(env={"DEPLOY": "***", "API_KEY": "***", "PLACE": "here!"})
    env = {"DEPLOY": "hunter3!", "API_KEY": "looks secret by its name"}
    secrets = read_secrets_again(execution, ["PLACE"], [], env)
    made = rerun_request(execution, env=env, secrets=secrets, environ=ENVIRON)
    assert sorted(made.secrets) == ["here!", "hunter3!"]
    assert made.env == {"DEPLOY": "***", "API_KEY": "***", "PLACE": "***"}
    assert made.environment == {**ENVIRON, **env, "PLACE": "here!"}


def test_a_command_that_could_not_be_stored_is_not_run_again() -> None:
    execution = recorded(warnings=["line 9: odd", HIDDEN_IN_COMMAND])
    with pytest.raises(UsageProblem, match="run it anew with: stepflow run"):
        rerun_request(execution, environ=ENVIRON)


def test_who_names_no_secrets_has_none() -> None:
    assert read_secrets([], [], {}) is NO_SECRETS
    assert read_secrets_again(recorded(), [], [], {"LEVEL": "3"}) is NO_SECRETS
