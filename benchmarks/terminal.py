"""A program on a pseudo-terminal: which bytes came when, drawn only after they were measured."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from typing import TYPE_CHECKING

import pyte

from benchmarks.workshop import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from stepflow_tui.core.home import Home

COLUMNS, ROWS = 120, 40

_PIECE = 1 << 20
_LOOK_S = 0.1
_CALM_BYTES = 20_000
_CALM_LOOKS = 5
_DRAWN_AT_MOST = 4 << 20
"""Of a heap of output the emulator, which is slow, gets the end; no screen is so large."""

_ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[0c": b"\x1b[?62;22c", b"\x1b[6n": b"\x1b[1;1R"}
"""To questions without whose answers some programs do not begin."""

_STRANGE = re.compile(rb"\x1b\[[<=>][0-9;]*[A-Za-z]|\x1bP[^\x1b]*\x1b\\|\x1b_[^\x1b]*\x1b\\")
"""What the emulator would take for something else: private modes and strings."""


class Terminal:
    """Runs a command with this terminal as its own. Use it as a context manager.

    Attributes:
        pid: of the command.
        writes: monotonic nanoseconds and bytes of each read.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.writes: list[tuple[int, bytes]] = []
        self._drawn = 0
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, size)  # before it can ask
                os.execvpe(command[0], list(command), dict(environ))  # noqa: S606 - after the fork
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)  # not waited for yet, so nobody else has its id
            os.waitpid(self.pid, 0)
        finally:
            os.close(self._master)  # hangs up on what it has started

    @property
    def sent(self) -> int:
        """Bytes written by now."""
        return sum(len(data) for _, data in self.writes)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def read(self, seconds: float) -> int:
        """Take down what is written in this time, and nothing else; how many bytes that is."""
        count, until = 0, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self._master], [], [], left)
            count += self._take() if ready else 0
        return count

    def _take(self) -> int:
        try:
            data = os.read(self._master, _PIECE)
        except OSError as error:
            raise RuntimeError(f"the program has left its terminal: {self._end()}") from error
        self.writes.append((time.monotonic_ns(), data))
        for question, answer in _ANSWERS.items():
            if question in data:
                os.write(self._master, answer)
        return len(data)

    def _end(self) -> str:
        return b"".join(data for _, data in self.writes[-3:])[-500:].decode(errors="replace")

    def frames(self) -> Iterator[tuple[int, str]]:
        """Draw what was not drawn yet; each moment at which the screen changed, and the changes."""
        waiting = sum(len(data) for _, data in self.writes[self._drawn :])
        for moment, data in self.writes[self._drawn :]:
            self._drawn += 1
            waiting -= len(data)
            if waiting < _DRAWN_AT_MOST:
                self._stream.feed(_STRANGE.sub(b"", data))
                yield moment, "\n".join(self._row(y) for y in sorted(self._screen.dirty))
                self._screen.dirty.clear()

    def _row(self, y: int) -> str:
        # Not `display`, which fails on what is left of a wide character that was written over.
        cells = self._screen.buffer[y]
        return "".join([cells[x].data for x in range(COLUMNS)])

    @property
    def text(self) -> str:
        """What stands on the screen by what was drawn."""
        return "\n".join(map(self._row, range(ROWS)))

    def wait_for(self, text: str, busy_s: float = 2.0, patience_s: float = PATIENCE_S) -> int:
        """The moment at which this text stood on the screen, in monotonic nanoseconds.

        It is drawn when the program is calm, so that the emulator takes no time away from it.

        Args:
            text: in one row.
            busy_s: a program that is not calm for so long is taken as never so.
            patience_s: how long to wait in all.

        Raises:
            TimeoutError: it never stood there.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            self._read_until_calm(min(deadline, time.monotonic() + busy_s))
            for moment, changed in self.frames():
                if text in changed:
                    return moment
        raise TimeoutError(f"waited for {text!r} in vain; on the screen stands:\n{self.text}")

    def _read_until_calm(self, deadline: float) -> None:
        looks = 0
        while looks < _CALM_LOOKS and time.monotonic() < deadline:
            looks = looks + 1 if self.read(_LOOK_S) < _CALM_BYTES * _LOOK_S else 0


def environment(directory: Path, **more: str) -> dict[str, str]:
    """What a program on a terminal finds, with a home of its own."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        **more,
    }


def open_dashboard(home: Home, **environ: str) -> Terminal:
    """The dashboard of a home, as a user opens it: by the bare command."""
    known = environment(home.root.parent, STEPFLOW_HOME=str(home.root), **environ)
    return Terminal([sys.executable, "-m", "stepflow_tui"], known)
