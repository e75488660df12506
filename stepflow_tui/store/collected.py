"""The copies of artifacts in the home: opened and copied out so that no link leads elsewhere."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import mkstemp
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.quoting import shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            raise StepflowError(f"{shown_path(stored)} is neither a file nor a directory any more")
        yield descriptor
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _names(home: Home, stored: str) -> tuple[str, ...]:
    first, *names = PurePosixPath(stored).parts or ("",)
    if first != home.artifacts.name or not names or ".." in names:
        raise StepflowError(f"{shown_path(stored)} does not lie beneath {home.artifacts}")
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
        shown = shown_path(str(PurePosixPath(*names)))
        raise StepflowError(f"cannot read {shown}: {error.strerror or error}") from error
    return descriptor


class LeftOut(Struct, frozen=True):
    """A file or directory that could not be copied.

    Attributes:
        target: where its copy should stand.
    """

    target: Path
    reason: str

    @classmethod
    def because_of(cls, error: OSError, target: Path) -> LeftOut:
        """It could not be copied because of this error."""
        return cls(target, error.strerror or str(error))


def copy_collected(
    home: Home, stored: str, target: Path, *, replace: bool = False
) -> list[LeftOut]:
    """Copy what was stored to `target`, with its permissions; a directory with all that is in it.

    Args:
        home: where it lies.
        stored: its path relative to the home.
        target: the file or directory to make, in a directory that is there.
        replace: what stands at the place of a file makes way for the whole copy, never for a part
            of one; directories are merged.

    Returns:
        What of a directory could not be copied; the rest of it was.

    Raises:
        StepflowError: it cannot be read.
        OSError: the copy cannot be made; FileExistsError if something stands at its place.
    """
    left_out: list[LeftOut] = []
    with open_collected(home, stored) as source:
        if stat.S_ISDIR(os.fstat(source).st_mode):
            _copy_directory(source, target, left_out, replace=replace)
        else:
            _copy_file(source, target, replace=replace)
    return left_out


def _copy_directory(source: int, target: Path, left_out: list[LeftOut], *, replace: bool) -> None:
    target.mkdir(exist_ok=replace)
    with os.scandir(source) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        try:
            _copy_entry(source, name, target / name, left_out, replace=replace)
        except OSError as error:  # one that cannot be copied stops none of the others
            left_out.append(LeftOut.because_of(error, target / name))


def _copy_entry(
    source: int, name: str, target: Path, left_out: list[LeftOut], *, replace: bool
) -> None:
    if not _is_plain(os.stat(name, dir_fd=source, follow_symlinks=False)):
        return  # the runner stores nothing else
    inner = os.open(name, _FLAGS, dir_fd=source)
    try:
        if stat.S_ISDIR(os.fstat(inner).st_mode):
            _copy_directory(inner, target, left_out, replace=replace)
        else:
            _copy_file(inner, target, replace=replace)
    finally:
        os.close(inner)


def _copy_file(source: int, target: Path, *, replace: bool) -> None:
    if replace:
        # Under a short name: that of the target may be as long as the system takes.
        descriptor, name = mkstemp(prefix=".", suffix=".part", dir=target.parent)
    else:
        descriptor, name = os.open(target, _NEW_FILE, 0o600), str(target)
    place = Path(name)
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
        place.unlink(missing_ok=True)
        raise


def _is_plain(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
