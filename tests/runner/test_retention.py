from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.home import Home
from stepflow_tui.runner.hole import punch_hole
from stepflow_tui.runner.retention import prune_spools, remove_files
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare_home(home)
    return home


def test_holes_of_a_spool_take_no_space(home: Home) -> None:
    for age, name in enumerate(("a", "b")):
        path = home.spool / f"{name}.out"
        path.write_bytes(b"x" * 4 * MIB)
        descriptor = os.open(path, os.O_RDWR)
        punch_hole(descriptor, 0, 3 * MIB)
        os.close(descriptor)
        os.utime(path, (10**9 - age, 10**9 - age))
    assert prune_spools(home, needed=(), max_age_s=1e10, max_bytes=3 * MIB) == []
    assert prune_spools(home, needed=(), max_age_s=1e10, max_bytes=1.5 * MIB) == ["b"]
    assert (home.spool / "a.out").stat().st_size == 4 * MIB


def test_the_files_of_one_execution_go_and_no_others(home: Home) -> None:
    for name in ("one.out", "one.lock", "one.exit", "one.7.tmp", "two.out"):
        (home.spool / name).touch()
    for name in ("one", "two"):
        (home.artifacts / name / "1").mkdir(parents=True)
        (home.artifacts / name / "1" / "file").touch()
    remove_files(home, "one")
    remove_files(home, "one")
    assert sorted(path.name for path in home.spool.iterdir()) == ["one.7.tmp", "two.out"]
    assert [path.name for path in home.artifacts.iterdir()] == ["two"]


def test_what_a_link_leads_to_is_not_removed(home: Home, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (home.artifacts / "one" / "1").mkdir(parents=True)
    (home.artifacts / "one" / "1" / "link").symlink_to(tmp_path / "mine")
    (home.artifacts / "two").symlink_to(tmp_path / "mine")
    remove_files(home, "one")
    with pytest.raises(OSError, match=r"symbolic link|two"):
        remove_files(home, "two")
    assert (tmp_path / "mine" / "file").exists()
