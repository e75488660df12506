"""Giving back a part of a file's disk space, which Python's `os` has no call for."""

from __future__ import annotations

import ctypes
import errno
import os

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02  # linux/falloc.h
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def punch_hole(descriptor: int, start: int, length: int) -> None:
    """Free the blocks of `length` bytes from `start` on; they read as zeros from then on.

    Raises:
        OSError: the file system cannot do that.
    """
    if _libc.fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, start, length):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def hole_at(descriptor: int, offset: int) -> int:
    """How many bytes from there on take no space on the disk."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA) - offset
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EINVAL):  # nothing is behind, or nobody can tell
            return 0
        raise
