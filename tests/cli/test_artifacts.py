from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Artifact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording


@pytest.fixture
def number(recording: Recording) -> int:
    return recording.add().number


def store(recording: Recording, number: int, *paths: str) -> None:
    """Record artifacts, with a copy in the home that says its index and path."""
    for index, path in enumerate(paths, 1):
        stored = f"artifacts/x/{index}/{path.rpartition('/')[2]}"
        copy = recording.home.root / stored
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(f"{index} {path}")
        name = path.rpartition("/")[2]
        recording.artifacts(number, Artifact(index, name, path, exists=True, size=3, stored=stored))


def files(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_a_list(recording: Recording, stepflow: Stepflow, number: int) -> None:
    store(recording, number, "out/a.txt")
    recording.artifacts(number, Artifact(2, "b", "b", reason="no such file"))
    assert stepflow("artifacts", "1").out == (
        "1  out/a.txt  3 B  -  -  stored\n2  b          -    -  -  no such file\n"
    )
    listed = json.loads(stepflow("artifacts", "1", "--json").out)
    assert [artifact["path"] for artifact in listed] == ["out/a.txt", "b"]


def test_no_artifacts(stepflow: Stepflow, number: int) -> None:
    done = stepflow("artifacts", str(number))
    assert (done.code, done.out, done.err) == (0, "", "stepflow: #1 has no artifacts\n")
    assert stepflow("artifacts", str(number), "--json").out == "[]\n"


def test_copies_stand_at_the_paths_that_the_script_named(
    recording: Recording, stepflow: Stepflow, number: int, tmp_path: Path
) -> None:
    store(recording, number, "a.txt", "./out/a.txt", "out/b.txt", "out/b.txt", "/abs/c", "../d")
    recording.artifacts(number, Artifact(7, "gone", "gone", reason="no such file"))
    target = tmp_path / "new" / "target"
    done = stepflow("artifacts", "1", "--copy-to", str(target))
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines()[0] == f"stepflow: copied {target}/a.txt"
    assert files(target) == {
        "a.txt": "1 a.txt",
        "out/a.txt": "2 ./out/a.txt",
        "out/b.txt": "3 out/b.txt",
        "out/b-2.txt": "4 out/b.txt",
        "5-c": "5 /abs/c",
        "6-d": "6 ../d",
    }


def test_a_directory_is_copied_with_all_that_is_in_it(
    recording: Recording, stepflow: Stepflow, number: int, tmp_path: Path
) -> None:
    stored = recording.home.artifacts / "x" / "1" / "out"
    (stored / "deep").mkdir(parents=True)
    (stored / "deep" / "a").write_text("a")
    (stored / "run.sh").write_text("b")
    (stored / "run.sh").chmod(0o700)
    recording.artifacts(number, Artifact(1, "out", "out", stored="artifacts/x/1/out"))
    assert stepflow("artifacts", "1", "--copy-to", str(tmp_path / "t")).code == 0
    assert files(tmp_path / "t") == {"out/deep/a": "a", "out/run.sh": "b"}
    assert (tmp_path / "t" / "out" / "run.sh").stat().st_mode & 0o777 == 0o700


def test_nothing_is_overwritten_and_then_nothing_is_copied(
    recording: Recording, stepflow: Stepflow, number: int, tmp_path: Path
) -> None:
    store(recording, number, "a.txt", "b.txt")
    target = tmp_path / "target"
    target.mkdir()
    (target / "b.txt").write_text("mine")
    done = stepflow("artifacts", "1", "--copy-to", str(target))
    assert done.code == 1
    assert done.err == f"stepflow: {target}/b.txt exists; name another directory\n"
    assert files(target) == {"b.txt": "mine"}


def test_a_copy_that_fails_says_why(
    recording: Recording, stepflow: Stepflow, number: int, tmp_path: Path
) -> None:
    store(recording, number, "a.txt")
    (tmp_path / "file").write_text("")
    done = stepflow("artifacts", "1", "--copy-to", str(tmp_path / "file"))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"stepflow: cannot copy to {tmp_path}/file/a.txt: ")


def test_names_as_long_as_a_system_takes_are_copied(
    recording: Recording, stepflow: Stepflow, number: int, tmp_path: Path
) -> None:
    names = [*("x" * (length - 4) + ".txt" for length in range(244, 256)), "é" * 127 + "x"]
    store(recording, number, *names, *names[-2:], *(f"/abs/{name}" for name in names[-3:]))
    target = tmp_path / "t"
    done = stepflow("artifacts", "1", "--copy-to", str(target))
    assert (done.code, done.err.count("copied")) == (0, 18)
    copies = files(target)
    assert len(copies) == 18
    assert copies.keys() >= set(names)
    assert {name.encode()[-4:] for name in copies} >= {b".txt"}
    assert all(len(name.encode()) <= 255 for name in copies)


def test_what_cannot_be_copied_is_named_and_stops_none_of_the_others(
    recording: Recording, stepflow: Stepflow, number: int, tmp_path: Path
) -> None:
    deep = "/".join(["d" * 250] * 17)  # with the target before it no system opens it
    store(recording, number, "a", "b", "b/c", f"{deep}/x", "gone", "z")
    (recording.home.artifacts / "x/5/gone").unlink()
    recording.artifacts(number, Artifact(7, "never", "never", reason="no such file"))
    target = tmp_path / "t"
    done = stepflow("artifacts", "1", "--copy-to", str(target))
    assert done.code == 1
    assert files(target) == {"a": "1 a", "b": "2 b", "z": "6 z"}
    assert done.err.splitlines() == [
        f"stepflow: copied {target}/a",
        f"stepflow: copied {target}/b",
        f"stepflow: copied {target}/z",
        "stepflow: never was not stored: no such file",
        f"stepflow: cannot copy to {target}/b/c: File exists",
        f"stepflow: cannot copy to {target}/{deep}/x: File name too long",
        f"stepflow: cannot copy to {target}/gone: cannot read x/5/gone: No such file or directory",
    ]


def test_what_cannot_be_copied_of_a_directory_is_named_and_stops_none_of_the_others(
    recording: Recording, stepflow: Stepflow, number: int, tmp_path: Path
) -> None:
    stored = recording.home.artifacts / "x" / "1" / "out"
    for name in ("a/one", "in/way/two", "z/three"):
        (stored / name).parent.mkdir(parents=True)
        (stored / name).write_text(name)
    recording.artifacts(number, Artifact(1, "in", "out/in", stored="artifacts/x/1/out/a/one"))
    recording.artifacts(number, Artifact(2, "out", "out", stored="artifacts/x/1/out"))
    target = tmp_path / "t"
    done = stepflow("artifacts", "1", "--copy-to", str(target))
    assert (done.code, files(target)) == (
        1,
        {"out/in": "a/one", "out/a/one": "a/one", "out/z/three": "z/three"},
    )
    assert f"stepflow: cannot copy to {target}/out/in: File exists\n" in done.err
