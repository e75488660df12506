"""A disk that can lose its power or fail, and an SQLite VFS upon it.

What is written is seen by every later read, as a page cache shows it. On the disk it is only once
it is synced; until then each sector of 512 bytes is on its way by itself, in any order.
"""

from __future__ import annotations

import errno
import itertools
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

import apsw

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

SECTOR = 512
"""What a disk writes at once, or tears."""

PAGE = 4096
"""What the kernel caches, and takes for written, at once."""

LASTING = 1_000_000
"""Times of a fault that ends only with `Disk.mend`."""

_KEEP = (0.0, 0.3, 0.7, 0.95, 1.0)
_TORN = 0.3
_FORGOTTEN = 0.5
_STALE = 0.2

Kind = Literal["write", "sync", "truncate"]


class PowerLost(Exception):
    """The machine is off; `Disk.image` is what is left."""


class File:
    """What reads see, what is on the disk, and what is on its way there."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self._on_disk = content
        self._versions: dict[int, list[bytes]] = {}
        self._sizes: list[int] = []
        self._forgotten: set[int] = set()

    def write(self, data: bytes, offset: int) -> None:
        """Seen at once, and from now on its way."""
        self.content.extend(bytes(max(0, offset - len(self.content))))
        self.content[offset : offset + len(data)] = data
        self._changed(offset, offset + len(data))

    def truncate(self, size: int) -> None:
        """Cut it off, or lengthen it with zeros."""
        del self.content[size:]
        self.content.extend(bytes(size - len(self.content)))
        self._changed(size, size + 1)

    def _changed(self, start: int, stop: int) -> None:
        self._sizes.append(len(self.content))
        for sector in self._sectors(start, stop):
            version = bytes(self.content[sector * SECTOR : (sector + 1) * SECTOR])
            self._versions.setdefault(sector, []).append(version)

    def _sectors(self, start: int, stop: int) -> Iterable[int]:
        """Those that hold the bytes `start:stop`, with all of a page that was forgotten."""
        sectors = _blocks(start, stop, SECTOR)
        again = self._forgotten.intersection(_blocks(start, stop, PAGE)) if self._forgotten else ()
        if not again:
            return sectors
        self._forgotten.difference_update(again)
        rest = (_blocks(page * PAGE, (page + 1) * PAGE, SECTOR) for page in again)
        return sorted({*sectors, *itertools.chain.from_iterable(rest)})

    def sync(self) -> None:
        """All of it arrives, but for what was forgotten."""
        arrived = bytearray(self.content)
        for page in self._forgotten:
            old = self._on_disk[page * PAGE : (page + 1) * PAGE]
            room = len(arrived[page * PAGE : (page + 1) * PAGE])
            arrived[page * PAGE : page * PAGE + room] = old[:room].ljust(room, b"\0")
        self._on_disk = bytes(arrived)
        self._versions.clear()
        self._sizes.clear()

    def forget(self, chance: random.Random) -> None:
        """A failed sync: some pages never arrive, and the kernel takes all for written."""
        pages = sorted({sector * SECTOR // PAGE for sector in self._versions})
        self._forgotten.update(page for page in pages if chance.random() < _FORGOTTEN)
        self.sync()

    def after_power_loss(self, chance: random.Random) -> bytes:
        """One of the many things that the disk may hold when the power is back."""
        size = self._size_after(chance)
        missing = max(0, size - len(self._on_disk))
        stale = chance.randbytes(missing) if chance.random() < _STALE else bytes(missing)
        image = bytearray(self._on_disk[:size] + stale)
        keep = chance.choice(_KEEP)
        for sector, versions in self._versions.items():
            at = slice(sector * SECTOR, min((sector + 1) * SECTOR, size))
            old = bytes(image[at])
            if old:
                image[at] = _arrived(old, versions, keep, chance)[: len(old)].ljust(len(old), b"\0")
        return bytes(image)

    def _size_after(self, chance: random.Random) -> int:
        if chance.random() < 0.5:
            return len(self.content)
        return chance.choice([len(self._on_disk), *self._sizes])


def _blocks(start: int, stop: int, size: int) -> range:
    """The indexes of the blocks of `size` bytes that the bytes `start:stop` touch."""
    return range(start // size, (stop - 1) // size + 1)


def _arrived(old: bytes, versions: list[bytes], keep: float, chance: random.Random) -> bytes:
    """What became of one sector: kept, dropped, torn, or as it was for a moment."""
    if chance.random() < keep:
        return versions[-1]
    newer = chance.choice(versions)
    if chance.random() < _TORN:
        at = chance.randrange(SECTOR)
        return chance.choice((newer[:at] + old[at:], old[:at] + newer[at:]))
    return chance.choice((old, newer))


@dataclass(frozen=True, slots=True)
class Fault:
    """The disk answers `code` to some operations of one kind.

    Attributes:
        code: SQLite's, such as SQLITE_IOERR_FSYNC.
        first: the first operation that is answered so, counted from 1 when the fault comes up.
        times: how many are.
        forgets: a sync that failed has lost pages, and a later one does not tell.
    """

    kind: Kind
    code: int
    first: int
    times: int = 1
    forgets: bool = False


class Disk:
    """One directory of files, and what befalls it.

    Attributes:
        lies: it says that it has synced, and has not.
        refused: how often it has failed.
        operations: how many were begun.
        image: what was left when the power went, by name; None while it is on.
    """

    def __init__(
        self,
        chance: random.Random,
        files: Mapping[str, bytes] | None = None,
        *,
        lies: bool = False,
    ) -> None:
        self.lies = lies
        self.refused = 0
        self.operations = 0
        self.image: dict[str, bytes] | None = None
        self._chance = chance
        self._off_at: int | None = None
        self._fault: Fault | None = None
        self._until_fault = 0
        self._files = {name: File(content) for name, content in (files or {}).items()}
        self._directory = [dict(self._files)]

    def lose_power_at(self, operation: int) -> None:
        """The power goes in the middle of this operation, counted from 1."""
        self._off_at = operation

    def fail(self, fault: Fault) -> None:
        """From now on something is wrong with it."""
        self._fault, self._until_fault = fault, fault.first

    def mend(self) -> None:
        """Nothing is wrong with it any more."""
        self._fault = None

    def contents(self) -> dict[str, bytes]:
        """What a new process finds when only the old one has ended."""
        return {name: bytes(file.content) for name, file in self._files.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def open(self, name: str | None) -> File:
        """The file of this name, made if need be; without a name a file for the moment."""
        if name is None:
            return File()
        if name not in self._files:
            self._files[name] = File()
            self._directory.append(dict(self._files))
        return self._files[name]

    def delete(self, name: str) -> None:
        """Take away a name; the directory is not synced."""
        del self._files[name]
        self._directory.append(dict(self._files))
        self._go_on()

    def sync_directory(self) -> None:
        """What was made and deleted stays so."""
        if not self.lies:
            self._directory = [dict(self._files)]

    def write(self, file: File, data: bytes, offset: int) -> None:
        """Write all, or when that fails only half."""
        if self._fails("write"):
            file.write(data[: len(data) // 2], offset)
            self._refuse()
        file.write(data, offset)
        self._go_on()

    def truncate(self, file: File, size: int) -> None:
        """Set the size of a file."""
        if self._fails("truncate"):
            self._refuse()
        file.truncate(size)
        self._go_on()

    def sync(self, file: File) -> None:
        """Bring a file to the disk."""
        if self._fails("sync"):
            if self._fault and self._fault.forgets:
                file.forget(self._chance)
            self._refuse()
        self._go_on()
        if not self.lies:
            file.sync()

    def write_anew(self, path: Path) -> None:
        """What the writer does with a real log."""
        if path.name not in self:
            return
        file = self.open(path.name)
        try:
            self.write(file, bytes(file.content), 0)
            self.sync(file)
        except apsw.Error as error:
            raise OSError(errno.EIO, "it still fails") from error

    def _fails(self, kind: Kind) -> bool:
        if self._fault is None or self._fault.kind != kind:
            return False
        self._until_fault -= 1
        return -self._fault.times < self._until_fault <= 0

    def _refuse(self) -> None:
        assert self._fault is not None
        self.refused += 1
        self._go_on()
        raise apsw.exception_for(self._fault.code)

    def _go_on(self) -> None:
        self.operations += 1
        if self.operations == self._off_at:
            names = self._chance.choice(self._directory)  # a journal keeps the names in order
            self.image = {name: file.after_power_loss(self._chance) for name, file in names.items()}
            raise PowerLost


def restore(image: Mapping[str, bytes], parent: Path) -> Path:
    """A new directory with real files as they are on a simulated disk."""
    directory = Path(mkdtemp(dir=parent))
    for name, content in image.items():
        (directory / name).write_bytes(content)
    return directory


_numbers = itertools.count()
_SYNCED_WITH_DIRECTORY = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL


class Sectors(apsw.VFS):
    """SQLite's way to a disk. Locks and shared memory are those of real, empty files."""

    def __init__(self, disk: Disk) -> None:
        self.name = f"sectors{next(_numbers)}"
        self._disk = disk
        super().__init__(self.name, "")

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        file = self._disk.open(path and Path(path).name)
        if flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            return _Database(self._disk, file, name, flags)
        flags[1] = flags[0]
        return _Beside(self._disk, file, new=bool(flags[0] & _SYNCED_WITH_DIRECTORY))

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        name = Path(filename).name
        if name not in self._disk:
            raise apsw.exception_for(apsw.SQLITE_IOERR_DELETE_NOENT)
        self._disk.delete(name)
        if syncdir:
            self._disk.sync_directory()

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: ARG002, N802
        return Path(pathname).name in self._disk


class _Contents(apsw.VFSFile):
    """The contents of an open file."""

    _disk: Disk
    _file: File

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._file.content[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.write(self._file, data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.truncate(self._file, newsize)

    def xSync(self, flags: int) -> None:  # noqa: ARG002, N802
        self._disk.sync(self._file)

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._file.content)

    def xSectorSize(self) -> int:  # noqa: N802
        return PAGE

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE


class _Database(_Contents):
    """The database file itself."""

    def __init__(
        self, disk: Disk, file: File, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        super().__init__("", name, flags)
        self._disk, self._file = disk, file


class _Beside(_Contents):
    """A journal, a WAL or a temporary file: only the database's locks count."""

    def __init__(self, disk: Disk, file: File, *, new: bool) -> None:
        self._disk, self._file, self._new = disk, file, new

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        if self._new:  # as the unix VFS does it
            self._disk.sync_directory()
            self._new = False

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: ARG002, N802
        return False

    def xClose(self) -> None:  # noqa: N802
        pass
