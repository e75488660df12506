"""What becomes of one `ARTIFACT:` marker: a copy, several for a pattern, or the reason for none."""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.artifact_names import readings
from stepflow_tui.runner.beneath import Refused
from stepflow_tui.runner.copier import Copier
from stepflow_tui.runner.pattern import Pattern, is_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact
    from stepflow_tui.runner.beneath import Beneath, Parts
    from stepflow_tui.runner.copier import Budget

_UNDECODED = re.compile("[\ud800-\udfff]")
"""What stands for bytes that are no UTF-8; a sentence does not take it."""


class Collection:
    """Collects from one working directory.

    Args:
        cwd: the directory that `tree` stands for.
        check: called now and then; ends the collecting by raising.
        masked: hides secrets in the name of a file that is found.
    """

    def __init__(
        self,
        home: Home,
        cwd: str,
        tree: Beneath,
        budget: Budget,
        *,
        check: Callable[[], object],
        masked: Callable[[str], str] = str,
    ) -> None:
        self._home = home
        self._cwd = cwd
        self._tree = tree
        self._budget = budget
        self._check = check
        self._masked = masked
        self._copier = Copier(tree, budget, check)

    def collect(self, wanted: Artifact, place: Path) -> list[Artifact]:
        """The artifacts that `wanted` stands for; all but the first have index 0.

        The copies go into the directory `place`, which is made when there is one.

        Raises:
            OSError: the path cannot be reached.
            Refused: it leads out of the working directory, or is a pattern that nothing matches.
        """
        wanted = self._read(wanted)
        parts = self._tree.relative(wanted.path)
        if is_pattern(wanted.path) and not self._is_there(parts):
            first, *others = self._collect_matches(wanted, Pattern(parts), place)
            return [first, *(replace(other, index=0) for other in others)]
        return [self._store(wanted, parts, place)]

    def _read(self, wanted: Artifact) -> Artifact:
        """What the script meant: of all names that are there the longest."""
        for way in readings(wanted.given or ""):
            self._check()
            if self._exists(way.path):
                named = {"path": way.path, "description": way.description, "type": way.type}
                return replace(wanted, **named)
        return wanted

    def _exists(self, path: str) -> bool:
        try:
            parts = self._tree.relative(path)
        except Refused:
            return False
        try:
            self._tree.resolve(parts)
        except OSError:
            return False
        except Refused:  # a link that leads out; where `..` alone does so nothing tells names apart
            return ".." not in parts
        return True

    def _is_there(self, parts: Parts) -> bool:
        try:
            self._tree.resolve(parts)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _collect_matches(self, wanted: Artifact, pattern: Pattern, place: Path) -> list[Artifact]:
        room = self._budget.files_left
        try:
            found = list(islice(pattern.matches(self._tree, self._check), room + 1))
        except (FileNotFoundError, NotADirectoryError):
            found = []
        if not found:
            raise Refused("nothing matches")
        artifacts = [
            self._store(
                replace(wanted, path=self._masked("/".join(parts))), parts, place / str(number)
            )
            for number, parts in enumerate(found[:room], 1)
        ]
        if len(found) > room:
            reason = f"further matches are {self._budget.too_many}"
            artifacts.append(replace(_named(wanted, self._cwd), exists=True, reason=reason))
        return artifacts

    def _store(self, wanted: Artifact, parts: Parts, place: Path) -> Artifact:
        artifact = _named(wanted, self._cwd)
        try:
            real = self._tree.resolve(parts)
            copy = self._copier.copy(real, place, artifact.name)
        except (OSError, Refused) as error:
            return refused(wanted, self._cwd, error)
        return replace(
            artifact,
            mime="inode/directory" if copy.is_directory else _mime(artifact.name),
            size=copy.size,
            exists=True,
            stored=str((place / artifact.name).relative_to(self._home.root)),
            reason=copy.left_out,
        )


def refused(wanted: Artifact, cwd: str, error: Exception) -> Artifact:
    """The artifact that could not be collected because of `error`."""
    found = error.found if isinstance(error, Refused) else None
    return replace(
        _named(wanted, cwd),
        exists=found is not None,
        size=found.st_size if found and stat.S_ISREG(found.st_mode) else None,
        reason=_clean(_reason(error)),
    )


def unread(wanted: Artifact, cwd: str, reason: str) -> Artifact:
    """The artifact that nobody has looked at to the end, for this reason."""
    return replace(_named(wanted, cwd), reason=reason)


def _named(artifact: Artifact, cwd: str) -> Artifact:
    """The artifact with the name for its copy."""
    name = Path(os.path.normpath(Path(cwd, artifact.path))).name or "root"
    return replace(artifact, name=name, given=None, reason=None)


def _reason(error: Exception) -> str:
    match error:
        case Refused():
            return error.reason
        case FileNotFoundError() | NotADirectoryError():
            return "no such file"
        case OSError():
            return error.strerror or str(error)
        case _:
            return f"{type(error).__name__}: {error}"


def _mime(name: str) -> str | None:
    mime, encoding = mimetypes.guess_type(name.replace(":", "_"))  # no URL
    if encoding is None:
        return mime
    return "application/gzip" if encoding == "gzip" else f"application/x-{encoding}"


def _clean(text: str) -> str:
    return _UNDECODED.sub("\N{REPLACEMENT CHARACTER}", text)
