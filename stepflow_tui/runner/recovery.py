"""Taking up what an earlier runner left: from the database, the spools and /proc."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core import clock
from stepflow_tui.core.identity import is_id
from stepflow_tui.core.markers import MAX_LINE
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import BadRequest, RunRequest, decode
from stepflow_tui.runner.pending import pending_execution
from stepflow_tui.runner.recording import Recording
from stepflow_tui.runner.retention import set_aside
from stepflow_tui.runner.spool import LOCK, Spool, SpoolProblem
from stepflow_tui.runner.stop import Reason
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.store.queries import Stream
    from stepflow_tui.store.writer import Writer

_log = logging.getLogger(__name__)


def recover(home: Home, writer: Writer, settings: Settings) -> Iterator[Recording]:
    """Every execution that is not over, or whose output is not: as it was at the last commit.

    Nothing is concluded here from a dead process: the loop looks for the exit status first, reads
    the spool to its end, and only then decides.
    """
    for stream in writer.all(queries.open_streams()):
        recording = _recording(home, writer, settings, stream)
        start = recording.spool.start()
        if start is not None:
            recording.begin(start)
            reason = recording.spool.stop_reason()
            if reason is not None and not recording.is_final:
                recording.want_stop(reason)
        elif not inbox.path_of(home, recording.id, "run").exists():
            _give_up(recording)
        _log.info("taken up #%d, %s", recording.execution.number, recording.execution.status)
        yield recording


def ingest_again(home: Home, writer: Writer, boot_id: str) -> int:
    """Give the database what the spools tell of executions that it does not know.

    Each gets a row, as if it had just been accepted; recovery then reads its spool from the start.
    There are some where the database was made anew, or is another one, or was harmed so that an
    older state of it came to light. Those that were removed it knows.

    Returns:
        How many there are.

    Raises:
        WriteFailed: they could not be stored.
    """
    executions = [
        execution
        for unknown in _unknown(home, writer)
        if (execution := _execution_of(home, unknown, boot_id)) is not None
    ]
    if executions:
        with writer.transaction(durable=True) as transaction:
            for execution in executions:
                transaction.insert_execution(execution)
    return len(executions)


def _unknown(home: Home, writer: Writer) -> list[str]:
    """The ids of start locks that are not in the database, the oldest first."""
    with os.scandir(home.spool) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(LOCK)]
    found = {name.removesuffix(LOCK) for name in names}
    locked = {name for name in found if is_id(name)}
    for name in found - locked:
        set_aside(home, f"{name}{LOCK}", "it has not the name of a start lock")
    known = writer.all(queries.known_ids(sorted(locked)))
    return sorted(locked.difference(known))


def _execution_of(home: Home, execution: str, boot_id: str) -> Execution | None:
    """The execution that a start lock tells of."""
    spool = Spool(home, execution)
    start = spool.start()
    if start is not None and start.is_damaged:
        set_aside(home, f"{execution}{LOCK}", "it is not a start lock that can be read")
    if start is None or start.request is None:
        return None
    try:
        request = decode(json.dumps(start.request).encode())
        secrets = spool.masks()
    except (BadRequest, SpoolProblem, RecursionError) as problem:
        _log.warning("what is left of %s: %s", execution, problem)
        set_aside(home, f"{execution}{LOCK}", str(problem))
        return None
    if not isinstance(request, RunRequest) or request.id != execution:
        set_aside(home, f"{execution}{LOCK}", "its request is not that of a run of this name")
        return None
    return pending_execution(replace(request, secrets=secrets), boot_id)


def _recording(home: Home, writer: Writer, settings: Settings, stream: Stream) -> Recording:
    number = stream.execution
    return Recording(
        home,
        writer.all(queries.execution(number))[0],
        stream,
        settings=settings,
        steps=writer.all(queries.steps(number)),
        artifacts=writer.all(queries.artifacts(number)),
        partial=_partial(writer, stream),
    )


def _partial(writer: Writer, stream: Stream) -> bytes:
    """The line that has no newline yet; of one too long for a marker only its length counts."""
    size = stream.partial_bytes
    if size > MAX_LINE:
        return b"?" * (MAX_LINE + 1)
    if not size:
        return b""
    text = b"".join(chunk.text() for chunk in writer.all(queries.partial_line(stream)))
    return text[-size:]


def _give_up(recording: Recording) -> None:
    """Neither a start lock nor a request: nobody can say what became of it."""
    if not recording.is_final:
        reason = Reason(Status.LOST, "lost: its request and its start lock are gone")
        recording.finish(reason, clock.now(), code=None, signal=None)
    recording.end_stream()
