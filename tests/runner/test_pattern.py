from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.runner.beneath import Beneath, Refused
from stepflow_tui.runner.pattern import Pattern, is_pattern

if TYPE_CHECKING:
    from pathlib import Path

TREE = [
    "a.txt",
    "b.log",
    "src/a.txt",
    "src/deep/er/a.txt",
    "src/deep/er/b.txt",
    "src/deep/x.py",
    ".hidden/a.txt",
    "src/.env",
    "z[1].txt",
]


def write(base: Path, *paths: str) -> None:
    for path in paths:
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).touch()


def matches(base: Path, pattern: str) -> list[str]:
    with Beneath(str(base), []) as tree:
        found = Pattern(tree.relative(pattern)).matches(tree, lambda: None)
        return ["/".join(parts) for parts in found]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", ["a.txt", "z[1].txt"]),
        ("?.txt", ["a.txt"]),
        ("[!b].*", ["a.txt"]),
        ("[ab].[lt]*", ["a.txt", "b.log"]),
        ("*", ["a.txt", "b.log", "src", "z[1].txt"]),
        (".*", [".hidden"]),
        (".h*/*", [".hidden/a.txt"]),
        ("src/*", ["src/a.txt", "src/deep"]),
        ("s*/deep/*.py", ["src/deep/x.py"]),
        ("*/a.txt", ["src/a.txt"]),
        ("**/a.txt", ["a.txt", "src/a.txt", "src/deep/er/a.txt"]),
        ("src/**/a.txt", ["src/a.txt", "src/deep/er/a.txt"]),
        ("**/deep/**/*.txt", ["src/deep/er/a.txt", "src/deep/er/b.txt"]),
        ("**/**/**/b.*", ["b.log", "src/deep/er/b.txt"]),
        ("**/d*", ["src/deep"]),
        ("src/**", ["src/a.txt", "src/deep"]),
        ("src/**/*", ["src/a.txt", "src/deep"]),
        ("src/../s*", ["src/../src"]),
        ("src/*/../a.txt", []),
        ("*.txt/*", []),
        ("a.txt/*", []),
    ],
)
def test_patterns_match_like_a_shell(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    write(tmp_path, *TREE)
    assert matches(tmp_path, pattern) == expected


def test_matches_are_in_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "b/x", "a-/x", "a/x", "a/b/x", "x")
    assert matches(tmp_path, "**/x") == ["a/b/x", "a/x", "a-/x", "b/x", "x"]


def test_links_are_followed_where_the_pattern_names_them(tmp_path: Path) -> None:
    write(tmp_path, "work/build-42/out.txt", "outside/out.txt")
    work = tmp_path / "work"
    (work / "latest").symlink_to("build-42")
    (work / "leaving").symlink_to(tmp_path / "outside")
    (work / "build-42/round").symlink_to("..")
    assert matches(work, "*/out.txt") == ["build-42/out.txt", "latest/out.txt"]
    assert matches(work, "**/out.txt") == ["build-42/out.txt"]
    assert matches(work, "lat*/*.txt") == ["latest/out.txt"]
    assert matches(work, "leav*") == ["leaving"], "whoever opens it refuses it"


def test_a_pattern_that_begins_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/link").symlink_to("..")
    for pattern in ("../*", "link/*", f"{tmp_path}/*"):
        with pytest.raises(Refused, match="leads out"):
            matches(tmp_path / "work", pattern)


def test_a_pattern_that_begins_nowhere_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        matches(tmp_path, "none/*")


def test_every_directory_is_read_once_whatever_the_pattern(tmp_path: Path) -> None:
    tmp_path.joinpath(*["a"] * 20).mkdir(parents=True)
    looks: list[int] = []
    with Beneath(str(tmp_path), []) as tree:
        pattern = Pattern(("**", "a", "**", "a", "**", "a", "**", "no*"))
        assert list(pattern.matches(tree, lambda: looks.append(1))) == []
    assert len(looks) == 21


def test_names_that_are_no_text_are_matched(tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff.txt")
    write(tmp_path, name)
    assert matches(tmp_path, "*.txt") == [name]


@pytest.mark.parametrize(
    ("text", "expected"), [("a*", True), ("a?", True), ("[a]", True), ("a/b]c", False)]
)
def test_a_pattern_has_special_characters(text: str, expected: bool) -> None:
    assert is_pattern(text) is expected
