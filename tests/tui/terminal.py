"""A program in a pseudo-terminal, and what stands on its screen as a terminal emulator shows it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0


def terminal_environment(**more: str) -> dict[str, str]:
    """What a terminal with all colours sets for a program of this tree, and nothing else."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        **more,
    }


class Terminal:
    """Runs a command with this terminal as its own. Use it as a context manager.

    Attributes:
        pid: of the command.
        received: all bytes it has written.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        columns: int = 120,
        rows: int = 36,
        *,
        draws: bool = True,
    ) -> None:
        self._draws = draws  # else only `received` tells what was written, which is much quicker
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.received = bytearray()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(command[0], list(command), dict(environ))  # noqa: S606 - pty.fork needs it
            finally:
                os._exit(127)
        self._set_size(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._master >= 0:
            os.close(self._master)
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            return  # it has ended, and was waited for

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed."""
        os.close(self._master)
        self._master = -1

    def send(self, keys: str | bytes) -> None:
        """Type."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        # Not `display`, which fails on what is left of a wide character that was written over.
        places = range(self._screen.columns)
        rows = map(self._screen.buffer.__getitem__, range(self._screen.lines))
        return ["".join([row[x].data for x in places]).rstrip() for row in rows]

    @property
    def text(self) -> str:
        """What stands on the screen, as one string."""
        return "\n".join(self.lines)

    def wait(self, seen: Callable[[str], bool], patience_s: float = PATIENCE_S) -> str:
        """The screen's text as soon as `seen` holds for it.

        Raises:
            TimeoutError: it never did; the text is what stands there now.
        """
        deadline = time.monotonic() + patience_s
        while not seen(self.text):
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise TimeoutError(self.text)
        return self.text

    def wait_for(self, *texts: str) -> str:
        """The screen's text as soon as all of these stand in it."""
        return self.wait(lambda screen: all(text in screen for text in texts))

    def _read(self, patience_s: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], patience_s)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False  # the program has ended
        self.received += data
        if self._draws:
            self._stream.feed(data)
        return bool(data)

    def read_rest(self) -> bytes:
        """All that was written, once the program has ended."""
        while self._read(0.0):
            pass
        return bytes(self.received)

    def wait_exit(self, patience_s: float = PATIENCE_S) -> int:
        """The exit status of the program, negative for a signal.

        Raises:
            TimeoutError: it goes on.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if self._master >= 0:
                self._read(0.02)  # what it writes at the end must be taken off it
            else:
                time.sleep(0.005)
        raise TimeoutError(self.text)
