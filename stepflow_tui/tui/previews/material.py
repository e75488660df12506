"""What is read of an artifact for its preview: never more than its head."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from msgspec import Struct, field

from stepflow_tui.store.collected import open_collected
from stepflow_tui.tui.previews.kind import Kind, kind_of

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact

HEAD_BYTES = 1_000_000
PICTURE_BYTES = 20_000_000
"""A picture cannot be drawn from its head alone; larger ones are only described."""

_ENTRIES = 1_000
_BLOCK = 1 << 18


class Entry(Struct, frozen=True):
    """A file or directory in a directory; a directory has no size."""

    name: str
    size: int | None


class Material(Struct, frozen=True):
    """What was read.

    Attributes:
        data: the first bytes of a file.
        size: bytes of the whole file.
        entries: of a directory, the first thousand by name.
        more_entries: how many there are beside these.
    """

    name: str
    kind: Kind
    data: bytes = b""
    size: int = 0
    entries: list[Entry] = field(default_factory=list)
    more_entries: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return len(self.data) >= self.size


def read_material(home: Home, artifact: Artifact) -> Material:
    """Read what a preview needs of an artifact that was stored; blocks while it does.

    Raises:
        StepflowError: the copy is gone, or cannot be read.
        OSError: the disk fails.
    """
    with open_collected(home, str(artifact.stored)) as descriptor:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            return _directory(artifact.name, descriptor)
        head = _read(descriptor, HEAD_BYTES)
        kind = kind_of(artifact.name, artifact.mime, head)
        if kind is Kind.PICTURE and found.st_size <= PICTURE_BYTES:
            head += _read(descriptor, PICTURE_BYTES - len(head))
        return Material(artifact.name, kind, head, max(found.st_size, len(head)))


def _read(descriptor: int, limit: int) -> bytes:
    blocks = []
    while limit > 0 and (block := os.read(descriptor, min(limit, _BLOCK))):
        blocks.append(block)
        limit -= len(block)
    return b"".join(blocks)


def _directory(name: str, descriptor: int) -> Material:
    with os.scandir(descriptor) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    shown = [
        Entry(entry.name, None if entry.is_dir(follow_symlinks=False) else _size(entry))
        for entry in entries[:_ENTRIES]
    ]
    more = len(entries) - len(shown)
    return Material(name, Kind.DIRECTORY, entries=shown, more_entries=more)


def _size(entry: os.DirEntry[str]) -> int:
    return entry.stat(follow_symlinks=False).st_size
