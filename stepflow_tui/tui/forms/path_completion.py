"""Completing a path as shells do: as far as all that it may become agrees."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

_ENTRIES = 10_000


def completed(text: str, base: Path) -> tuple[str, list[str]]:
    """What a path that was begun can be completed to; reads a directory.

    Args:
        text: what was typed; `~` stands for the user's own directory.
        base: what a relative path is relative to.

    Returns:
        The text with what is certain of the rest, and the names that it may become. A directory
        ends with a slash. Names that begin with a dot are offered once the dot was typed.
    """
    directory, slash, begun = text.rpartition("/")
    try:
        names = sorted(_names(base / Path(directory + slash).expanduser(), begun))
    except RuntimeError:  # there is no such user
        names = []
    if not names:
        return text, []
    common = os.path.commonprefix(names)  # noqa: RUF071 - of names, letter by letter
    return directory + slash + common, names


def _names(directory: Path, begun: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [
                entry.name + ("/" if entry.is_dir() else "")
                for entry in islice(entries, _ENTRIES)
                if entry.name.startswith(begun)
                and entry.name.startswith(".") <= begun.startswith(".")
            ]
    except (OSError, ValueError):  # it cannot be read, or is none: nothing can be offered
        return []


def target_path(text: str, name: str, base: Path) -> Path:
    """The file that is meant: in a directory that is there it gets its own name.

    Args:
        text: what was typed.
        name: of what is to be saved.
        base: what a relative path is relative to.
    """
    path = base / Path(text).expanduser()
    return path / name if text.endswith("/") or path.is_dir() else path
