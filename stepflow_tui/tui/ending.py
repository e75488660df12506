"""How the dashboard ends: by signals, and by faults of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StepflowError, system_reason
from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

_INTERRUPTED = 130
_SENT = (
    *("SIGQUIT", "SIGABRT", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGUSR1", "SIGUSR2", "SIGXCPU"),
    *("SIGPOLL", "SIGPWR", "SIGTRAP", "SIGSYS", "SIGSTKFLT"),
)
"""Signals that end a process where nobody takes them, and that somebody may send."""

# Bracketed paste, focus, mouse and keyboard protocol off, lines wrap; then the screen from before
# with a cursor, of which the order matters.
_LEAVE_SCREEN = (
    b"\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?2048l\x1b[?1004l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    b"\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h"
)


class DashboardFault(StepflowError):
    """The dashboard ended by a mistake in it, or in what it is made of."""


def fault(error: BaseException | str, log: Path) -> DashboardFault:
    """What to tell of a fault; where it came up is written into a file.

    Args:
        error: an exception, or where there is none, what is known.
        log: the file, replaced if it is there.
    """
    said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    written = _write(log, error)
    return DashboardFault(
        f"the dashboard ended by a fault of its own, runs go on: {clean_line(said)}; {written}"
    )


def _write(log: Path, error: BaseException | str) -> str:
    lines = [error] if isinstance(error, str) else traceback.format_exception(error)
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{moment} process {os.getpid()}\n{''.join(lines).rstrip()}\n")
    except OSError as problem:
        return f"where it came up could not be written ({system_reason(problem)})"
    return f"where it came up is told in {log}"


@contextmanager
def leaving_on_signals(leave: Callable[[int], None]) -> Iterator[None]:
    """Leave in order when the terminal goes or somebody says so, and never without its screen.

    Args:
        leave: with an exit code.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):  # even where it was ignored (nohup)
        loop.add_signal_handler(number, leave, 0)
    restore = _restorer()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(leave, _INTERRUPTED)

    def end(number: int, _frame: FrameType | None) -> None:
        restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    # Not of the loop: it would hear of a ctrl+c for a pager too.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, interrupt)}
    for number in _deadly():
        before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deadly() -> list[signal.Signals]:
    known = [number for number in signal.Signals if number.name in _SENT]
    return [number for number in known if signal.getsignal(number) is signal.SIG_DFL]


def _restorer() -> Callable[[], None]:
    """What gives the terminal back as it is now, at any moment."""
    terminal, screen = sys.__stdin__, sys.__stderr__
    if terminal is None or screen is None or not terminal.isatty():
        return lambda: None
    keyboard, output = terminal.fileno(), screen.fileno()
    attributes = termios.tcgetattr(keyboard)

    def restore() -> None:
        try:
            os.write(output, _LEAVE_SCREEN)
            termios.tcsetattr(keyboard, termios.TCSANOW, attributes)
        except (OSError, termios.error):
            return  # the terminal is gone

    return restore
