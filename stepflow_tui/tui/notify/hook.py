"""A command of the user's that is started when a run has ended."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Hook:
    """Starts the command and lets it go; what it writes is thrown away.

    It has a session of its own, so that it outlives the dashboard. That it fails is said once.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        """Makes a hook.

        Args:
            command: with its arguments; empty for none.
            environ: what it inherits.
            say: tells the user that it failed.
        """
        self._command = list(command)
        self._environ = dict(environ)
        self._say = say
        self._failed = False
        self._starting: set[asyncio.Task[None]] = set()
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, variables: Mapping[str, str]) -> None:
        """Start the command, with these variables too; to be called in the event loop."""
        if self._command:
            task = asyncio.get_running_loop().create_task(self._start(variables))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start(self, variables: Mapping[str, str]) -> None:
        try:
            # In a thread: the file may lie on a disk that does not answer.
            process = await asyncio.to_thread(self._popen, variables)
        except (OSError, ValueError) as error:
            self._fail(getattr(error, "strerror", None) or str(error))
        else:
            self._running.append(process)

    def _popen(self, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            env={**self._environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def check(self) -> None:
        """See which of them have ended, and how; to be called now and then."""
        for process in self._running:
            if process.poll():
                self._fail(f"exit {process.returncode}")
        self._running = [process for process in self._running if process.returncode is None]

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            self._say(f"the notify command {self._command[0]} failed: {reason}")
