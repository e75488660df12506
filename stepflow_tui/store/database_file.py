"""The files of the database as others see them: who has written into them, and what.

A program that opens the database may checkpoint it, by its command or by closing: then the
database file changes, and nothing is wrong. One that copies another file over it changes it as
well, and then the write-ahead log does not belong to it any more. The wal-index tells them apart.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.store.schema import APPLICATION_ID

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_APPLICATION_ID_AT = 68
_BLOCK = 4096
_FIRST_BLOCKS, _OTHER_BLOCKS = 16, 48

# Of the wal-index: see "WAL-Index File Format" in SQLite's documentation. All in native order.
_INDEX_BYTES = 132
_SALTS_AT, _BACKFILLED_AT, _ATTEMPTED_AT = 32, 96, 128


class _Progress(Struct, frozen=True):
    """How far the write-ahead log has been brought into the database.

    Attributes:
        salts: of the log; others once it begins anew.
        backfilled: frames that are in the database.
        attempted: frames that are, or are being brought there at this moment.
    """

    salts: bytes
    backfilled: int
    attempted: int


class _Content(Struct, frozen=True):
    """What is in the database file: its size, and a checksum of some of its blocks."""

    size: int
    checksum: int
    is_ours: bool


class DatabaseFile:
    """Watches the database at `path` for what is not the work of its one writer.

    Holds the files open: closing one of them would drop SQLite's locks on it in this process, so
    `close` comes after the end of the connection.

    Attributes:
        is_suspect: somebody else has written into the database, so it is worth a look through.
    """

    def __init__(self, path: Path) -> None:
        """`path` was opened by SQLite."""
        self._path = path
        self._database = _opened(path)
        self._index = _opened(_companion(path, "-shm"))
        self._names = self._found_names()
        self._progress = self._read_progress()
        self._is_checkpointed = False
        self.is_suspect = False
        self._stamp, self._content = self._read()

    def _read(self) -> tuple[tuple[int, int], _Content]:
        stamp = self._found_stamp()
        return stamp, self._read_content()

    def written(self) -> None:
        """The writer has made a checkpoint."""
        self._progress, self._is_checkpointed = self._read_progress(), False
        self._stamp, self._content = self._read()

    def look_before_commit(self) -> None:
        """See whether somebody else has made a checkpoint; a commit may begin the log anew."""
        progress = self._read_progress()
        self._is_checkpointed |= progress != self._progress
        self._progress = progress

    def committed(self) -> None:
        """The writer has committed; if the log began anew with it, that was its own work."""
        before, self._progress = self._progress, self._read_progress()
        self._is_checkpointed |= (
            before is not None
            and self._progress is not None
            and before.salts == self._progress.salts
            and before != self._progress
        )

    def displacement(self) -> str | None:
        """What somebody else has done: `moved` or `overwritten`; None for nothing that harms."""
        if self._found_names() != self._names:
            return "moved"
        if self._found_stamp() == self._stamp:
            return None
        stamp, content = self._read()
        self.look_before_commit()  # a checkpoint that is going on shows before it writes
        if not content.is_ours or not (content == self._content or self._is_explained()):
            return "overwritten"
        self.is_suspect = True
        self._is_checkpointed = False
        self._stamp, self._content = stamp, content
        return None

    def _is_explained(self) -> bool:
        """Whether a checkpoint can have changed the database file."""
        progress = self._progress
        return self._is_checkpointed or (
            progress is not None and progress.attempted > progress.backfilled
        )

    def close(self) -> None:
        """Let go of the files; nobody in this process may have the database open."""
        for descriptor in (self._database, self._index):
            if descriptor is not None:
                os.close(descriptor)
        self._database = self._index = None

    def _found_names(self) -> tuple[tuple[int, int] | None, ...]:
        """Device and inode of the database and its companions; None for what is not there."""
        entries = [_entry(_companion(self._path, suffix)) for suffix in ("", "-wal", "-shm")]
        return tuple(entry and (entry.st_dev, entry.st_ino) for entry in entries)

    def _found_stamp(self) -> tuple[int, int]:
        entry = _entry(self._path)
        return (entry.st_mtime_ns, entry.st_size) if entry else (0, 0)

    def _read_progress(self) -> _Progress | None:
        found = b"" if self._index is None else os.pread(self._index, _INDEX_BYTES, 0)
        if len(found) < _INDEX_BYTES:
            return None
        [backfilled] = struct.unpack_from("=I", found, _BACKFILLED_AT)
        [attempted] = struct.unpack_from("=I", found, _ATTEMPTED_AT)
        return _Progress(found[_SALTS_AT : _SALTS_AT + 8], backfilled, attempted)

    def _read_content(self) -> _Content:
        if self._database is None:
            return _Content(0, 0, is_ours=True)
        size = os.fstat(self._database).st_size
        checksum = 0
        for block in _sample(size // _BLOCK):
            checksum = zlib.crc32(os.pread(self._database, _BLOCK, block * _BLOCK), checksum)
        header = os.pread(self._database, _HEADER_BYTES, 0)
        return _Content(size, checksum, is_ours=_is_ours(header))


def _is_ours(header: bytes) -> bool:
    """Whether a header is that of our database, or of one into which nothing was brought yet."""
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        return not header
    [application] = struct.unpack_from(">I", header, _APPLICATION_ID_AT)
    return application in (APPLICATION_ID, 0)


def _sample(blocks: int) -> list[int]:
    """The first blocks and some of the others, always the same ones of a file of that size."""
    step = max(1, blocks // _OTHER_BLOCKS)
    return sorted({*range(min(blocks, _FIRST_BLOCKS)), *range(0, blocks, step)})


def _companion(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None


def _entry(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
