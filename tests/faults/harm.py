"""What people, cleaners and broken disks do to files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GARBAGE = b"\0garbage\xff\n{"


def unlink(path: Path) -> None:
    """Delete it."""
    path.unlink()


def move(path: Path) -> None:
    """Move it out of the directory."""
    away = path.parent.parent.parent / "away"
    away.mkdir(exist_ok=True)
    path.rename(away / path.name)


def truncate(path: Path) -> None:
    """Empty it, as `> file` does."""
    os.truncate(path, 0)


def cut(path: Path) -> None:
    """Cut off its second half."""
    os.truncate(path, path.stat().st_size // 2)


def forbid(path: Path) -> None:
    """Take all permissions away; root does not mind."""
    path.chmod(0)


def replace(path: Path) -> None:
    """Put another file in its place."""
    other = path.with_name(f"{path.name}.other")
    other.write_bytes(GARBAGE)
    other.chmod(0o600)
    other.rename(path)


def overwrite(path: Path) -> None:
    """Write something else over its beginning."""
    with path.open("r+b") as file:
        file.write(GARBAGE)


ALL: tuple[Callable[[Path], None], ...] = (
    unlink,
    move,
    truncate,
    cut,
    forbid,
    replace,
    overwrite,
)
