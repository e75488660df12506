"""The copies of artifacts in the home: opened and copied out so that no link leads elsewhere."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.core.home import Home

# O_NONBLOCK: a FIFO that was put in the place of a copy must not hang the opener.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_collected(home: Home, stored: str) -> Iterator[int]:
    """A descriptor of the file or directory that was stored; closed at the end.

    Args:
        home: where it lies.
        stored: its path relative to the home, as the artifact's record gives it.

    Raises:
        StepflowError: it is gone, cannot be read, or is neither a file nor a directory beneath
            the artifacts.
    """
    descriptor = -1
    try:
        descriptor = _descend(home, _names(home, stored))
        if not _is_plain(os.fstat(descriptor)):
            raise StepflowError(f"{_shown(stored)} is neither a file nor a directory any more")
        yield descriptor
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _names(home: Home, stored: str) -> tuple[str, ...]:
    first, *names = PurePosixPath(stored).parts or ("",)
    if first != home.artifacts.name or not names or ".." in names:
        raise StepflowError(f"{_shown(stored)} does not lie beneath {home.artifacts}")
    return tuple(names)


def _descend(home: Home, names: tuple[str, ...]) -> int:
    """Open name by name: a link in any of them is refused by the system."""
    try:
        descriptor = os.open(home.artifacts, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in names:
            parent = descriptor
            try:
                descriptor = os.open(name, _FLAGS, dir_fd=parent)
            finally:
                os.close(parent)
    except OSError as error:
        shown = _shown(str(PurePosixPath(*names)))
        raise StepflowError(f"cannot read {shown}: {error.strerror or error}") from error
    return descriptor


def copy_collected(home: Home, stored: str, target: Path, *, replace: bool = False) -> None:
    """Copy what was stored to `target`, with its permissions; a directory with all that is in it.

    Args:
        home: where it lies.
        stored: its path relative to the home.
        target: the file or directory to make, in a directory that is there.
        replace: what stands at the place of a file makes way for the whole copy, never for a part
            of one; directories are merged.

    Raises:
        StepflowError: it cannot be read.
        OSError: the copy cannot be made; FileExistsError if something stands at its place.
    """
    with open_collected(home, stored) as source:
        if stat.S_ISDIR(os.fstat(source).st_mode):
            _copy_directory(source, target, replace=replace)
        else:
            _copy_file(source, target, replace=replace)


def _copy_directory(source: int, target: Path, *, replace: bool) -> None:
    target.mkdir(exist_ok=replace)
    with os.scandir(source) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        if not _is_plain(os.stat(name, dir_fd=source, follow_symlinks=False)):
            continue  # the runner stores nothing else
        inner = os.open(name, _FLAGS, dir_fd=source)
        try:
            copy = _copy_directory if stat.S_ISDIR(os.fstat(inner).st_mode) else _copy_file
            copy(inner, target / name, replace=replace)
        finally:
            os.close(inner)


def _copy_file(source: int, target: Path, *, replace: bool) -> None:
    place = target.with_name(f".{target.name}.{os.getpid()}.part") if replace else target
    descriptor = os.open(place, _NEW_FILE, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as copy,
            os.fdopen(source, "rb", closefd=False) as original,
        ):
            shutil.copyfileobj(original, copy, 1 << 20)
            os.fchmod(descriptor, stat.S_IMODE(os.fstat(source).st_mode) & 0o777)
        if replace:
            place.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            place.unlink()
        raise


def _is_plain(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)


def _shown(path: str) -> str:
    return clean_line(path)
