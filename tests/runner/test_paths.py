"""Directories and files by the names they have, to the byte, from the command line and back."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.store import queries
from tests.house import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house import House

ODD = b"caf\xe9"
"""A name that is no UTF-8."""

REPLACED = "caf\N{REPLACEMENT CHARACTER}"


def stepflow(
    house: House, *arguments: str | bytes, cwd: bytes | Path | None = None, **variables: str
) -> bytes:
    """What the command line prints, run as a process of its own."""
    command = [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root), *arguments]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_json(house: House, *arguments: str) -> Any:  # noqa: ANN401 - as in the json module
    return json.loads(stepflow(house, *arguments, "--json"))


def odd_directory(house: House) -> bytes:
    """A directory of a name that is no UTF-8, and beside it the one it must not be taken for."""
    directory = house.root / os.fsdecode(ODD)
    directory.mkdir()
    (house.root / REPLACED).mkdir()
    return os.fsencode(directory)


def test_a_linked_directory_is_kept_and_a_rerun_is_in_the_new_release(house: House) -> None:
    for name in ("one", "two"):
        (house.root / name).mkdir()
        (house.root / name / "release").write_text(f"{name}\n")
    current = house.root / "current"
    current.symlink_to("one")
    script = house.script('cat release; echo "$PWD"; pwd -P; echo "ARTIFACT:$PWD/release"')
    stepflow(house, "run", "-d", str(script), cwd=current, PWD=str(current))
    first = wait_for(lambda: next(iter(house.read(queries.newest_executions(1))), None))
    first = house.wait(first.id)
    assert first.cwd == str(current)
    log = f"one\n{current}\n{house.root}/one\nARTIFACT:{current}/release\n"
    assert house.log(first).decode() == log
    current.unlink()
    current.symlink_to("two")
    stepflow(house, "rerun", "1")
    [second] = house.read(queries.newest_executions(1))
    second = house.wait(second.id)
    assert house.log(second).decode() == log.replace("one", "two")
    for number, release in ((1, b"one\n"), (2, b"two\n")):
        [artifact] = house.read(queries.artifacts(number))
        assert artifact.stored is not None, artifact.reason
        assert (house.home.root / artifact.stored).read_bytes() == release


@pytest.mark.parametrize("given", ["out", "{cwd}/out", "{real}/out", "*ut"])
def test_artifacts_are_those_of_the_release_in_which_it_runs(house: House, given: str) -> None:
    for name in ("one", "two"):
        (house.root / name).mkdir()
        (house.root / name / "out").write_text(f"old {name}")
    current = house.root / "current"
    current.symlink_to("one")
    given = given.format(cwd=current, real=house.root / "one")
    script = house.script(f"ln -sfn two {current}; echo new > out; echo 'ARTIFACT:{given}'")
    execution = house.run(script, cwd=str(current))
    [artifact] = house.read(queries.artifacts(execution.number))
    assert artifact.stored is not None, artifact.reason
    assert (house.home.root / artifact.stored).read_text() == "new\n"


def test_a_directory_that_is_moved_while_a_script_works_in_it(house: House) -> None:
    work = house.root / "work"
    work.mkdir()
    script = house.script(
        f"mv {work} {house.root}/moved; mkdir {work}; echo other > {work}/out; echo mine > out\n"
        "echo ARTIFACT:out; until [ -e go ]; do sleep 0.01; done"
    )
    execution = house.submit(script, cwd=str(work))

    def collected() -> str | None:
        found = house.find(execution)
        artifacts = house.read(queries.artifacts(found.number)) if found else []
        return artifacts[0].stored if artifacts else None

    stored = wait_for(collected)
    (house.root / "moved" / "go").touch()
    house.wait(execution)
    assert (house.home.root / stored).read_text() == "mine\n"


def test_a_directory_that_is_no_utf8(house: House) -> None:
    directory = odd_directory(house)
    script = house.script(
        "printf %s \"$PWD\" | od -An -tx1 | tr -d ' \\n'; echo\n"
        "echo kept > out; echo both > $'out-\\351'\n"
        "echo ARTIFACT:out; echo \"ARTIFACT:$PWD/out\"; echo 'ARTIFACT:out-'*; echo 'ARTIFACT:*t-*'"
    )
    stepflow(house, "run", str(script), cwd=directory)
    stepflow(house, "rerun", "1")
    house.wait(house.read(queries.newest_executions(1))[0].id)
    for number in (1, 2):
        [execution] = house.read(queries.execution(number))
        assert (execution.status, os.fsencode(execution.cwd)) == (Status.COMPLETED, directory)
        assert house.log(execution).splitlines()[0] == directory.hex().encode()
        with closing(sqlite3.connect(house.home.database)) as other:
            query = "SELECT cwd FROM executions WHERE number = ?"
            assert other.execute(query, (number,)).fetchall() == [(directory,)]
        artifacts = house.read(queries.artifacts(number))
        assert [artifact.reason for artifact in artifacts] == [None] * 4
        assert [os.fsencode(artifact.path) for artifact in artifacts] == [
            b"out",
            directory + b"/out",
            b"out-\xe9",
            b"out-\xe9",
        ]
        assert os.fsencode(artifacts[2].name) == b"out-\xe9"
        contents = [
            (house.home.root / str(artifact.stored)).read_text().strip() for artifact in artifacts
        ]
        assert contents == ["kept", "kept", "both", "both"]
    assert not any((house.root / REPLACED).iterdir())


def test_a_directory_that_is_no_utf8_is_shown_and_told_as_it_is(house: House) -> None:
    directory = odd_directory(house)
    script = house.script("touch $'x\\351'; echo 'ARTIFACT:x'*; : $1")
    stepflow(house, "run", str(script), b"word-\xff", cwd=directory)
    shown = stepflow(house, "show", "1").decode()
    assert f"$'{house.root}/caf\\351'" in shown
    assert "$'word-\\377'" in shown
    assert "$'x\\351'" in shown
    assert "\N{REPLACEMENT CHARACTER}" not in shown
    told = of_json(house, "show", "1")
    assert os.fsencode(told["cwd"]) == directory
    assert os.fsencode(told["command"][1]) == b"word-\xff"
    assert os.fsencode(told["artifacts"][0]["path"]) == b"x\xe9"
    assert os.fsencode(of_json(house, "artifacts", "1")[0]["name"]) == b"x\xe9"
    target = house.root / "target"
    stepflow(house, "artifacts", "1", "--copy-to", str(target))
    assert [os.fsencode(path.name) for path in target.iterdir()] == [b"x\xe9"]


def test_a_directory_with_the_replacement_character_is_that_one(house: House) -> None:
    odd_directory(house)
    script = house.script('echo "$PWD"; touch here; echo ARTIFACT:here')
    stepflow(house, "run", str(script), cwd=house.root / REPLACED)
    stepflow(house, "rerun", "1")
    second = house.wait(house.read(queries.newest_executions(1))[0].id)
    assert house.log(second).decode().splitlines()[0] == str(house.root / REPLACED)
    assert second.cwd == str(house.root / REPLACED)


@pytest.mark.parametrize("given", ["out", "{cwd}/out", "ou*"])
def test_a_secret_in_the_name_of_the_directory_is_hidden_and_hinders_nothing(
    house: House, given: str
) -> None:
    work = house.root / "tok-s3cr3tvalue"
    work.mkdir()
    given = given.format(cwd=work)
    script = house.script(f"echo kept > out; echo 'ARTIFACT:{given}'")
    execution = house.run(script, cwd=str(work), secrets=["s3cr3tvalue"])
    assert execution.cwd == f"{house.root}/tok-***"
    [artifact] = house.read(queries.artifacts(execution.number))
    assert artifact.stored is not None, artifact.reason
    assert (house.home.root / artifact.stored).read_text() == "kept\n"
    assert b"s3cr3tvalue" not in house.home.database.read_bytes()
    assert b"s3cr3tvalue" not in house.home.wal.read_bytes()
    assert b"tok-***" in stepflow(house, "show", str(execution.number))


def test_names_with_colons_and_tabs_and_as_long_as_can_be_get_to_where_they_are_copied(
    house: House,
) -> None:
    names = ["log.19:17:33.gz", "a\tb", *("n" * length for length in range(246, 256))]
    work, target = house.root / "work", house.root / "target"
    work.mkdir()
    for name in names:
        (work / name).write_text(name)
    script = house.script('for name in *; do echo "ARTIFACT:$name:what it is"; done')
    house.run(script, cwd=str(work))
    listed = of_json(house, "artifacts", "1")
    assert sorted(one["path"] for one in listed) == sorted(names)
    assert {(one["status"], one["description"]) for one in listed} == {("stored", "what it is")}
    stepflow(house, "artifacts", "1", "--copy-to", str(target))
    assert {path.name: path.read_text() for path in target.iterdir()} == {n: n for n in names}


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_names_do_not_depend_on_the_locale_of_who_started_the_runner(
    house: House, locale: str
) -> None:
    plain = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    work = house.root / "é漢"
    work.mkdir()
    (work / "ö").touch()
    script = house.script('printf "%s\\n" "$PWD" "$1"; echo ARTIFACT:ö; echo "ARTIFACT:$PWD/ö"')
    stepflow(house, "run", str(script), "ü".encode(), cwd=os.fsencode(work), **plain)
    stepflow(house, "tag", "1", "+grün".encode(), cwd=None, **plain)
    stepflow(house, "note", "1", "fürs erste".encode(), cwd=None, **plain)
    told = of_json(house, "show", "1")
    assert (told["cwd"], told["command"][1]) == (str(work), "ü")
    assert (told["tags"], told["note"]) == (["grün"], "fürs erste")
    assert house.log(house.read(queries.execution(1))[0]).decode().split()[:2] == [str(work), "ü"]
    assert [one["status"] for one in told["artifacts"]] == ["stored"] * 2


def test_a_home_and_a_backup_of_names_that_are_no_utf8(house: House) -> None:
    home = os.fsencode(house.root) + b"/h\xe9me"

    def say(*arguments: str | bytes, cwd: Path | None = None, home: bytes = home) -> str:
        command = [sys.executable, "-m", "stepflow_tui", "--home", home, *arguments]
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
        return (done.stdout + done.stderr).decode()

    try:
        say("run", "sh", "-c", "echo x > out; echo ARTIFACT:out", cwd=house.root)
        assert "stored" in say("artifacts", "last")
        assert f"home         $'{house.root}/h\\351me'" in say("health")
        assert f"$'{house.root}/b\\351'" in say("backup", os.fsencode(house.root) + b"/b\xe9")
        assert (house.root / "b\udce9").read_bytes().startswith(b"SQLite format 3")
        assert r"stepflow: ./n\351: command not found" in say("run", b"./n\xe9")
        other = say("run", "true", home=home + b"/stepflow.db")
        assert rf"stepflow: {house.root}/h\351me/stepflow.db is not a directory" in other
    finally:
        say("runner", "stop")


def test_a_directory_that_holds_a_secret_has_to_be_named_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_X", "s3cr3tvalue")
    for name in ("s3cr3tvalue", "***"):  # the second is what the first is recorded as
        (house.root / name).mkdir()
    work = house.root / "s3cr3tvalue"
    stepflow(house, "run", "--secret", "TOKEN_X", "touch", "here", cwd=work)
    command = [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root), "rerun"]
    command += ["--secret", "TOKEN_X", "1"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    sentence = "a secret is hidden in its directory; name it again with -C"
    assert refused.stderr == f"stepflow: {sentence}\n"
    (work / "here").unlink()
    subprocess.run([*command[:-1], "-C", str(work), "1"], check=True, capture_output=True)
    house.wait(house.read(queries.newest_executions(1))[0].id)
    assert (work / "here").exists()
    assert not any((house.root / "***").iterdir())


def test_a_directory_that_cannot_be_entered_is_said_without_its_secret(house: House) -> None:
    cwd = os.fsdecode(os.fsencode(house.root) + b"/caf\xe9-s3cr3tvalue")
    execution = house.run("true", cwd=cwd, secrets=["s3cr3tvalue"])
    assert execution.status is Status.FAILED
    assert execution.error == (
        f"could not be started: its working directory '{house.root}/caf\\udce9-***' "
        "cannot be entered: No such file or directory"
    )
    assert house.run("true").status is Status.COMPLETED


def test_a_secret_in_the_name_of_a_file_that_a_pattern_finds_is_hidden(house: House) -> None:
    script = house.script("mkdir d; echo kept > d/s3cr3tvalue.txt; echo 'ARTIFACT:d/*.txt'")
    execution = house.run(script, secrets=["s3cr3tvalue"])
    [artifact] = house.read(queries.artifacts(execution.number))
    assert (artifact.path, artifact.name) == ("d/***.txt", "***.txt")
    assert (house.home.root / str(artifact.stored)).read_text() == "kept\n"
    assert b"s3cr3tvalue" not in house.home.database.read_bytes() + house.home.wal.read_bytes()
