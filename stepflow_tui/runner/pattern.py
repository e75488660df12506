"""Glob patterns beneath a working directory: `*`, `?`, `[a-z]`, and `**` for any depth."""

from __future__ import annotations

import fnmatch
import os
import re
from typing import TYPE_CHECKING, TypeAlias

from stepflow_tui.runner.beneath import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepflow_tui.runner.beneath import Beneath, Parts

_Places: TypeAlias = frozenset[int]
"""How far into the pattern a path has come; several places at once because of `**`."""

_ANY_DEPTH = "**"


def is_pattern(text: str) -> bool:
    """Whether the text holds a character that is special in a pattern."""
    return any(character in text for character in "*?[")


class Pattern:
    """A pattern, name by name.

    As in a shell, `*`, `?` and `**` pass over names that begin with a dot. `**` does not follow
    links to directories. At the end, `**` stands for everything beneath.
    """

    def __init__(self, parts: Parts) -> None:
        first = next((i for i, part in enumerate(parts) if is_pattern(part)), len(parts))
        self.prefix, self._names = parts[:first], parts[first:]
        if self._names[-1:] == (_ANY_DEPTH,):
            self._names += ("*",)
        self._matchers = [re.compile(fnmatch.translate(name)).match for name in self._names]

    def matches(self, tree: Beneath, check: Callable[[], object]) -> Iterator[Parts]:
        """The paths that match, in order; a directory that matches is not searched itself.

        Every directory is read once, whatever the pattern. `check` is called for each, and ends
        the search by raising.

        Raises:
            OSError: there is nothing where the pattern's plain beginning leads.
            Refused: it leads out of the working directory.
        """
        tree.resolve(self.prefix)
        ahead = [(self.prefix, self._spread({0}))]
        while ahead:
            check()
            path, places = ahead.pop()
            if len(self._names) in places:
                yield path
            else:
                inside = sorted(self._inside(tree, path, places), reverse=True)
                ahead += [((*path, name), further) for name, further in inside]

    def _inside(self, tree: Beneath, path: Parts, places: _Places) -> Iterator[tuple[str, _Places]]:
        for name, is_directory, is_link in _entries(tree, path):
            further = self._advance(name, places, is_directory=is_directory)
            if len(self._names) in further or (further and (is_directory or is_link)):
                yield name, further

    def _advance(self, name: str, places: _Places, *, is_directory: bool) -> _Places:
        further = set()
        for place in places:
            if self._names[place] == _ANY_DEPTH:
                if is_directory and not name.startswith("."):
                    further.add(place)
            elif self._takes(place, name):
                further.add(place + 1)
        return self._spread(further)

    def _takes(self, place: int, name: str) -> bool:
        if name.startswith(".") and not self._names[place].startswith("."):
            return False
        return self._matchers[place](name) is not None

    def _spread(self, places: set[int]) -> _Places:
        """Adds the places behind each `**`, which may stand for no name at all."""
        for place in range(len(self._names)):
            if place in places and self._names[place] == _ANY_DEPTH:
                places.add(place + 1)
        return frozenset(places)


def _entries(tree: Beneath, path: Parts) -> list[tuple[str, bool, bool]]:
    """Name, whether it is a directory, whether it is a link. What cannot be read has none."""
    try:
        directory = tree.open(tree.resolve(path))
    except (OSError, Refused):
        return []
    try:
        with os.scandir(directory) as entries:
            return [
                (entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink())
                for entry in entries
            ]
    except NotADirectoryError:
        return []
    finally:
        os.close(directory)
