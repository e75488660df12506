"""Copying artifacts out of the home, beside nothing that is already there."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.text import clean_line
from stepflow_tui.store.collected import copy_collected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact


def copy_artifacts(home: Home, artifacts: Sequence[Artifact], target: Path) -> list[Path]:
    """Copy what was stored into `target`, at the paths that the script named.

    Returns:
        The copies.

    Raises:
        StepflowError: a copy is in the way of another file, or cannot be made. In the first case
            nothing is copied at all.
    """
    plan = _plan(artifacts, target)
    for copy in plan:
        if copy.exists() or copy.is_symlink():
            raise StepflowError(f"{clean_line(str(copy))} exists; name another directory")
    for copy, artifact in plan.items():
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            # What stands there by now is ours: a directory may hold another artifact's file.
            copy_collected(home, str(artifact.stored), copy, replace=True)
        except OSError as error:
            shown = clean_line(str(copy))
            raise StepflowError(f"cannot copy to {shown}: {error.strerror or error}") from error
    return list(plan)


def _plan(artifacts: Sequence[Artifact], target: Path) -> dict[Path, Artifact]:
    plan: dict[Path, Artifact] = {}
    for artifact in artifacts:
        if artifact.stored is not None:
            plan[_free(target / _inner_path(artifact), plan)] = artifact
    return plan


def _inner_path(artifact: Artifact) -> PurePosixPath:
    path = PurePosixPath(artifact.path)
    if path.is_absolute() or ".." in path.parts or not path.name:
        return PurePosixPath(f"{artifact.index}-{PurePosixPath(artifact.name).name}")
    return path


def _free(path: Path, plan: dict[Path, Artifact]) -> Path:
    """The path, or the next like it that no artifact of this execution has."""
    candidate, count = path, 1
    while candidate in plan:
        count += 1
        candidate = path.with_name(f"{path.stem}-{count}{path.suffix}")
    return candidate
