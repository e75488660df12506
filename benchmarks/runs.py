"""Submitting runs to a home's runner, and waiting for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.workshop import PATIENCE_S, wait_for
from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import NoDatabase
from stepflow_tui.core.identity import new_id
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import RunRequest
from stepflow_tui.store import queries
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Status


def request(cwd: Path, *command: object, **environment: object) -> RunRequest:
    """A run of this command, as the command line asks for it."""
    words = [str(word) for word in command]
    return RunRequest(
        id=new_id(),
        command=words,
        cwd=str(cwd),
        environment={
            "PATH": os.environ["PATH"],
            **{name: str(value) for name, value in environment.items()},
        },
        created_at=now().wall_ms,
        name=words[0].rpartition("/")[2],
        user="bench",
    )


def counts(reader: Reader) -> dict[Status, int]:
    """How many executions have each status."""
    return dict(reader.all(queries.status_counts()))


def finished(reader: Reader, execution: str, patience_s: float = PATIENCE_S) -> Execution:
    """The execution with this id, once it is over."""

    def final() -> Execution | None:
        found = reader.first(queries.executions_with_prefix(execution))
        return found if found is not None and found.status.is_final else None

    return wait_for(final, patience_s)


def run(home: Home, asked: RunRequest, patience_s: float = PATIENCE_S) -> Execution:
    """Submit, and wait for the end."""
    inbox.submit(home, asked)
    with open_reader(home) as reader:
        return finished(reader, asked.id, patience_s)


def open_reader(home: Home) -> Reader:
    """A reader of a database that a runner has made by now, or makes soon."""

    def opened() -> Reader | None:
        try:
            return Reader(home.database)
        except NoDatabase:
            return None

    return wait_for(opened)
