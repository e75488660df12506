"""Standard streams: those that are closed or fail, and an input that nobody reads."""

from __future__ import annotations

import os
import stat
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_missing_streams() -> None:
    """Let closed standard streams lead nowhere, so that no file of ours takes their place."""
    for descriptor, (name, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            _open_null(descriptor)
            stream = open(  # noqa: SIM115 - a descriptor; a standard stream stays open
                descriptor, mode, encoding="utf-8", errors="backslashreplace", closefd=False
            )
            setattr(sys, name, stream)


def end_streams() -> None:
    """Write what waits in buffers; what cannot be written must not come up again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # whoever wrote it has been told
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_null(descriptor: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null == descriptor:
        os.set_inheritable(null, True)
    else:
        os.dup2(null, descriptor)
        os.close(null)


def unread_input() -> str | None:
    """What standard input is, if something can be read there: `a file` or `a pipe`; else None."""
    try:
        kind = os.fstat(0).st_mode
        if stat.S_ISREG(kind):
            return "a file" if os.fstat(0).st_size > os.lseek(0, 0, os.SEEK_CUR) else None
        if stat.S_ISFIFO(kind):
            return "a pipe" if _may_hold_more() else None
        # Behind ssh there is a socket, whether or not anybody writes into it.
        return "a pipe" if stat.S_ISSOCK(kind) and _available() else None
    except OSError:
        return None


def _may_hold_more() -> bool:
    """Whether the pipe at standard input has something to read, or a writer."""
    import select

    poll = select.poll()
    poll.register(0, select.POLLIN)
    return not any(
        events & select.POLLHUP and not events & select.POLLIN for _, events in poll.poll(0)
    )


def _available() -> int:
    """How many bytes wait at standard input."""
    import fcntl
    import termios

    answer = fcntl.ioctl(0, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, sys.byteorder)
