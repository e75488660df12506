"""Paths that begin at the working directory, which may be gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path


def absolute(path: Path) -> Path:
    """The path from the root on, with all its links.

    Raises:
        UsageProblem: it begins at a working directory that is gone.
    """
    if path.is_absolute():
        return path
    try:
        return path.absolute()
    except OSError as error:
        raise UsageProblem(
            f"{path} lies in a working directory that is gone; "
            "give the whole path, or go to another directory with cd"
        ) from error


def is_read_only(path: Path) -> bool:
    """Whether the file system of a path that exists takes no writes."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False
