"""Runs a program under a seccomp filter: `python forbid.py ERRNO NUMBER[,NUMBER…] COMMAND…`.

The system calls of these numbers fail with ERRNO in it and in all that it starts.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_MODE_FILTER = 2
_LOAD_NUMBER = struct.pack("HBBI", 0x20, 0, 0, 0)
_ALLOW = struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
PIDFD_SEND_SIGNAL, PIDFD_OPEN = 424, 434


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def forbid(numbers: list[int], error: int) -> None:
    """Have these system calls fail from now on.

    Raises:
        OSError: the kernel does not let us.
    """
    instructions = _LOAD_NUMBER
    for number in numbers:
        instructions += struct.pack("HBBI", 0x15, 0, 1, number)
        instructions += struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | error)
    instructions += _ALLOW
    program = _Program(len(instructions) // 8, instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
        _PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program)
    ):
        raise OSError(ctypes.get_errno(), "cannot install a filter")


if __name__ == "__main__":
    forbid([int(number) for number in sys.argv[2].split(",")], int(sys.argv[1]))
    os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606 - the caller's own words, no shell
