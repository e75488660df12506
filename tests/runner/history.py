"""A history of executions that are over, written as a runner would have left it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Artifact, Execution, Status, Step
from stepflow_tui.requests import inbox
from stepflow_tui.store import queries
from stepflow_tui.store.chunks import pack
from stepflow_tui.store.queries import Stream
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import Chore

ENDED = 1_000
TABLES = ("executions", "steps", "artifacts", "streams", "log_chunks")
_AT_ONCE = 1000
_BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True)
class Past:
    """One execution that is over.

    Attributes:
        log_bytes: of a log that cannot be compressed.
        files: it has a spool and an artifact, of four bytes.
    """

    log_bytes: int = 100
    steps: int = 1
    files: bool = True
    finished_at: int = ENDED
    status: Status = Status.COMPLETED


def write_history(home: Home, *past: Past) -> list[Execution]:
    """Record executions, in this order. No runner may live."""
    writer = Writer(home.database)
    home.database.chmod(0o600)
    numbers = []
    for start in range(0, len(past), _AT_ONCE):
        numbers += _write(home, writer, past[start : start + _AT_ONCE])
    found = [writer.all(queries.execution(number))[0] for number in numbers]
    writer.close()
    return found


def _write(home: Home, writer: Writer, past: Sequence[Past]) -> list[int]:
    numbers = []
    with writer.transaction(durable=False) as transaction:
        for one in past:
            execution = _execution(one)
            number = transaction.insert_execution(execution)
            assert number is not None
            numbers.append(number)
            for start in range(0, one.log_bytes, _BLOCK):
                data = os.urandom(min(_BLOCK, one.log_bytes - start))
                chunks = pack(data, first_line=0, first_byte=start, arrived_at=0)
                transaction.append_log(number, chunks)
            size = one.log_bytes
            transaction.save_stream(Stream(number, 1, size, size, 0, size, 0, is_open=False))
            steps = [Step(index + 1, "a", one.status, 0, 0, 1) for index in range(one.steps)]
            transaction.save_steps(number, steps)
            if one.files:
                transaction.save_artifacts(number, [_artifact(home, execution)])
    return numbers


def _execution(one: Past) -> Execution:
    return Execution(
        0,
        new_id(),
        "past",
        ["true"],
        "/",
        one.status,
        created_at=1,
        finished_at=one.finished_at,
        step_count=one.steps,
    )


def _artifact(home: Home, execution: Execution) -> Artifact:
    place = home.artifacts / execution.id / "1"
    place.mkdir(parents=True)
    (place / "a").write_text("four")
    (home.spool / f"{execution.id}.out").write_text("out")
    stored = str((place / "a").relative_to(home.root))
    return Artifact(1, "a", "a", size=4, exists=True, stored=stored)


def files_of(home: Home) -> set[str]:
    """Ids of executions that have a spool or artifacts."""
    paths = [*home.spool.iterdir(), *home.artifacts.iterdir()]
    ids = {path.name.partition(".")[0] for path in paths}
    return {name for name in ids if not name.startswith("stepflow-shim-")}


def rows(path: Path) -> dict[str, int]:
    """How many rows each table has that an execution has rows in."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in TABLES
        }


def is_done(home: Home, *requests: Chore) -> bool:
    """Whether the runner has carried out, or refused, all of these."""
    return not any(inbox.path_of(home, r.id, r.kind).exists() for r in requests)
