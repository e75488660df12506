"""The interpreter of a script, or the loader of a program: whether the system will find it.

Where it is missing the system says of the script itself that there is no such file, which helps
nobody. Imported by the launcher: nothing here may import more than it has.
"""

from __future__ import annotations

import os
import stat
import struct

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes."""

_HEAD = 4096
_FIRST_LINE = 256  # bytes of a script that the kernel looks at
_ELF = b"\x7fELF\x02\x01"  # of 64 bits, the lowest first
_ELF_SIZE = 64
_SEGMENT = struct.Struct("<I4xQ16xQ16x")  # type, offset and size in the file
_INTERPRETER_SEGMENT = 3
_MOST = 4  # interpreters in a row that are scripts themselves; the kernel follows no more


def find_program(command: str, search_path: str) -> str | None:
    """The file that the system executes for this command, as a path; None if there is none.

    Args:
        command: with a slash it is a path.
        search_path: directories as in PATH.
    """
    if "/" in command:
        return command
    for directory in search_path.split(os.pathsep):
        path = os.path.join(directory, command)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def interpreter_problem(program: str, directory: str = "") -> tuple[str, int] | None:
    """Why this program's interpreter cannot be executed; None if nothing is in the way.

    Args:
        program: path of the file that is to be executed.
        directory: where relative paths begin; by default the working directory.

    Returns:
        The reason in words, and the exit code that a shell would give.
    """
    path = os.path.join(directory, program)
    for _ in range(_MOST + 1):
        named = _interpreter(path)
        if named is None:
            return None
        path = os.path.join(directory, named)
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            cause = "; convert its Windows line endings: dos2unix" if named.endswith("\r") else ""
            return f"its interpreter {named!r} does not exist{cause}", NOT_FOUND
        except OSError:  # the system tells
            return None
        if not stat.S_ISREG(mode) or not os.access(path, os.X_OK):
            return f"its interpreter {named!r} is not executable", NOT_EXECUTABLE
    if not _head(path).startswith(b"#!"):
        return None
    return "too many interpreters in a row are scripts themselves", NOT_EXECUTABLE


def _interpreter(path: str) -> str | None:
    """What the file names: behind `#!`, or as its loader; None if nothing, or it cannot be read."""
    head = _head(path)
    if head.startswith(_ELF) and len(head) > _ELF_SIZE:
        return _loader(head)
    if not head.startswith(b"#!"):
        return None
    words = (
        head[2:_FIRST_LINE].partition(b"\n")[0].partition(b"\0")[0].replace(b"\t", b" ").split(b" ")
    )
    return os.fsdecode(next(filter(None, words), b"")) or None


def _loader(head: bytes) -> str | None:
    """The program that loads this one and its libraries, if it stands near the beginning."""
    table, size, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<2H", head, 54)
    for start in range(table, min(table + size * count, len(head) - _SEGMENT.size), size or 1):
        kind, offset, length = _SEGMENT.unpack_from(head, start)
        if kind == _INTERPRETER_SEGMENT and offset + length <= len(head):
            return os.fsdecode(head[offset : offset + length].rstrip(b"\0")) or None
    return None


def _head(path: str) -> bytes:
    """The first bytes of a file; nothing of what is none, or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _HEAD) if is_file else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)
