"""Copying artifacts out of the home, beside nothing that is already there."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.store.collected import LeftOut, copy_collected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact

_MAX_NAME = 255
"""Bytes of a name that Linux file systems take."""


class Copied(Struct, frozen=True):
    """What was copied of an execution's artifacts, and what could not be."""

    copies: list[Path]
    left_out: list[LeftOut]


def copy_artifacts(home: Home, artifacts: Sequence[Artifact], target: Path) -> Copied:
    """Copy what was stored into `target`, at the paths that the script named.

    What cannot be copied stops none of the others.

    Raises:
        StepflowError: a copy would be in the way of another file. Nothing is copied then.
    """
    plan = _plan(artifacts, target)
    for copy in plan:
        if os.path.lexists(copy):
            raise StepflowError(f"{shown_path(str(copy))} exists; name another directory")
    done = Copied([], [])
    for copy, artifact in plan.items():
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            # What stands there by now is ours: a directory may hold another artifact's file.
            left_out = copy_collected(home, str(artifact.stored), copy, replace=True)
        except OSError as error:
            done.left_out.append(LeftOut.because_of(error, copy))
        except StepflowError as error:
            done.left_out.append(LeftOut(copy, str(error)))
        else:
            done.copies.append(copy)
            done.left_out.extend(left_out)
    return done


def _plan(artifacts: Sequence[Artifact], target: Path) -> dict[Path, Artifact]:
    plan: dict[Path, Artifact] = {}
    for artifact in artifacts:
        if artifact.stored is not None:
            plan[_free(target / _inner_path(artifact), plan)] = artifact
    return plan


def _inner_path(artifact: Artifact) -> PurePosixPath:
    path = PurePosixPath(artifact.path)
    if path.is_absolute() or ".." in path.parts or not path.name:
        name = PurePosixPath(artifact.name)
        return PurePosixPath(_joined(f"{artifact.index}-{name.stem}", name.suffix))
    return path


def _free(path: Path, plan: dict[Path, Artifact]) -> Path:
    """The path, or the next like it that no artifact of this execution has."""
    candidate, count = path, 1
    while candidate in plan:
        count += 1
        candidate = path.with_name(_joined(path.stem, f"-{count}{path.suffix}"))
    return candidate


def _joined(stem: str, end: str) -> str:
    """A name of both, of which the first is cut where the name would be too long."""
    while stem and len(os.fsencode(stem + end)) > _MAX_NAME:
        stem = stem[:-1]
    return stem + end
