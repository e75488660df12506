"""Deleting the spools of finished executions, which are kept a while in case of a damaged store."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.runner.spool import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Container

    from stepflow_tui.core.home import Home


def prune_spools(
    home: Home, *, needed: Container[str], max_age_s: float, max_bytes: float
) -> list[str]:
    """Delete what is older than `max_age_s`, then the oldest until the rest fits `max_bytes`.

    Args:
        home: whose spools to prune.
        needed: ids of executions that are still recorded.
        max_age_s: since the last output, in seconds.
        max_bytes: of all kept spools together.

    Returns:
        The ids whose spools were deleted.
    """
    kept = sorted(_finished(home, needed), reverse=True)
    oldest = time.time() - max_age_s
    deleted, total = [], 0
    for modified, size, path in kept:
        total += size
        if modified < oldest or total > max_bytes:
            path.unlink(missing_ok=True)
            deleted.append(path.name.removesuffix(OUTPUT))
    return deleted


def _finished(home: Home, needed: Container[str]) -> list[tuple[float, int, Path]]:
    with os.scandir(home.spool) as entries:
        return [
            (found.st_mtime, found.st_size, Path(entry.path))
            for entry in entries
            if entry.name.endswith(OUTPUT)
            and entry.name.removesuffix(OUTPUT) not in needed
            and entry.is_file(follow_symlinks=False)
            for found in [entry.stat(follow_symlinks=False)]
        ]


def sweep_up(home: Home, *, needed: Container[str], older_than_s: float) -> None:
    """Delete what a crash has left in the spool directory: locks, exit files, half-made files.

    Args:
        home: whose spool directory to sweep.
        needed: ids of executions that are still recorded.
        older_than_s: younger files may be in use, in seconds.
    """
    oldest = time.time() - older_than_s
    with os.scandir(home.spool) as entries:
        for entry in entries:
            execution, _, suffix = entry.name.partition(".")
            if execution in needed or suffix == OUTPUT.removeprefix("."):
                continue
            is_file = entry.is_file(follow_symlinks=False)
            if is_file and entry.stat(follow_symlinks=False).st_mtime < oldest:
                Path(entry.path).unlink(missing_ok=True)
