"""The working directory of a run, under the name that its user knows it by.

A name that leads through symbolic links is kept: `/srv/app/current` means another release tomorrow.
"""

from __future__ import annotations

import os
from pathlib import Path

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.quoting import with_shown_bytes
from stepflow_tui.core.text import clean_line


def current_directory() -> Path:
    """Our own working directory: $PWD where that names it, as for a shell, else its real path.

    Raises:
        UsageProblem: it is gone.
    """
    try:
        real = Path.cwd()
    except OSError as problem:
        raise UsageProblem("the working directory is gone; name another with -C") from problem
    named = os.environ.get("PWD", "")
    if not named.startswith("/") or not {".", ".."}.isdisjoint(named.split("/")):
        return real
    return Path(named) if _is_same(Path(named), real) else real


def working_directory(cwd: Path) -> Path:
    """The directory as an absolute path, in which symbolic links stay as they are.

    Raises:
        UsageProblem: there is none, or nobody may work in it.
    """
    if "\0" in str(cwd):
        raise UsageProblem(f"no directory {clean_line(str(cwd))}: a NUL byte is in no path")
    shown = clean_line(with_shown_bytes(str(cwd)))
    directory = _without_dots(cwd if cwd.is_absolute() else current_directory() / cwd)
    if not _is_directory(directory):
        raise UsageProblem(f"no directory {shown}; name the working directory with -C")
    if not os.access(directory, os.X_OK):
        raise UsageProblem(f"no permission to work in {shown}; name another directory with -C")
    return directory


def _without_dots(path: Path) -> Path:
    """The path with each `..` carried out, as the system does: from where a link leads."""
    directory = Path(path.anchor)
    for name in path.parts[1:]:
        directory = _parent(directory) if name == ".." else directory / name
    return directory


def _parent(directory: Path) -> Path:
    if _is_same(directory.parent, directory / ".."):
        return directory.parent
    return Path(os.path.realpath(directory)).parent


def _is_directory(directory: Path) -> bool:
    try:
        return directory.is_dir()
    except OSError:
        return False


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
