"""Copies of artifacts, and how much of them an execution may have."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from msgspec import Struct, field

from stepflow_tui.runner.beneath import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stepflow_tui.runner.beneath import Beneath, Parts

BLOCK = 1 << 18
"""Bytes copied at a time."""

_FLUSH_BLOCKS = 128
"""Blocks written before they are flushed: dirty pages of ours would hold up the database's."""

_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What passes, and says nothing of a file."""

_TOO_LONG = "paths that are too long"

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Budget(Struct):
    """What one execution's artifacts may take in all, and what they took."""

    max_bytes: int
    max_files: int
    used_bytes: int = 0
    used_files: int = 0
    has_begun: bool = False

    @property
    def files_left(self) -> int:
        """How many more files there may be."""
        return max(0, self.max_files - self.used_files)

    @property
    def too_many(self) -> str:
        """What to say when there are too many files."""
        return f"over the limit of {self.max_files:,} files for one execution"

    def begin(self, directory: Path) -> None:
        """Add, once, what was stored in `directory` before."""
        if not self.has_begun:
            self.count(directory)
            self.has_begun = True

    def count(self, directory: Path) -> None:
        """Add what an earlier runner stored in `directory`."""
        for path in directory.rglob("*"):
            try:
                found = path.lstat()
            except FileNotFoundError:  # a copy that was given up is removed meanwhile
                continue
            if stat.S_ISREG(found.st_mode):
                self.used_bytes += found.st_size
                self.used_files += 1

    def claim(self, size: int) -> None:
        """Take one file of `size` bytes.

        Raises:
            Refused: it would be too much.
        """
        if not self.files_left:
            raise Refused(self.too_many)
        if self.used_bytes + size > self.max_bytes:
            raise Refused(f"over the limit of {self.max_bytes:,} bytes for one execution")
        self.used_bytes += size
        self.used_files += 1

    @contextmanager
    def tentative(self) -> Iterator[None]:
        """Give back what is claimed within, should it fail."""
        before = self.used_bytes, self.used_files
        try:
            yield
        except BaseException:
            self.used_bytes, self.used_files = before
            raise


class Copy(Struct, frozen=True):
    """What was copied.

    Attributes:
        size: bytes, of a directory those of all its files.
        left_out: what of a directory was not copied, in one sentence.
    """

    size: int
    is_directory: bool = False
    left_out: str | None = None


class Copier:
    """Copies files and directories from beneath a working directory.

    Args:
        check: called between blocks and files; ends the copying by raising.
    """

    def __init__(self, tree: Beneath, budget: Budget, check: Callable[[], object]) -> None:
        self._tree = tree
        self._budget = budget
        self._check = check

    def copy(self, real: Parts, place: Path, name: str) -> Copy:
        """Copy the file or directory `real` to `name` in `place`, a directory of its own.

        If that fails, `place` is removed.

        Raises:
            OSError: it cannot be read or written.
            Refused: it is not to be collected, or too large.
        """
        with _closing(self._tree.open(real)) as source:
            found = os.fstat(source)
            try:
                with self._budget.tentative():
                    make_private(place)
                    if stat.S_ISDIR(found.st_mode):
                        return self._copy_directory(real, place / name)
                    return Copy(self._copy_file(source, place / name))
            except BaseException as error:
                remove(place)
                if isinstance(error, Refused):
                    error.found = found
                raise

    def _copy_file(self, source: int, target: Path) -> int:
        """Copy as much as the file holds now: who still writes to it is not run after."""
        size = os.fstat(source).st_size
        self._budget.claim(size)
        with _closing(os.open(target, _NEW_FILE, 0o600)) as descriptor:
            return self._copy_bytes(source, descriptor, size)

    def _copy_bytes(self, source: int, target: int, size: int) -> int:
        copied = blocks = 0
        while block := _read(source, min(BLOCK, size - copied)):
            _write(target, block)
            copied += len(block)
            blocks += 1
            if blocks % _FLUSH_BLOCKS == 0:
                os.fdatasync(target)
            self._check()
        os.fsync(target)
        return copied

    def _copy_directory(self, real: Parts, target: Path) -> Copy:
        tally = _Tally()
        target.mkdir(mode=0o700)
        ahead: list[Parts] = [()]
        while ahead:
            below = ahead.pop()
            tally.directories += 1
            if tally.directories > self._budget.max_files:
                raise Refused(f"holds more than {self._budget.max_files:,} directories")
            beside = target.joinpath(*below)
            if below and not tally.make(beside):
                continue
            inside = self._copy_inside((*real, *below), beside, tally)
            ahead += [(*below, name) for name in inside]
        return Copy(tally.size, is_directory=True, left_out=tally.sentence())

    def _copy_inside(self, real: Parts, target: Path, tally: _Tally) -> list[str]:
        """Copy the files of one directory; returns the names of the directories in it."""
        directory = tally.attempt(lambda: self._tree.open(real))
        if directory is None:
            return []
        with _closing(directory), os.scandir(directory) as entries:
            return [
                entry.name
                for entry in entries
                if self._copy_entry(directory, entry.name, target, tally)
            ]

    def _copy_entry(self, directory: int, name: str, target: Path, tally: _Tally) -> bool:
        """Copy an entry that is a file; returns whether it is a directory."""
        self._check()
        source = tally.attempt(lambda: self._tree.enter(directory, name))
        if source is None:
            return False
        with _closing(source):
            if stat.S_ISDIR(os.fstat(source).st_mode):
                return True
            self._copy_one_of_many(source, target / name, tally)
            return False

    def _copy_one_of_many(self, source: int, target: Path, tally: _Tally) -> None:
        """Copy a file of a directory; if it cannot be read it is left out, and no other."""
        try:
            with self._budget.tentative():
                tally.size += self._copy_file(source, target)
        except Refused as refusal:
            if not refusal.kind:  # nothing more may be copied
                raise
            target.unlink(missing_ok=True)
            tally.left_out[refusal.kind] += 1
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            tally.left_out[_TOO_LONG] += 1


class _Tally(Struct):
    """What was found in a directory so far."""

    size: int = 0
    directories: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def attempt(self, opening: Callable[[], int]) -> int | None:
        """A descriptor, or None for what is left out or was deleted since it was listed."""
        try:
            return opening()
        except FileNotFoundError:
            return None
        except Refused as refusal:
            self.left_out[refusal.kind] += 1
            return None
        except OSError as error:
            if error.errno in _SCARCE:
                raise
            self.left_out["unreadable files"] += 1
            return None

    def make(self, directory: Path) -> bool:
        """Make a directory; False if its path is too long, so that it is left out."""
        try:
            directory.mkdir(mode=0o700)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            self.left_out[_TOO_LONG] += 1
            return False
        return True

    def sentence(self) -> str | None:
        """What was left out, if anything."""
        number = self.left_out.total()
        if not number:
            return None
        entries = "entry" if number == 1 else "entries"
        return f"{number:,} {entries} left out: {', '.join(sorted(self.left_out))}"


def make_private(directory: Path) -> None:
    """Make a directory and its parents, which nobody else may enter."""
    if not directory.is_dir():
        make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)  # or another thread makes it at the same time


def remove(directory: Path) -> None:
    """Remove a directory with all its content, if it is there."""
    with suppress(FileNotFoundError):  # or somebody else removes it at the same time
        shutil.rmtree(directory)


def _read(source: int, size: int) -> bytes:
    try:
        return os.read(source, size)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise Refused(reason, kind="unreadable files") from error


def _write(target: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(target, rest) :]


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
