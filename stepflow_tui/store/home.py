"""Making and checking the home directory."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import HomeProblem

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home


def prepare_home(home: Home) -> None:
    """Make what is missing of the home, mode 0700, after checking what is there.

    Raises:
        HomeProblem: it cannot be made, is not ours alone, or is a directory of something else.
    """
    check_home(home)
    _check_ours(home)
    try:
        home.root.parent.mkdir(parents=True, exist_ok=True)
        for directory in home.directories:
            directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise HomeProblem(
            f"cannot make {home.root}: {error.strerror}; name another home with --home"
        ) from error
    check_home(home)  # somebody may have made it at the same time


def _check_ours(home: Home) -> None:
    if not home.root.exists() or not any(home.root.iterdir()):
        return
    if not any(path.exists() for path in (home.database, home.requests, home.runner_lock)):
        raise HomeProblem(
            f"{home.root} holds other files, and nothing of ours; "
            "name a new or empty directory with --home"
        )


def check_home(home: Home) -> None:
    """Refuse a home that another user owns or can look into. A missing home is no problem.

    Raises:
        HomeProblem: with the command that mends it.
    """
    try:
        entry = home.root.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise HomeProblem(f"cannot read {home.root}: {error.strerror}") from error
    _check_entry(home.root, entry)


def _check_entry(root: Path, entry: os.stat_result) -> None:
    if stat.S_ISLNK(entry.st_mode):
        raise HomeProblem(f"{root} is a symbolic link; name its target with --home")
    if not stat.S_ISDIR(entry.st_mode):
        raise HomeProblem(f"{root} is not a directory; name another home with --home")
    if entry.st_uid != os.geteuid():
        raise HomeProblem(
            f"{root} belongs to user {entry.st_uid}, not to you ({os.geteuid()}); "
            "work as its owner or name another home with --home"
        )
    if entry.st_mode & 0o077:
        raise HomeProblem(f"{root} can be read by others; run: chmod 700 {root}")
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise HomeProblem(f"cannot read {root}; run: chmod 700 {root}")
