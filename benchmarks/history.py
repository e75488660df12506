"""Homes with as much history as one likes, written through the product's own writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.clock import boot_id, now
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Artifact, Execution, Status, Step
from stepflow_tui.store import chunks, queries
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.store.transaction import Transaction

_BATCH = 5000
STEPS, ARTIFACTS, LINES = 4, 2, 40
NAMES = ("deploy", "nightly-report", "build", "integration-tests", "backup")


def fill(home: Home, count: int, *, children: bool = True) -> None:
    """Record `count` executions that are over, with 4 steps, 2 artifacts and 40 lines each.

    Args:
        home: prepared, without a runner.
        count: of executions.
        children: False leaves out steps, artifacts and lines.
    """
    writer = Writer(home.database)
    moment = now().wall_ms
    for start in range(0, count, _BATCH):
        with writer.transaction(durable=False) as transaction:
            for number in range(start, min(count, start + _BATCH)):
                _record(transaction, number, moment - (count - number) * 1000, children=children)
    writer.close()


def append_log(home: Home, number: int, data: bytes) -> None:
    """Append to the log of one of them."""
    writer = Writer(home.database)
    stream = writer.all(queries.stream(number))[0]
    place = {"first_line": stream.line_count, "first_byte": stream.stored_bytes}
    with writer.transaction(durable=False) as transaction:
        transaction.append_log(number, chunks.pack(data, **place, arrived_at=now().wall_ms))
        lines, size = stream.line_count + data.count(b"\n"), stream.stored_bytes + len(data)
        grown = replace(stream, line_count=lines, end_line=lines, stored_bytes=size)
        transaction.save_stream(grown)
    writer.close()
    home.database.chmod(0o600)


def execution(place: int, created_at: int) -> Execution:
    """One that has ended, the `place`-th of a history."""
    status = Status.FAILED if place % 10 == 3 else Status.COMPLETED
    return Execution(
        number=0,
        id=new_id(),
        name=NAMES[place % len(NAMES)],
        command=["./deploy.sh", "--to", "staging"],
        cwd="/srv/app",
        status=status,
        created_at=created_at,
        user="deploy",
        tags=["nightly"] if place % 3 == 0 else [],
        boot_id=boot_id(),
        started_at=created_at + 5,
        finished_at=created_at + 5005,
        duration_ms=5000 + place % 977,
        exit_code=int(status is Status.FAILED),
        step_count=STEPS,
        steps_done=STEPS,
        end_line=LINES,
    )


def running() -> Execution:
    """One that has just begun."""
    moment = now()
    return Execution(
        number=0,
        id=new_id(),
        name=NAMES[0],
        command=["./deploy.sh", "--to", "staging"],
        cwd="/srv/app",
        status=Status.RUNNING,
        created_at=moment.wall_ms,
        user="deploy",
        tags=["nightly"],
        boot_id=boot_id(),
        started_at=moment.wall_ms,
        started_mono=moment.mono_ms,
    )


def step(index: int, started_at: int) -> Step:
    """One that has ended."""
    return Step(
        index=index,
        name=f"Step {index}",
        status=Status.COMPLETED,
        started_at=started_at,
        started_mono=0,
        first_line=index * 10 - 9,
        last_line=index * 10,
        finished_at=started_at + 1000,
        duration_ms=1000,
    )


def artifact(index: int) -> Artifact:
    """One that was not copied."""
    path = f"dist/part-{index}.tar.gz"
    return Artifact(index=index, name=path[5:], path=path, exists=True, size=1024)


def log(lines: int) -> bytes:
    """Plain lines of a deployment."""
    return b"".join(b"copied file %05d of the release to the server\n" % n for n in range(lines))


def _record(transaction: Transaction, place: int, created_at: int, *, children: bool) -> None:
    found = execution(place, created_at)
    number = transaction.insert_execution(found)
    if number is None:
        raise RuntimeError("an id was given twice")
    transaction.save_execution(replace(found, number=number))
    if not children:
        return
    transaction.save_steps(number, [step(index, created_at) for index in range(1, STEPS + 1)])
    transaction.save_artifacts(number, [artifact(index) for index in range(1, ARTIFACTS + 1)])
    data = log(LINES)
    packed = chunks.pack(data, first_line=0, first_byte=0, arrived_at=created_at)
    transaction.append_log(number, packed)
    ended = queries.Stream(number, 1, len(data), len(data), LINES, 0, LINES, is_open=False)
    transaction.save_stream(ended)
