"""Ctrl-C while a command is loaded, and while it works."""

from __future__ import annotations

import signal

from stepflow_tui.cli import leave


def leave_at_once() -> None:
    """Have SIGINT end the process, while something large is loaded.

    Where SIGINT is ignored, as for what a shell starts with `&`, it stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)


def raise_interrupts() -> None:
    """Have SIGINT raise KeyboardInterrupt again: a command begins, and knows what to do."""
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
