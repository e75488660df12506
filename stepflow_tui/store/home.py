"""Making and checking the home directory."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.paths import is_read_only
from stepflow_tui.store.filesystem import check_file_system

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home


_MOST_PATH_BYTES = 512 - len("-journal")
"""Of the database; SQLite opens no longer ones (its MAX_PATHNAME)."""

_MOST_NAME_BYTES = 255
_SHOWN_BYTES = 60


def prepare_home(home: Home) -> None:
    """Make what is missing of the home, mode 0700, after checking what is there.

    Raises:
        HomeProblem: it cannot be made, is not ours alone, is a directory of something else, or
            lies where a database that several processes use can break.
    """
    check_home(home)
    _check_writable(home)
    _check_files(home)
    check_file_system(home.root)
    _check_ours(home)
    try:
        _make_parents(home.root)
        for directory in home.directories:
            directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise HomeProblem(
            f"cannot make {home.root}: {error.strerror}; name another home with --home"
        ) from error
    check_home(home)  # somebody may have made it at the same time


def _make_parents(root: Path) -> None:
    """Make what leads to it: who could write there, by a lax umask, could replace it."""
    for directory in reversed(root.parents):
        if not directory.exists():
            directory.mkdir(mode=0o755, exist_ok=True)


def _check_ours(home: Home) -> None:
    if not home.root.exists() or not any(home.root.iterdir()):
        return
    if not any(path.exists() for path in (home.database, home.requests, home.runner_lock)):
        raise HomeProblem(
            f"{home.root} holds other files, and nothing of ours; "
            "name a new or empty directory with --home"
        )


def check_home(home: Home) -> None:
    """Refuse a home, or a part of one, that another user owns or can look into.

    What is missing is no problem.

    Raises:
        HomeProblem: with the command that mends it.
    """
    _check_length(home)
    if _entry(home.root) is None:
        return
    for directory in home.directories:
        _check_directory(home, directory)


def _check_length(home: Home) -> None:
    """Refuse what SQLite cannot open, by its given name or without links."""
    try:
        names = (home.database, os.path.realpath(home.database))
        longest = max(len(os.fsencode(name)) for name in names)
    except OSError as error:
        raise HomeProblem(f"cannot read {home.root}: {error.strerror}") from error
    excess = longest - _MOST_PATH_BYTES
    name = max(map(len, map(os.fsencode, home.root.parts)))
    if excess > 0 or name > _MOST_NAME_BYTES:
        shown = os.fsdecode(os.fsencode(home.root)[:_SHOWN_BYTES])
        by = f"by {excess} bytes" if excess > 0 else f"in a part of {name} bytes"
        raise HomeProblem(
            f"the path of the home {shown}... is too long {by}; name a shorter one with --home"
        )


def _check_files(home: Home) -> None:
    """Readers do without: what lies in a directory of ours alone is out of others' reach."""
    for file in (home.database, home.runner_lock):
        _check_file(file)


def _entry(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeProblem(f"cannot read {path}: {error.strerror}") from error


def _check_directory(home: Home, directory: Path) -> None:
    entry = _entry(directory)
    if entry is None:
        return
    is_root = directory == home.root
    if stat.S_ISLNK(entry.st_mode):
        way_out = "name its target with --home" if is_root else "put its target in its place"
        raise HomeProblem(f"{directory} is a symbolic link; {way_out}")
    if not stat.S_ISDIR(entry.st_mode):
        way_out = "name another home with --home" if is_root else "move it out of the way"
        raise HomeProblem(f"{directory} is not a directory; {way_out}")
    _check_ownership(directory, entry, "700")
    is_writable = os.access(directory, os.W_OK) or is_read_only(directory)
    if not (is_writable and os.access(directory, os.R_OK | os.X_OK)):
        raise HomeProblem(f"cannot read {directory}; run: chmod 700 {_quoted(directory)}")


def read_only_problem(home: Home) -> HomeProblem:
    """What to say to who wants to write into a home that lies on a read-only file system."""
    return HomeProblem(
        f"the file system of {home.root} is read-only: what was recorded can be read, "
        "and nothing new runs until it can be written again"
    )


def _check_writable(home: Home) -> None:
    for directory in home.directories:
        if _entry(directory) is not None and is_read_only(directory):
            raise read_only_problem(home)


def _check_file(file: Path) -> None:
    entry = _entry(file)
    if entry is None:
        return
    if not stat.S_ISREG(entry.st_mode):
        raise HomeProblem(f"{file} is not a plain file; move it out of the way")
    _check_ownership(file, entry, "600")


def _check_ownership(path: Path, entry: os.stat_result, mode: str) -> None:
    if entry.st_uid != os.geteuid():
        raise HomeProblem(
            f"{path} belongs to user {entry.st_uid}, not to you ({os.geteuid()}); "
            "work as its owner or name another home with --home"
        )
    if entry.st_mode & 0o077:
        raise HomeProblem(f"{path} can be read by others; run: chmod {mode} {_quoted(path)}")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
