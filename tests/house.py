"""A temporary home with a real runner and real scripts, for tests and load tools."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, TypeVar

from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import NoDatabase
from stepflow_tui.core.home import Home
from stepflow_tui.core.identity import new_id
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest, RunRequest
from stepflow_tui.requests.runner import ensure_runner, live_runner
from stepflow_tui.runner import proc
from stepflow_tui.store import queries
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.requests.runner import RunnerIdentity
    from stepflow_tui.store.queries import Query

T = TypeVar("T")

PATIENCE_S = 60.0
_POLL_S = 0.005


def wait_for(what: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
    """What `what` returns once that is true.

    Raises:
        TimeoutError: it never was.
    """
    deadline = time.monotonic() + patience_s
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience_s} s in vain")
        time.sleep(_POLL_S)


class House:
    """A home, the scripts that run in it, and the runner that records them."""

    def __init__(self, root: Path, settings: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.home = Home(root / "home")
        self.scripts = root / "scripts"
        self.scripts.mkdir(exist_ok=True)
        prepare_home(self.home)
        for name, value in (settings or {}).items():
            os.environ[f"STEPFLOW_{name.upper()}"] = value

    def script(self, text: str, name: str = "script.sh") -> Path:
        """Write an executable script; bash unless it names its interpreter."""
        path = self.scripts / name
        path.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}")
        path.chmod(0o755)
        return path

    def request(self, *command: object, **fields: object) -> RunRequest:
        """A request as the command line makes it."""
        request = {
            "id": new_id(),
            "command": [str(word) for word in command],
            "cwd": str(self.scripts),
            "environment": {"PATH": os.environ["PATH"], "PYTHON": sys.executable},
            "created_at": now().wall_ms,
            "name": str(command[0]).rpartition("/")[2],
            "user": "tester",
        }
        return RunRequest(**{**request, **fields})  # type: ignore[arg-type]

    def submit(self, *command: object, **fields: object) -> str:
        """Ask for a run, see to it that a runner lives, and return the id."""
        request = self.request(*command, **fields)
        inbox.submit(self.home, request)
        self.start_runner()
        return request.id

    def start_runner(self) -> RunnerIdentity:
        """The live runner."""
        return wait_for(lambda: ensure_runner(self.home, wait_s=5.0))

    def cancel(self, execution: str, *, force: bool = False) -> None:
        """Ask for an execution to be stopped."""
        inbox.submit(self.home, CancelRequest(new_id(), execution, force))

    def read(self, query: Query[T]) -> list[T]:
        """All rows of a query, through a read-only connection."""
        with Reader(self.home.database) as reader:
            return reader.all(query)

    def find(self, execution: str) -> Execution | None:
        """The execution with this id, if it is committed."""
        try:
            found = self.read(queries.executions_with_prefix(execution))
        except NoDatabase:
            return None
        return found[0] if found else None

    def wait(self, execution: str, patience_s: float = PATIENCE_S) -> Execution:
        """The execution, once its status is final."""

        def final() -> Execution | None:
            found = self.find(execution)
            return found if found is not None and found.status.is_final else None

        return wait_for(final, patience_s)

    def wait_running(self, execution: str) -> Execution:
        """The execution, once it has left `pending`."""

        def running() -> Execution | None:
            found = self.find(execution)
            return found if found is not None and found.started_at is not None else None

        return wait_for(running)

    def run(self, *command: object, **fields: object) -> Execution:
        """Submit and wait for the end."""
        return self.wait(self.submit(*command, **fields))

    def steps(self, execution: Execution) -> list[Step]:
        """The steps of an execution."""
        return self.read(queries.steps(execution.number))

    def log(self, execution: Execution) -> bytes:
        """All stored bytes of an execution's log."""
        chunks = self.read(queries.chunks_from(execution.number, 0, 0, -1))
        return b"".join(chunk.text() for chunk in chunks)

    def kill_runner(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal the live runner and wait until it is gone."""
        runner = live_runner(self.home)
        if runner is not None:
            os.kill(runner.pid, number)
            wait_for(lambda: live_runner(self.home) is None)

    def tear_down(self) -> None:
        """End the runner and every process of this home."""
        self.kill_runner()
        table = proc.ProcessTable()
        marks = [
            f"STEPFLOW_EXECUTION_ID={path.name.partition('.')[0]}"
            for path in self.home.spool.iterdir()
        ]
        for mark in set(marks):
            for found in table.select(table.tagged(mark)):
                proc.send_signal(found, signal.SIGKILL)
