from __future__ import annotations

import errno
import os
import re
import subprocess
from pathlib import Path

import pytest

from stepflow_tui.core.errors import CommandNotExecutable, CommandNotFound
from stepflow_tui.requests.executable import check_executable


def script(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("echo without a shebang\n")
    path.chmod(mode)
    return path


def check(command: str, cwd: Path, search_path: str = "/nowhere") -> None:
    check_executable(command, cwd=cwd, search_path=search_path)


def test_a_path_is_relative_to_the_directory_of_the_script(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "build")
    check("bin/build", tmp_path)
    check("./build", tmp_path / "bin")
    check(str(tmp_path / "bin" / "build"), tmp_path)
    with pytest.raises(CommandNotFound, match=r"^\./build: command not found$") as caught:
        check("./build", tmp_path)
    assert caught.value.exit_code == 127


@pytest.mark.parametrize(
    ("content", "interpreter"),
    [
        (b"#!/bin/bash\r\necho\r\n", r"'/bin/bash\r'"),
        (b"#! /bin/sh\r", r"'/bin/sh\r'"),
        (b"#!/no/such -x\n", "'/no/such'"),
        (b"#!\t/no/such\twords\n", "'/no/such'"),
        (b"#!no/such\n", "'no/such'"),
        (b"#!/no/\xff\x1b[31m\n", r"'/no/\udcff\x1b[31m'"),
    ],
)
def test_an_interpreter_must_be_there(tmp_path: Path, content: bytes, interpreter: str) -> None:
    path = script(tmp_path / "build")
    path.write_bytes(content)
    for command, search_path in (("./build", "/nowhere"), ("build", str(tmp_path))):
        with pytest.raises(CommandNotFound) as caught:
            check(command, tmp_path, search_path)
        told = str(caught.value)
        assert told.startswith(f"{command}: its interpreter {interpreter} does not exist")
        assert ("Windows line endings" in told) == (b"\r" in content)
        assert caught.value.exit_code == 127


def test_an_interpreter_must_be_executable(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    for interpreter in ("plain", tmp_path / "plain", tmp_path):
        script(tmp_path / "build").write_text(f"#!{interpreter}\n")
        with pytest.raises(CommandNotExecutable) as caught:
            check("./build", tmp_path)
        assert str(caught.value) == f"./build: its interpreter '{interpreter}' is not executable"
        assert caught.value.exit_code == 126


@pytest.mark.parametrize(
    "content",
    [
        *(b"#!/bin/sh\n", b"#!/bin/sh -e\r\n", b"#!/usr/bin/env bash\r\n", b"#!\n", b"#!"),
        *(b"# no shebang\r\n", b"\xef\xbb\xbf#!/no/such\n", b"\0#!/no/such", b"#!   \n", b""),
    ],
)
def test_who_is_there_says_itself_what_it_does_not_like(tmp_path: Path, content: bytes) -> None:
    script(tmp_path / "build").write_bytes(content)
    check("./build", tmp_path)


def test_the_loader_of_a_program_must_be_there(tmp_path: Path) -> None:
    """As that of another C library."""
    program = Path("/bin/true").read_bytes()
    found = re.search(rb"/lib[^\0]*/ld-[^\0]*\0", program)
    if found is None or program[4:6] != b"\x02\x01":
        pytest.skip("programs of this system are linked in another way")
    missing = b"/lib/none.so.1".ljust(len(found[0]), b"\0")
    path = script(tmp_path / "build")
    path.write_bytes(program)
    check("./build", tmp_path)
    path.write_bytes(program.replace(found[0], missing))
    with pytest.raises(CommandNotFound, match=r"its interpreter '/lib/none\.so\.1' does not exist"):
        check("./build", tmp_path)
    path.write_bytes(program[:70])  # the system tells
    check("./build", tmp_path)


def test_an_interpreter_may_be_a_script_and_relative_to_the_directory(tmp_path: Path) -> None:
    script(tmp_path / "inner").write_text("#!/no/such\n")
    script(tmp_path / "outer").write_text("#!inner\n")
    with pytest.raises(CommandNotFound, match="its interpreter '/no/such' does not exist"):
        check("./outer", tmp_path)
    script(tmp_path / "inner").write_text("#!/bin/sh\n")
    check("./outer", tmp_path)


def test_a_word_is_searched_in_the_given_path_only(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "build")
    check("build", tmp_path, f"/nowhere:{tmp_path}/bin")
    check("build", tmp_path, "bin")
    check("build", tmp_path / "bin", "/nowhere:")
    with pytest.raises(CommandNotFound):
        check("build", tmp_path / "bin")


def test_what_may_not_be_executed_says_how_to_mend_it(tmp_path: Path) -> None:
    path = script(tmp_path / "build", 0o644)
    with pytest.raises(CommandNotExecutable) as caught:
        check("./build", tmp_path)
    assert str(caught.value) == f"./build: not executable; run: chmod +x {path}"
    assert caught.value.exit_code == 126
    with pytest.raises(CommandNotExecutable):
        check("build", tmp_path, str(tmp_path))


def test_an_executable_further_along_the_path_is_found(tmp_path: Path) -> None:
    script(tmp_path / "one" / "build", 0o644)
    (tmp_path / "two" / "build").mkdir(parents=True)
    script(tmp_path / "three" / "build")
    check("build", tmp_path, "one:two:three")


def test_a_directory_is_no_command(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    with pytest.raises(CommandNotExecutable, match="is a directory"):
        check("./build", tmp_path)
    with pytest.raises(CommandNotFound):
        check("build", tmp_path, str(tmp_path))


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    script(tmp_path / "build")
    for command in ("./build/", "./build//", f"{tmp_path}/build/"):
        with pytest.raises(CommandNotExecutable, match="is not a directory") as caught:
            check(command, tmp_path)
        assert caught.value.exit_code == 126


def test_interpreters_may_be_scripts_as_far_as_the_system_follows(tmp_path: Path) -> None:
    paths = [script(tmp_path / f"build{number}") for number in range(8)]
    for path, interpreter in zip(paths, ["/bin/true", *paths], strict=False):
        path.write_text(f"#!{interpreter}\n")
    refused = [path for path in paths if is_refused_by_the_system(path)]
    assert 0 < len(refused) < len(paths)
    for path in paths:
        if path in refused:
            with pytest.raises(CommandNotExecutable, match="too many interpreters in a row"):
                check(f"./{path.name}", tmp_path)
        else:
            check(f"./{path.name}", tmp_path)


def is_refused_by_the_system(path: Path) -> bool:
    try:
        subprocess.run([path], check=True)
    except OSError as problem:
        return problem.errno == errno.ELOOP
    return False


def test_a_script_is_not_its_own_interpreter(tmp_path: Path) -> None:
    path = script(tmp_path / "build")
    path.write_text(f"#!{path}\n")
    with pytest.raises(CommandNotExecutable, match="too many interpreters in a row"):
        check("./build", tmp_path)


@pytest.mark.parametrize("command", ["./dangling", "./file/below", f"./{'x' * 300}", "x" * 300])
def test_what_cannot_be_reached_is_not_found(tmp_path: Path, command: str) -> None:
    (tmp_path / "dangling").symlink_to("gone")
    script(tmp_path / "file")
    with pytest.raises(CommandNotFound):
        check(command, tmp_path, str(tmp_path))


def test_control_characters_do_not_reach_the_message(tmp_path: Path) -> None:
    with pytest.raises(CommandNotFound) as caught:
        check("x\x1b]52;c;aGk=\x07\ny", tmp_path)
    assert str(caught.value) == "x y: command not found"


def test_bytes_that_are_no_utf8_name_a_file(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    script(tmp_path / name)
    check(f"./{name}", tmp_path)
