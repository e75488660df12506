"""Starts shims as the launcher does, and does nothing else: the most that fork and exec allow.

Run as a file by an isolated interpreter: `python -I -S bare_starts.py SHIM DIRECTORY COUNT LOCK
WORD…`, where LOCK is `lock` if each is to have a start lock on the disk first. It says when it is
up, and begins when it is told to, as a launcher is up before anybody orders a start.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shlex
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_HIGH = 16


def main(shim_file: str, directory: str, count: int, lock: str, command: list[str]) -> None:
    """Start so many, one after the other."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    libc = ctypes.CDLL(None)
    setup = f"exec 5<&- 2>&1\nexec /usr/bin/setsid -- {shlex.join(command)}\n".encode()
    os.write(1, b"up\n")
    os.read(0, 1)
    for number in range(count):
        prefix = f"{directory}/{number}"
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            if lock == "lock":
                _take_lock(directory, prefix)
            _open_descriptors(prefix, setup)
            os.execv("/bin/sh", ["/bin/sh", shim_file, prefix])  # noqa: S606 - that is what is measured


def _take_lock(directory: str, prefix: str) -> None:
    """Make a file that is on the disk, with its name."""
    descriptor = os.open(f"{prefix}.tmp", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.write(descriptor, b"x" * 1024)
    os.fsync(descriptor)
    os.close(descriptor)
    os.link(f"{prefix}.tmp", f"{prefix}.lock")
    os.unlink(f"{prefix}.tmp")  # noqa: PTH108 - as lean as the launcher
    parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(parent)
    os.close(parent)


def _open_descriptors(prefix: str, setup: bytes) -> None:
    flags = os.O_CREAT | os.O_EXCL
    spool = os.open(f"{prefix}.out", flags | os.O_WRONLY | os.O_APPEND, 0o600)
    exit_file = os.open(f"{prefix}.exit", flags | os.O_RDWR, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    read_end, write_end = os.pipe()
    text = os.memfd_create("setup")
    os.write(text, setup)
    high = [
        fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
        for descriptor in (null, write_end, exit_file, spool, read_end, text)
    ]
    for target, descriptor in enumerate(high):
        os.dup2(descriptor, target, inheritable=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:])
