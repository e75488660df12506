"""Deleting files: old spools, which are kept a while in case of a damaged store, and leftovers."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.runner.copier import remove
from stepflow_tui.runner.spool import FILES, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Container

    from stepflow_tui.core.home import Home


MOST_KEPT = 20_000
"""Spools that are kept however small they are, so that a look at all of them stays quick."""

SET_ASIDE = "set-aside"
"""The directory in that of the spools for what cannot be read."""

_log = logging.getLogger(__name__)

_BLOCK = 512
"""The unit of `st_blocks`."""

_SMALL_FILES = 8192
"""What the start lock and the exit file take, which stay as long as the spool."""


def prune_spools(
    home: Home, *, needed: Container[str], max_age_s: float, max_bytes: float
) -> list[str]:
    """Delete what is older than `max_age_s`, then the oldest until the rest fits `max_bytes`.

    Args:
        home: whose spools to prune.
        needed: ids of executions that are still recorded.
        max_age_s: since the last output, in seconds.
        max_bytes: that all kept spools together may take of the disk.

    Returns:
        The ids whose spools were deleted.
    """
    kept = sorted(_finished(home, needed), reverse=True)
    oldest = time.time() - max_age_s
    deleted, total = [], 0
    for place, (modified, size, execution) in enumerate(kept):
        total += size + _SMALL_FILES
        if modified < oldest or total > max_bytes or place >= MOST_KEPT:
            _delete_files(home, execution)
            deleted.append(execution)
    return deleted


def _delete_files(home: Home, execution: str) -> None:
    for suffix in FILES:
        with suppress(IsADirectoryError):  # somebody else's
            (home.spool / f"{execution}{suffix}").unlink(missing_ok=True)


def set_aside(home: Home, name: str, reason: str) -> None:
    """Move what is in the spool directory and cannot be read out of the way, with the reason."""
    aside = home.spool / SET_ASIDE
    try:
        aside.mkdir(mode=0o700, exist_ok=True)
        (home.spool / name).rename(aside / name)
        (aside / f"{name}.reason").write_text(f"{reason}\n", encoding="utf-8")
    except OSError as error:
        _log.error("%r cannot be read (%s), and not be set aside: %s", name, reason, error)
        return
    _log.warning("%r was set aside in %s: %s", name, aside, reason)


def _finished(home: Home, needed: Container[str]) -> list[tuple[float, int, str]]:
    with os.scandir(home.spool) as entries:
        return [
            # A log over its limit has holes in its spool, which take no space.
            (found.st_mtime, found.st_blocks * _BLOCK, entry.name.removesuffix(OUTPUT))
            for entry in entries
            if entry.name.endswith(OUTPUT)
            and entry.name.removesuffix(OUTPUT) not in needed
            and entry.is_file(follow_symlinks=False)
            for found in [entry.stat(follow_symlinks=False)]
        ]


def sweep_up(home: Home, *, needed: Container[str], older_than_s: float) -> None:
    """Delete what a crash has left in the spool directory: half-made files, locks without a spool.

    Args:
        home: whose spool directory to sweep.
        needed: ids of executions that are still recorded.
        older_than_s: younger files may be in use, in seconds.
    """
    oldest = time.time() - older_than_s
    with os.scandir(home.spool) as entries:
        found = list(entries)
    kept = {entry.name.removesuffix(OUTPUT) for entry in found if entry.name.endswith(OUTPUT)}
    for entry in found:
        execution = entry.name.partition(".")[0]
        if execution not in needed and execution not in kept:
            _unlink_if_old(entry, oldest)


def _unlink_if_old(entry: os.DirEntry[str], oldest: float) -> None:
    with suppress(FileNotFoundError):  # its maker has finished with it just now
        is_file = entry.is_file(follow_symlinks=False)
        if is_file and entry.stat(follow_symlinks=False).st_mtime < oldest:
            Path(entry.path).unlink()


def remove_files(home: Home, execution: str) -> None:
    """Delete the spool and the artifacts of an execution that is not recorded any more.

    Raises:
        OSError: some of it is still there.
    """
    _delete_files(home, execution)
    remove(home.artifacts / execution)
