"""Files beneath a working directory, opened so that no link, swap or `..` leads out of it.

A path is resolved first, by reading its links as text; then the real path is opened name by name,
and none of the names may be a link any more. So the first part may be raced: whoever swaps a name
for a link between the two is refused by the second.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeAlias

from stepflow_tui.runner import proc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Parts: TypeAlias = tuple[str, ...]
"""The names of a path relative to the working directory."""

LEADS_OUT = "leads out of the working directory"

# O_NONBLOCK: a FIFO that was swapped in cannot hang the opener.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MAX_LINKS = 40
_SPECIAL = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class Refused(Exception):
    """A file is not collected.

    Attributes:
        reason: completes a sentence about it: `is a FIFO`.
        kind: what to call several of these.
        found: what is known of the file; None if nobody looked.
    """

    def __init__(self, reason: str, *, kind: str = "", found: os.stat_result | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.found = found


class Beneath:
    """The directory `cwd` and what lies beneath it; a context manager.

    Args:
        cwd: absolute; it may itself be reached through links.
        closed: directories that are never entered, wherever they lie.
        names: other paths by which it may be named, whatever they lead to by now.
        shim: pid and start time of a process that works there, if it lives yet.

    Raises:
        Refused: `cwd` is closed, or cannot be opened.
    """

    def __init__(
        self,
        cwd: str,
        closed: Iterable[Path],
        *,
        names: Iterable[str] = (),
        shim: tuple[int, int] | None = None,
    ) -> None:
        # Scripts name their directory with its links ($PWD) or without (getcwd).
        self._bases = [_names(path) for path in (cwd, os.path.realpath(cwd), *names)]
        self._closed = {_identity(directory.stat()) for directory in closed}
        self._root = _open_directory(cwd, shim)
        try:
            self._admit(os.fstat(self._root))
        except Refused:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._root)

    def relative(self, path: str) -> Parts:
        """The names of `path`, which is relative to the directory or absolute and beneath it.

        Raises:
            Refused: it is absolute and lies elsewhere.
        """
        names = _names(path)
        if not path.startswith("/"):
            return names
        for base in self._bases:
            if names[: len(base)] == base:
                return names[len(base) :]
        raise Refused(LEADS_OUT)

    def resolve(self, parts: Parts) -> Parts:
        """The real path that `parts` leads to through links and `..`.

        Raises:
            OSError: there is nothing, or it cannot be reached.
            Refused: it leads out of the directory, or round in circles.
        """
        real: list[str] = []
        ahead = list(reversed(parts))
        links = 0
        while ahead:
            name = ahead.pop()
            if name == "..":
                _leave(real)
            elif (target := self._link((*real, name))) is None:
                real.append(name)
            else:
                links += 1
                if links > _MAX_LINKS:
                    raise Refused("leads through too many symbolic links")
                if target.startswith("/"):
                    real.clear()
                ahead.extend(reversed(self.relative(target)))
        return tuple(real)

    def _link(self, parts: Parts) -> str | None:
        try:
            return os.readlink("/".join(parts), dir_fd=self._root)
        except OSError as error:
            if error.errno == errno.EINVAL:  # there, and no link
                return None
            raise

    def open(self, real: Parts) -> int:
        """A descriptor of the file or directory with this real path; the caller closes it.

        Raises:
            OSError: there is nothing, or it cannot be reached.
            Refused: it is not to be collected, or a link has come in the way.
        """
        descriptor = os.dup(self._root)
        for name in real:
            parent = descriptor
            try:
                descriptor = self.enter(parent, name)
            finally:
                os.close(parent)
        return descriptor

    def enter(self, parent: int, name: str) -> int:
        """A descriptor of the file or directory `name` in the directory `parent`.

        Raises:
            OSError: it is gone, or cannot be reached.
            Refused: it is neither a regular file nor a directory, or not to be collected.
        """
        # Looked at before it is opened: merely opening a FIFO or a device does something to it.
        seen = os.stat(name, dir_fd=parent, follow_symlinks=False)
        self._admit(seen)
        descriptor = _open(name, parent, seen)
        try:
            self._admit(os.fstat(descriptor))
        except Refused:
            os.close(descriptor)
            raise
        return descriptor

    def _admit(self, found: os.stat_result) -> None:
        special = _SPECIAL.get(stat.S_IFMT(found.st_mode))
        if special is not None:
            raise Refused(f"is a {special}", kind=f"{special}s", found=found)
        if _identity(found) in self._closed:
            raise Refused("holds our own files", kind="our own files", found=found)
        # Files of others may lie here (containers leave root's), but with a second name a file
        # may belong elsewhere. Root is no exception: its own links pass, those of others do not.
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1 and found.st_uid != os.geteuid():
            raise Refused(
                "is a hard link to another user's file",
                kind="hard links to other users' files",
                found=found,
            )


def _open_directory(cwd: str, shim: tuple[int, int] | None) -> int:
    """The working directory of the process; of one that has ended, what has its path by now."""
    if shim is not None:
        pid, start = shim
        with suppress(OSError):
            descriptor = os.open(f"/proc/{pid}/cwd", _DIRECTORY)
            if proc.is_alive(pid, start):  # so it was that process, not another with its pid
                return descriptor
            os.close(descriptor)
    try:
        return os.open(cwd, _DIRECTORY)
    except OSError as error:
        raise Refused(f"the working directory cannot be opened: {error.strerror}") from error


def _names(path: str) -> Parts:
    return tuple(name for name in path.split("/") if name not in ("", "."))


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _leave(real: list[str]) -> None:
    if not real:
        raise Refused(LEADS_OUT)
    real.pop()


def _open(name: str, parent: int, seen: os.stat_result) -> int:
    try:
        return os.open(name, _FLAGS, dir_fd=parent)
    except PermissionError:
        raise Refused("may not be read", kind="unreadable files", found=seen) from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link or a socket by now
            raise Refused("changed while it was collected", kind="changing files") from error
        raise
