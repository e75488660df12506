"""What a typed command or directory may go on as. These functions read directories and block."""

from __future__ import annotations

import os
import re
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 50
"""So many are offered at most."""

_LOOKED_AT = 20_000
"""Entries of one directory: in a larger one the rest is not looked at."""

_LAST_WORD = re.compile(r"(?:^|(?<=\s))(?:[^\s\\'\"]|\\.)*$")
_SPECIAL = re.compile(r"([^\w@%+=:,./~-])")


def complete_command(text: str, cwd: str, search_path: str) -> list[str]:
    """Texts that a command line may become when its last word is completed.

    Args:
        text: of the line, in which the last word is completed.
        cwd: where relative paths begin.
        search_path: directories of commands, for a first word without a slash.
    """
    match = _LAST_WORD.search(text)
    if match is None or not match[0]:
        return []
    head, word = text[: match.start()], re.sub(r"\\(.)", r"\1", match[0])
    if head.strip() or "/" in word:
        found = _paths(word, cwd, directories_only=False)
    else:
        found = _commands(word, search_path)
    return [head + _SPECIAL.sub(r"\\\1", path) for path in found]


def complete_directory(text: str, cwd: str) -> list[str]:
    """Directories that a path may become."""
    return _paths(text, cwd, directories_only=True) if text else []


def _paths(word: str, cwd: str, *, directories_only: bool) -> list[str]:
    head, slash, prefix = word.rpartition("/")
    names = (
        head + slash + name + ("/" if is_directory else "")
        for name, is_directory in _entries(_expanded(cwd, head + slash), prefix)
        if is_directory or not directories_only
    )
    return nsmallest(MOST, names)


def _expanded(cwd: str, directory: str) -> Path:
    try:
        return Path(cwd) / Path(directory).expanduser()
    except RuntimeError:  # there is no such user
        return Path(cwd) / directory


def _entries(directory: Path, prefix: str) -> Iterator[tuple[str, bool]]:
    """Names that begin so and can be typed, and whether each is a directory."""
    try:
        with os.scandir(directory) as entries:
            for entry in islice(entries, _LOOKED_AT):
                if entry.name.startswith(prefix) and _is_offered(entry.name, prefix):
                    yield entry.name, entry.is_dir()
    except (OSError, ValueError):
        return  # what cannot be read offers nothing


def _is_offered(name: str, prefix: str) -> bool:
    return name.isprintable() and (prefix.startswith(".") or not name.startswith("."))


def _commands(word: str, search_path: str) -> list[str]:
    found = {
        name
        for directory in search_path.split(os.pathsep)
        for name, is_directory in _entries(Path(directory), word)
        if not is_directory
    }
    return nsmallest(MOST, found)
