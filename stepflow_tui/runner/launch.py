"""The runner's end of the launcher process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui import __version__
from stepflow_tui.requests.runner import runner_environment
from stepflow_tui.runner import proc

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = Path(__file__).with_name("launcher.py")

_LEAVE_S = 2.0
"""For so long the launcher is waited for, when its channel has been closed."""


class LaunchFailed(Struct, frozen=True):
    """A process of the launcher, `pid`, could not become the shim of an execution.

    Attributes:
        errno: the system's number of the error, if it is one of the system.
        path: of the file that it is about; empty if it is about none.
    """

    execution: str
    pid: int
    error: str
    errno: int | None = None
    path: str = ""


class Launcher:
    """Starts shims through a launcher process, which is started anew should it die.

    Orders never block: what the socket does not take waits here until `flush`.
    """

    def __init__(self) -> None:
        self._orders: deque[bytes] = deque()
        self._process: subprocess.Popen[bytes] | None = None
        self.channel = self._start()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            program = [sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM)]
            self._process = subprocess.Popen(
                [*program, str(theirs.fileno()), __version__],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=runner_environment(os.environ),
            )
        ours.setblocking(False)
        return ours

    def start(self, execution: str, request: Path, prefix: Path) -> None:
        """Order a start; it shows by the lock file, or by a `LaunchFailed`."""
        order = {"id": execution, "request": str(request), "prefix": str(prefix)}
        self._orders.append(json.dumps(order).encode())
        self.flush()

    @property
    def has_orders(self) -> bool:
        """Whether orders wait for room in the socket."""
        return bool(self._orders)

    def flush(self) -> None:
        """Send as many orders as the socket takes."""
        try:
            while self._orders:
                self.channel.send(self._orders[0])
                self._orders.popleft()
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            pass  # `failures` notices that the launcher is gone

    def failures(self) -> Iterator[LaunchFailed]:
        """What the launcher complained of since the last call.

        Raises:
            ConnectionError: the launcher is gone; `restart` and order anew what has no lock.
        """
        while True:
            try:
                packet = self.channel.recv(65536)
            except BlockingIOError:
                return
            if not packet:
                raise ConnectionResetError("the launcher is gone")
            answer = json.loads(packet)
            who = answer["id"], answer["pid"]
            yield LaunchFailed(*who, answer["error"], answer.get("errno"), answer.get("path", ""))

    @property
    def stopped_pid(self) -> int | None:
        """The pid of the launcher if it was stopped (SIGSTOP): it follows no order then."""
        found = proc.process(self._process.pid) if self._process is not None else None
        return found.pid if found is not None and found.is_stopped else None

    def restart(self) -> None:
        """Start a new launcher process in place of one that died, or that was stopped."""
        if self._process is not None:
            self._process.kill()  # what it has not started is ordered anew
        self.close()
        self._orders.clear()
        self.channel = self._start()

    def close(self) -> None:
        """End the launcher; shims live on."""
        self.channel.close()
        if self._process is None:
            return
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:  # it was stopped, or its disk hangs
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LEAVE_S)
        self._process = None
