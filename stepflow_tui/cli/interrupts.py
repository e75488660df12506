"""Ctrl-C while a command is loaded, while it works, and when it has ended.

Python raises KeyboardInterrupt wherever it happens to be: in the midst of an import, where it is
printed with a traceback or lost, or in what the interpreter does at its end.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130


def leave_at_once() -> None:
    """Have SIGINT end the process, as nothing has begun yet that would have to be told or undone.

    Where SIGINT is ignored, as for what a shell starts with `&`, it stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def raise_interrupts() -> None:
    """Have SIGINT raise KeyboardInterrupt again: a command begins, and knows what to do."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore_interrupts() -> None:
    """Ignore SIGINT: the exit code is known, and what is left is the interpreter's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
