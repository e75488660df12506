"""A damaged database: finding out, and setting it aside so that recording can begin anew."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import DatabaseDamaged, StoreProblem
from stepflow_tui.store.queries import Query
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

_COMPANIONS = ("-wal", "-shm")
_MARK = ".damaged-"
_OVERWRITTEN = ".overwritten-"

_QUICK_CHECK: Query[str] = Query("PRAGMA quick_check(1)", (), lambda row: str(row[0]))


def quick_check(path: Path) -> str | None:
    """What is wrong with the database; None if nothing is, or nothing can be said now.

    Reads all of it, through a read-only connection of its own.
    """
    try:
        with Reader(path) as reader:
            [verdict] = reader.all(_QUICK_CHECK)
    except DatabaseDamaged as error:
        return str(error)
    except (StoreProblem, sqlite3.Error):
        return None
    return None if verdict == "ok" else verdict


def set_aside(path: Path) -> Path:
    """Rename a database with its companions; nobody may have it open to write.

    Returns:
        Its new name.
    """
    return _rename(path, _MARK, ("", *_COMPANIONS))


def set_aside_log(path: Path) -> Path:
    """Rename the write-ahead log of a database that somebody has put another one in place of.

    What it holds was committed, and belongs to the database that was there before.

    Returns:
        The name of the database that it would belong to; with `-wal` behind it is that of the log.
    """
    return _rename(path, _OVERWRITTEN, _COMPANIONS)


def _rename(path: Path, mark: str, suffixes: tuple[str, ...]) -> Path:
    name = f"{path.name}{mark}{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6}"
    aside = path.with_name(name)
    for suffix in suffixes:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def set_aside_before(path: Path) -> list[Path]:
    """The damaged databases that were set aside in this home."""
    found = path.parent.glob(f"{path.name}{_MARK}*")
    return sorted(part for part in found if not part.name.endswith(_COMPANIONS))
