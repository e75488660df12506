"""Writing the write-ahead log once more, after a sync of it has failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1024 * 1024


def write_anew(path: Path) -> None:
    """Put every byte of the log at `path` in its place again, and sync it; a missing one is fine.

    When a sync fails, the kernel takes the pages for written, arrived or not, and a later sync that
    succeeds says nothing of them. What reads see of them is right, so written again they arrive.

    Raises:
        OSError: they still do not.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        offset = 0
        while block := os.pread(descriptor, _BLOCK, offset):
            offset += os.pwrite(descriptor, block, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
