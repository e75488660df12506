from __future__ import annotations

import functools
import os
import stat
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.home import Home
from stepflow_tui.store import home as store_home
from stepflow_tui.store.filesystem import check_file_system
from stepflow_tui.store.home import check_home, prepare_home
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.house import House

DIRECTORIES = ["requests", "requests/refused", "spool", "artifacts"]
FILES = ["stepflow.db", "runner.lock"]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in use."""
    home = Home(tmp_path / "home")
    prepare_home(home)
    for name in FILES:
        (home.root / name).touch(mode=0o600)
    return home


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def refusal(check: Callable[[Home], None], home: Home) -> str:
    with pytest.raises(HomeProblem) as caught:
        check(home)
    return str(caught.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_all_directories_are_ours_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "state" / "stepflow")
    prepare_home(home)
    prepare_home(home)
    assert {mode(directory) for directory in home.directories} == {0o700}


@pytest.mark.usefixtures("no_umask")
def test_no_umask_opens_what_is_made(tmp_path: Path) -> None:
    home = Home(tmp_path / "local" / "state" / "stepflow")
    prepare_home(home)
    assert {mode(directory) for directory in home.directories} == {0o700}
    assert {mode(tmp_path / "local"), mode(tmp_path / "local" / "state")} == {0o755}


@pytest.mark.usefixtures("no_umask")
def test_nothing_of_a_run_is_open_to_others(house: House) -> None:
    script = house.script("echo made > made\nchmod 777 made\necho ARTIFACT:made\n")
    execution = house.run(script, umask=0)
    house.kill_runner()  # so that nothing comes or goes while we look
    found = {path: mode(path) for path in house.home.root.rglob("*")}
    names = {path.name for path in found}
    assert names >= {"stepflow.db", "stepflow.db-wal", "runner.lock", "runner.log", "made"}
    assert names >= {f"{execution.id}.out", f"{execution.id}.exit", f"{execution.id}.lock"}
    assert {mode for path, mode in found.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in found.items() if not path.is_dir()} == {0o600}


@pytest.mark.parametrize("open_mode", [0o755, 0o777, 0o750, 0o701])
@pytest.mark.parametrize("check", [check_home, prepare_home])
def test_a_directory_that_others_can_read_stays_as_it_is(
    tmp_path: Path, open_mode: int, check: Callable[[Home], None]
) -> None:
    root = tmp_path / "public"
    root.mkdir()
    root.chmod(open_mode)
    assert refusal(check, Home(root)) == f"{root} can be read by others; run: chmod 700 {root}"
    assert list(root.iterdir()) == []
    root.chmod(0o700)
    check(Home(root))


@pytest.mark.parametrize("name", DIRECTORIES)
@pytest.mark.parametrize("check", [check_home, prepare_home])
def test_no_directory_in_it_is_open_to_others(
    home: Home, name: str, check: Callable[[Home], None]
) -> None:
    path = home.root / name
    path.chmod(0o710)
    assert refusal(check, home) == f"{path} can be read by others; run: chmod 700 {path}"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("open_mode", [0o644, 0o620, 0o602])
def test_no_runner_starts_on_files_that_are_open_to_others(
    home: Home, name: str, open_mode: int
) -> None:
    path = home.root / name
    path.chmod(open_mode)
    assert refusal(prepare_home, home) == f"{path} can be read by others; run: chmod 600 {path}"
    check_home(home)
    path.chmod(0o600)
    prepare_home(home)


def test_the_command_that_mends_it_can_be_pasted(tmp_path: Path) -> None:
    root = tmp_path / "my $HOME"
    root.mkdir()
    root.chmod(0o755)
    assert refusal(check_home, Home(root)).endswith(f"run: chmod 700 '{root}'")


def test_a_link_to_a_home_is_not_followed(home: Home, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(home.root)
    for check in (check_home, prepare_home):
        said = refusal(check, Home(link))
        assert said == f"{link} is a symbolic link; name its target with --home"


@pytest.mark.parametrize("name", DIRECTORIES)
def test_a_link_in_the_place_of_a_directory_is_refused(
    home: Home, tmp_path: Path, name: str
) -> None:
    path = home.root / name
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    said = refusal(check_home, home)
    assert said == f"{path} is a symbolic link; put its target in its place"


@pytest.mark.parametrize("name", FILES)
def test_a_link_in_the_place_of_a_file_is_refused(home: Home, tmp_path: Path, name: str) -> None:
    path = home.root / name
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    said = refusal(prepare_home, home)
    assert said == f"{path} is not a plain file; move it out of the way"


def test_a_file_in_the_place_of_a_directory_is_refused(home: Home) -> None:
    home.artifacts.rmdir()
    home.artifacts.touch()
    said = refusal(check_home, home)
    assert said == f"{home.artifacts} is not a directory; move it out of the way"
    home.root.rename(home.root.with_name("moved"))
    home.root.touch()
    said = refusal(check_home, home)
    assert said == f"{home.root} is not a directory; name another home with --home"


@as_root
@pytest.mark.parametrize("name", [".", *DIRECTORIES, *FILES])
def test_all_of_it_must_be_ours(home: Home, name: str) -> None:
    path = home.root / name
    os.chown(path, 4321, -1)
    said = f"{path} belongs to user 4321, not to you (0); "
    assert refusal(prepare_home, home).startswith(said)


@as_root
def test_who_may_not_look_is_told_how_to(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != home.spool)
    said = refusal(check_home, home)
    assert said == f"cannot read {home.spool}; run: chmod 700 {home.spool}"


def test_a_directory_of_something_else_stays_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "letters"
    root.mkdir(mode=0o700)
    letter = root / "letter.txt"
    letter.touch()
    with pytest.raises(HomeProblem, match="holds other files, and nothing of ours"):
        prepare_home(Home(root))
    assert list(root.iterdir()) == [letter]


@pytest.mark.parametrize("name", ["stepflow.db", "requests", "runner.lock"])
def test_a_home_with_something_missing_is_mended(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    entry = home.root / name
    entry.mkdir(mode=0o700) if name == "requests" else entry.touch(mode=0o600)
    prepare_home(home)
    assert all(directory.is_dir() for directory in home.directories)


def test_an_empty_directory_becomes_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    prepare_home(home)
    assert home.refused.is_dir()


def test_nothing_is_made_on_a_network_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"1 1 0:1 / {tmp_path} rw - nfs4 server:/ rw\n")
    check = functools.partial(check_file_system, mounts=table)
    monkeypatch.setattr(store_home, "check_file_system", check)
    home = Home(tmp_path / "state" / "home")
    assert f"{home.root} lies on nfs4, " in refusal(prepare_home, home)
    assert not home.root.parent.exists()
    monkeypatch.setenv("STEPFLOW_NETWORK_HOME", "1")
    prepare_home(home)
    assert home.spool.is_dir()


def long_root(tmp_path: Path, length: int) -> Path:
    """A directory to be, whose path has so many bytes."""
    root = tmp_path
    while length - len(str(root)) > 101:
        root /= "d" * 100
    return root / ("e" * (length - len(str(root)) - 1))


def test_the_longest_path_that_works_and_the_next(tmp_path: Path) -> None:
    home = Home(long_root(tmp_path, 492))
    prepare_home(home)
    writer = Writer(home.database)
    with Reader(home.database):
        writer.close()
    longer = Home(long_root(tmp_path, 493))
    with pytest.raises(HomeProblem, match="too long by 1 bytes; name a shorter one with --home"):
        prepare_home(longer)
    with pytest.raises(HomeProblem, match="too long by 1 bytes"):
        check_home(longer)
    assert not longer.root.exists()


def test_a_link_to_a_path_that_is_too_long(tmp_path: Path) -> None:
    target = long_root(tmp_path, 600)
    target.mkdir(parents=True)
    (tmp_path / "short").symlink_to(target)
    with pytest.raises(HomeProblem, match="too long by"):
        prepare_home(Home(tmp_path / "short" / "home"))
    assert list(target.iterdir()) == []


def test_a_part_of_a_path_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(HomeProblem, match="in a part of 256 bytes; name a shorter one"):
        prepare_home(Home(tmp_path / ("é" * 128)))
    prepare_home(Home(tmp_path / ("e" * 255)))
