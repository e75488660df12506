"""The locks by which there is one runner for a home, whatever becomes of the lock file.

A POSIX record lock on `runner.lock` tells clients who the runner is. The file can be removed,
moved or replaced, and then a second process can lock what stands in its place. So the runner also
holds an flock on the home's directory, and looks whether both are still what its paths lead to.
"""

from __future__ import annotations

import enum
import fcntl
import os
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core.errors import NO_ROOM, HomeProblem

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home

_FLOCK = struct.Struct("hhqqi4x")
_LOCK_BYTES = 4096
_LARGEST = 2**53
_LEAVING_S = 10.0
_POLL_S = 0.01
_DESCRIPTORS = Path("/proc/self/fd")
_LOCKS = Path("/proc/locks")


class RunnerIdentity(Struct, frozen=True):
    """The live runner, as it wrote itself into its lock file.

    Attributes:
        started_at: UTC milliseconds.
        trouble: what keeps it from its work now, as a sentence; empty if nothing does.
        note: what it does in another way than on most machines, as a sentence; as a rule empty.
    """

    pid: int
    version: str
    started_at: int
    trouble: str = ""
    note: str = ""


class Standing(enum.Enum):
    """How a runner that took its locks stands to the home at its path.

    HELD: it is its runner.
    LOST: the lock file was removed, moved or replaced; another runner may be at work soon.
    AWAY: the home was moved or removed, or the path leads elsewhere; it may come back.
    """

    HELD = enum.auto()
    LOST = enum.auto()
    AWAY = enum.auto()


class RunnerLock:
    """Held by the one runner of a home while it lives. Never opened twice in its process."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.runner_lock
        self._descriptor: int | None = None
        self._directory: int | None = None
        self._identity: RunnerIdentity | None = None
        self._is_untold = False

    def acquire(self, identity: RunnerIdentity, *, leaving_s: float = _LEAVING_S) -> bool:
        """Take the locks and write `identity` into the file; False if another runner holds it.

        Args:
            identity: of this process.
            leaving_s: how long a runner that has lost its lock file is given to leave.

        Raises:
            HomeProblem: somebody else has locked the home's directory.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor, self._identity = descriptor, identity
        self._write()
        try:
            self._directory = _lock_directory(self._home.root, time.monotonic() + leaving_s)
        except HomeProblem:
            self.release()
            raise
        if self.standing() is Standing.HELD:
            return True
        self.release()  # replaced while we waited: whoever asks next starts the next runner
        return False

    def standing(self) -> Standing:
        """Whether what was locked is still what the paths of the home lead to."""
        if self._descriptor is None or self._directory is None:
            return Standing.LOST
        if not _is_at(self._directory, self._home.root):
            return Standing.AWAY
        return Standing.HELD if _is_at(self._descriptor, self._path) else Standing.LOST

    def place(self) -> Path | None:
        """Where the directory that was locked is now; None if it was removed or nobody can tell."""
        if self._directory is None:
            return None
        with suppress(OSError):
            place = (_DESCRIPTORS / str(self._directory)).readlink()
            return place if _is_at(self._directory, place) else None
        return None

    def tell(self, trouble: str) -> None:
        """Say what keeps the runner from its work; the space is there even on a full disk."""
        if self._identity is not None:
            self._identity = replace(self._identity, trouble=trouble)
            self._write()

    def sign(self) -> None:
        """Say again who holds the lock, if somebody has emptied or overwritten the file."""
        if self._descriptor is None:
            return
        if self._is_untold or read_identity(self._descriptor) != self._identity:
            self._write()

    def _write(self) -> None:
        if self._descriptor is not None:
            content = msgspec.json.encode(self._identity)
            try:
                os.pwrite(self._descriptor, content.ljust(_LOCK_BYTES), 0)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                self._is_untold = True  # `sign` tries again
            else:
                self._is_untold = False

    def release(self) -> None:
        """Let the next runner in."""
        descriptors = (self._descriptor, self._directory)
        self._descriptor = self._directory = None
        for descriptor in descriptors:
            if descriptor is not None:
                os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the path leads to what the descriptor has open."""
    try:
        found = path.stat(follow_symlinks=True)
    except OSError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def _lock_directory(root: Path, deadline: float) -> int | None:
    """The locked directory; None where file systems know no such lock.

    A runner whose lock file was taken away holds it until it has left.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(_POLL_S)
                continue
            who = _flock_holder(descriptor)
            os.close(descriptor)
            raise HomeProblem(f"{root} is locked by {who}; end it, then try again") from None
        except OSError:  # the file system has none: the lock file alone has to do
            return descriptor
        return descriptor


def _flock_holder(descriptor: int) -> str:
    """Who has locked what this descriptor has open, in words."""
    found = os.fstat(descriptor)
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with suppress(OSError):
        for line in _LOCKS.read_text(encoding="ascii").splitlines():
            _, kind, *rest = line.split()
            if kind == "FLOCK" and rest[-3] == device:
                return f"process {rest[-4]}"
    return "another process"


def holder_of(descriptor: int) -> int | None:
    """The pid of who holds the record lock of this file; 0 if it is unseen, None for nobody."""
    question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    return None if answer[0] == fcntl.F_UNLCK else max(0, int(answer[-1]))


def read_identity(descriptor: int) -> RunnerIdentity | None:
    """What the lock file says of its holder; None if it says nothing that can be read."""
    try:
        content = os.pread(descriptor, _LOCK_BYTES, 0)
        found = msgspec.json.decode(content.rstrip(b"\0"), type=RunnerIdentity)
    except (msgspec.MsgspecError, OSError, ValueError, RecursionError):
        return None
    is_sound = 0 < found.pid < _LARGEST and abs(found.started_at) < _LARGEST
    return found if is_sound else None
