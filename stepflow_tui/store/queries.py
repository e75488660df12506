"""Every question that is put to the database: its SQL, its parameters and what a row becomes.

Written once; run by the plain reader in the command line and by the asynchronous one in the
dashboard.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from msgspec import Struct, field

from stepflow_tui.core.durations import bounded_seconds, bounded_share
from stepflow_tui.core.models import Artifact, Execution, Status, Step
from stepflow_tui.store.chunks import ARRIVAL_BYTES, Chunk
from stepflow_tui.store.values import Columns, Kind, json_list, json_object, strings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stepflow_tui.core.models import Metadata

T = TypeVar("T")
Row: TypeAlias = "tuple[Any, ...]"


class Query(Struct, Generic[T], frozen=True):
    """A SELECT with its parameters, and how to read a row of its result."""

    sql: str
    parameters: tuple[object, ...]
    read: Callable[[Row], T]


class Stream(Struct, frozen=True):
    """How far an execution's output has come into the database.

    Attributes:
        inode: of the spool file; None before its first byte was read.
        spool_offset: the next byte to read from the spool.
        partial_bytes: bytes behind the last newline.
        end_line: lines stored when the execution ended; None while it runs.
        is_open: more output may come.
    """

    execution: int
    inode: int | None
    spool_offset: int
    stored_bytes: int
    line_count: int
    partial_bytes: int
    end_line: int | None
    is_open: bool


class RunnerRecord(Struct, frozen=True):
    """What the last runner said of itself.

    Attributes:
        commits, lines, ended: what it has committed, stored and brought to an end since its start.
        commit_ms: how long its latest commit took.
        failures: commits that failed.
        commit_times: how long all of them took, a histogram.
        recorded_mono: when this was written, on the monotonic clock in milliseconds.
    """

    version: str
    sqlite_version: str
    started_at: int
    boot_id: str
    commits: int
    commit_ms: float
    failures: int = 0
    lines: int = 0
    ended: int = 0
    commit_times: Mapping[int, int] = field(default_factory=dict)
    recorded_mono: int = 0


_EXECUTION_COLUMNS = Columns(
    (
        Kind.INTEGER,
        *(Kind.TEXT,) * 3,
        Kind.PATH,
        Kind.TEXT,
        Kind.INTEGER,
        Kind.TEXT,
        *(Kind.INTEGER,) * 2,
        *(Kind.MAYBE_INTEGER,) * 6,
        Kind.MAYBE_TEXT,
        Kind.MAYBE_NUMBER,
        *(Kind.TEXT,) * 4,
        Kind.MAYBE_NUMBER,
        *(Kind.INTEGER,) * 2,
        Kind.MAYBE_TEXT,
        *(Kind.INTEGER,) * 2,
        Kind.MAYBE_INTEGER,
        Kind.TEXT,
        Kind.INTEGER,
        Kind.MAYBE_TEXT,
        Kind.TEXT,
        *(Kind.INTEGER,) * 2,
        Kind.MAYBE_TEXT,
        Kind.TEXT,
        Kind.INTEGER,
    )
)

EXECUTION = """
SELECT e.number, e.id, e.name, e.command, e.cwd, e.status, e.created_at, e.user, e.shell, e.tty,
    e.started_at, e.started_mono, e.finished_at, e.duration_ms, e.exit_code, e.signal, e.error,
    e.timeout_s, e.tags, e.metadata, e.env, e.warnings, e.progress, e.step_count, e.steps_done,
    e.step_name, coalesce(s.line_count + (s.partial_bytes > 0), 0), coalesce(s.stored_bytes, 0),
    s.end_line, e.boot_id, e.rev, e.stopping, e.limits, e.kill_leftovers, e.marked,
    e.note, e.tty_size, e.added_env
FROM executions e LEFT JOIN streams s ON s.execution = e.number
"""
"""Selects whole executions, as `read_execution` reads them."""


def read_execution(row: Row) -> Execution:
    """A row of `EXECUTION`.

    Raises:
        ValueError: nobody of ours has written it.
    """
    row = _EXECUTION_COLUMNS.checked(row)
    return Execution(
        number=row[0],
        id=row[1],
        name=row[2],
        command=strings(row[3]),
        cwd=read_path(row[4]),
        status=Status(row[5]),
        created_at=row[6],
        user=row[7],
        shell=bool(row[8]),
        tty=bool(row[9]),
        started_at=row[10],
        started_mono=row[11],
        finished_at=row[12],
        duration_ms=row[13],
        exit_code=row[14],
        signal=row[15],
        error=row[16],
        timeout_s=bounded_seconds(row[17]),
        tags=strings(row[18]),
        metadata=_metadata(row[19]),
        env=json_object(row[20]),
        warnings=strings(row[21]),
        progress=bounded_share(row[22]),
        step_count=row[23],
        steps_done=row[24],
        step_name=row[25],
        line_count=row[26],
        byte_count=row[27],
        end_line=row[28],
        boot_id=row[29],
        rev=row[30],
        stopping=Status(row[31]) if row[31] else None,
        limits=json_object(row[32]),
        kill_leftovers=bool(row[33]),
        marked=bool(row[34]),
        note=row[35],
        tty_size=None if row[36] == "null" else json_list(row[36]),
        added_env=bool(row[37]),
    )


def _metadata(text: str) -> Metadata:
    """Metadata from their JSON; what is no plain value in it is written as text."""
    found = json_object(text)
    return {
        key: value if isinstance(value, str | int) or _is_finite(value) else json.dumps(value)
        for key, value in found.items()
    }


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def stored_path(path: str) -> str | bytes:
    """A path as it is kept: text, or its bytes if they are no UTF-8.

    Args:
        path: in which lone surrogates stand for such bytes, as `os.fsdecode` makes it.
    """
    content = path.encode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def read_path(value: str | bytes) -> str:
    """A path from what `stored_path` made of it."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def execution(number: int) -> Query[Execution]:
    """The execution with this number."""
    return Query(f"{EXECUTION} WHERE e.number = ?", (number,), read_execution)


def executions_with_prefix(prefix: str) -> Query[Execution]:
    """At most two executions whose id begins with `prefix`: more than one is ambiguous."""
    sql = f"{EXECUTION} WHERE e.id >= ? AND e.id < ? ORDER BY e.id LIMIT 2"
    return Query(sql, (prefix, prefix + "\U0010ffff"), read_execution)


def known_ids(ids: Sequence[str]) -> Query[str]:
    """Those of these ids that are of executions, or of some that were removed."""
    wanted = "WHERE id IN (SELECT value FROM json_each(?))"
    sql = f"SELECT id FROM executions {wanted} UNION SELECT id FROM tombstones {wanted}"
    return Query(sql, (json.dumps(ids),) * 2, _first)


def last_execution() -> Query[Execution]:
    """The newest execution."""
    return Query(f"{EXECUTION} ORDER BY e.number DESC LIMIT 1", (), read_execution)


def newest_executions(limit: int) -> Query[Execution]:
    """The newest executions, newest first."""
    return Query(f"{EXECUTION} ORDER BY e.number DESC LIMIT ?", (limit,), read_execution)


def executions_down(number: int, limit: int) -> Query[Execution]:
    """A page of executions from `number` (included) to older ones, newest first."""
    sql = f"{EXECUTION} WHERE e.number <= ? ORDER BY e.number DESC LIMIT ?"
    return Query(sql, (number, limit), read_execution)


def executions_up(number: int, limit: int) -> Query[Execution]:
    """A page of executions newer than `number`, oldest first."""
    sql = f"{EXECUTION} WHERE e.number > ? ORDER BY e.number LIMIT ?"
    return Query(sql, (number, limit), read_execution)


def number_older_by(number: int, distance: int) -> Query[int]:
    """The number `distance` rows older than `number`, read from a narrow index."""
    sql = """SELECT number FROM executions INDEXED BY executions_number
        WHERE number <= ? ORDER BY number DESC LIMIT 1 OFFSET ?"""
    return Query(sql, (number, distance), _first)


def newer_count(number: int) -> Query[int]:
    """How many executions are newer than `number`."""
    sql = "SELECT count(*) FROM executions INDEXED BY executions_number WHERE number > ?"
    return Query(sql, (number,), _first)


def neighbour(number: int) -> Query[int | None]:
    """The execution next to `number`: the next older one, or if there is none the next newer."""
    sql = """SELECT coalesce((SELECT max(number) FROM executions WHERE number < ?),
        (SELECT min(number) FROM executions WHERE number > ?))"""
    return Query(sql, (number, number), _first)


def newest_number() -> Query[int]:
    """The highest number given, or 0."""
    return Query("SELECT coalesce(max(number), 0) FROM executions", (), _first)


def executions_by_number(numbers: Sequence[int]) -> Query[Execution]:
    """Those with one of these numbers, in no order."""
    marks = ",".join("?" * len(numbers))
    return Query(f"{EXECUTION} WHERE e.number IN ({marks})", tuple(numbers), read_execution)


def oldest_pending() -> Query[Execution]:
    """The execution that has waited longest to be started."""
    sql = f"{EXECUTION} WHERE e.status = 'pending' ORDER BY e.number LIMIT 1"
    return Query(sql, (), read_execution)


def collecting_executions() -> Query[Execution]:
    """Those whose script has ended, and whose artifacts are still being collected."""
    sql = f"{EXECUTION} WHERE e.status = 'running' AND e.finished_at IS NOT NULL"
    return Query(sql, (), read_execution)


def executions_changed(oldest: int, newest: int, since: int) -> Query[Execution]:
    """Those numbered `oldest` to `newest`, both included, that changed after revision `since`."""
    sql = f"{EXECUTION} WHERE e.number BETWEEN ? AND ? AND e.rev > ? ORDER BY e.number"
    return Query(sql, (oldest, newest, since), read_execution)


def status_counts() -> Query[tuple[Status, int]]:
    """How many executions have each status; costs the same at any length of history."""
    sql = "SELECT status, count FROM status_counts"
    return Query(sql, (), lambda row: (Status(row[0]), row[1]))


def revision() -> Query[int]:
    """The counter that every change of a row but log and stream carries."""
    return Query("SELECT value FROM revision", (), _first)


class Pulse(Struct, frozen=True):
    """What tells a reader, in one look, whether anything it shows has changed.

    Attributes:
        version: another one after each commit of another connection.
        revision: the counter that every change of a row but log and stream carries.
        total: number of executions.
        newest: the highest number among them, or 0.
        arrived: how many are newer than the one asked about.
        line_count: lines of the log asked about, an unfinished last one included.
        byte_count: of that log.
        end_line: lines it had when its execution ended; None while that runs.
        last_chunk: of that log, if it is a small one: it holds what came last, and maybe more.
    """

    version: int
    revision: int
    total: int
    newest: int
    arrived: int
    line_count: int
    byte_count: int
    end_line: int | None
    last_chunk: Chunk | None


_SMALL_CHUNK = 4096
_PULSE_COLUMNS = 8


def pulse(number: int, newest: int) -> Query[Pulse]:
    """How things stand, with the log of execution `number` and what came after `newest`.

    After 0 all have come, which need not be counted.
    """
    sql = f"""SELECT (SELECT data_version FROM pragma_data_version),
        (SELECT value FROM revision), (SELECT sum(count) FROM status_counts),
        (SELECT coalesce(max(number), 0) FROM executions),
        CASE ? WHEN 0 THEN (SELECT sum(count) FROM status_counts) ELSE
            (SELECT count(*) FROM executions INDEXED BY executions_number WHERE number > ?) END,
        coalesce(s.line_count + (s.partial_bytes > 0), 0), coalesce(s.stored_bytes, 0), s.end_line,
        {", ".join(f"c.{name}" for name in CHUNK_COLUMNS.split(", "))}
        FROM (SELECT 1) LEFT JOIN streams s ON s.execution = ?
        LEFT JOIN log_chunks c ON c.byte_count <= {_SMALL_CHUNK} AND c.chunk =
            (SELECT chunk FROM log_chunks WHERE execution = ?
            ORDER BY first_line DESC, first_byte DESC LIMIT 1)"""
    return Query(sql, (newest, newest, number, number), _pulse)


def _pulse(row: Row) -> Pulse:
    chunk = row[_PULSE_COLUMNS:]
    last_chunk = None if chunk[0] is None else read_chunk(chunk)
    return Pulse(*(*row[:_PULSE_COLUMNS], last_chunk))


_STEP = """
SELECT step_index, name, status, started_at, started_mono, first_line, finished_at, duration_ms,
    last_line, explicit_end, estimated_s, timeout_s, stop_on_error, progress, error, metadata
FROM steps
"""


_STEP_COLUMNS = Columns(
    (
        Kind.INTEGER,
        *(Kind.TEXT,) * 2,
        *(Kind.INTEGER,) * 3,
        *(Kind.MAYBE_INTEGER,) * 3,
        Kind.INTEGER,
        *(Kind.MAYBE_NUMBER,) * 2,
        Kind.INTEGER,
        Kind.MAYBE_NUMBER,
        Kind.MAYBE_TEXT,
        Kind.TEXT,
    )
)


def _step(row: Row) -> Step:
    row = _STEP_COLUMNS.checked(row)
    return Step(
        index=row[0],
        name=row[1],
        status=Status(row[2]),
        started_at=row[3],
        started_mono=row[4],
        first_line=row[5],
        finished_at=row[6],
        duration_ms=row[7],
        last_line=row[8],
        explicit_end=bool(row[9]),
        estimated_s=bounded_seconds(row[10]),
        timeout_s=bounded_seconds(row[11]),
        stop_on_error=bool(row[12]),
        progress=bounded_share(row[13]),
        error=row[14],
        metadata=_metadata(row[15]),
    )


def steps(number: int) -> Query[Step]:
    """All steps of an execution, in order."""
    return Query(f"{_STEP} WHERE execution = ? ORDER BY step_index", (number,), _step)


def steps_changed(number: int, since: int) -> Query[Step]:
    """The steps of an execution that changed after revision `since`."""
    sql = f"{_STEP} WHERE execution = ? AND rev > ? ORDER BY step_index"
    return Query(sql, (number, since), _step)


def artifacts(number: int) -> Query[Artifact]:
    """All artifacts of an execution, in the order the script named them."""
    sql = """SELECT artifact_index, name, path, description, type, mime, size, step, found,
        stored, reason, given FROM artifacts WHERE execution = ? ORDER BY artifact_index"""
    return Query(sql, (number,), _artifact)


_ARTIFACT_COLUMNS = Columns(
    (
        Kind.INTEGER,
        *(Kind.PATH,) * 2,
        *(Kind.MAYBE_TEXT,) * 3,
        *(Kind.MAYBE_INTEGER,) * 2,
        Kind.INTEGER,
        Kind.MAYBE_PATH,
        Kind.MAYBE_TEXT,
        Kind.MAYBE_PATH,
    )
)


def _artifact(row: Row) -> Artifact:
    row = _ARTIFACT_COLUMNS.checked(row)
    return Artifact(
        index=row[0],
        name=read_path(row[1]),
        path=read_path(row[2]),
        description=row[3],
        type=row[4],
        mime=row[5],
        size=row[6],
        step=row[7],
        exists=bool(row[8]),
        stored=None if row[9] is None else read_path(row[9]),
        reason=row[10],
        given=None if row[11] is None else read_path(row[11]),
    )


_STREAM = """SELECT execution, inode, spool_offset, stored_bytes, line_count, partial_bytes,
    end_line, is_open FROM streams"""


def _stream(row: Row) -> Stream:
    return Stream(row[0], row[1], row[2], row[3], row[4], row[5], row[6], bool(row[7]))


def stream(number: int) -> Query[Stream]:
    """How far an execution's output has come."""
    return Query(f"{_STREAM} WHERE execution = ?", (number,), _stream)


def open_streams() -> Query[Stream]:
    """Streams of executions that are not over, or that more output may come from, oldest first."""
    unfinished = "SELECT number FROM executions WHERE status IN ('pending', 'running')"
    sql = f"""{_STREAM} WHERE is_open UNION {_STREAM} WHERE execution IN ({unfinished})
        ORDER BY execution"""
    return Query(sql, (), _stream)


CHUNK_COLUMNS = "first_line, first_byte, line_count, byte_count, arrived_at, codec, arrivals, body"
_CHUNK = f"SELECT {CHUNK_COLUMNS} FROM log_chunks"

_AT_LINE = """coalesce((SELECT max(first_line) FROM log_chunks
    WHERE execution = ? AND first_line < ?), 0)"""
"""The chunks that hold a 0-based line of an execution begin at this line or behind it."""


_CHUNK_COLUMNS = Columns((*(Kind.INTEGER,) * 6, Kind.MAYBE_BLOB, Kind.BLOB))


def read_chunk(row: Row) -> Chunk:
    """A chunk from a row of `CHUNK_COLUMNS`.

    Raises:
        ValueError: something that nobody has written.
    """
    chunk = Chunk(*_CHUNK_COLUMNS.checked(row))
    if chunk.arrivals is not None and len(chunk.arrivals) % ARRIVAL_BYTES:
        raise ValueError("the arrival times of a chunk are incomplete")
    return chunk


def chunks_of_lines(number: int, start: int, stop: int, limit: int) -> Query[Chunk]:
    """At most `limit` chunks that hold the 0-based lines `start:stop`."""
    sql = f"""{_CHUNK} WHERE execution = ? AND first_line >= {_AT_LINE} AND first_line < ?
        AND first_line + line_count >= ? ORDER BY first_line, first_byte LIMIT ?"""
    return Query(sql, (number, number, start, stop, start, limit), read_chunk)


def chunks_from(number: int, line: int, byte: int, limit: int) -> Query[Chunk]:
    """At most `limit` chunks that hold bytes from offset `byte` on; it lies in 0-based `line`."""
    sql = f"""{_CHUNK} WHERE execution = ? AND first_line >= {_AT_LINE}
        AND first_byte + byte_count > ? ORDER BY first_line, first_byte LIMIT ?"""
    return Query(sql, (number, number, line, byte, limit), read_chunk)


def chunks_before(number: int, line: int, limit: int) -> Query[Chunk]:
    """At most `limit` chunks that begin before 0-based `line`, the latest first."""
    sql = f"""{_CHUNK} WHERE execution = ? AND first_line < ?
        ORDER BY first_line DESC, first_byte DESC LIMIT ?"""
    return Query(sql, (number, line, limit), read_chunk)


def arrival(number: int, line: int) -> Query[tuple[int, int]]:
    """Where the chunk begins in which 0-based `line` begins or goes on last, and its arrival."""
    sql = """SELECT first_line, arrived_at FROM log_chunks WHERE execution = ? AND first_line <= ?
        ORDER BY first_line DESC, first_byte DESC LIMIT 1"""
    return Query(sql, (number, line), lambda row: (row[0], row[1]))


def arrivals(number: int, line: int, limit: int) -> Query[Chunk]:
    """At most `limit` chunks from 0-based `line` on, without their bodies: when lines came."""
    sql = f"""SELECT first_line, first_byte, line_count, byte_count, arrived_at, codec, arrivals,
        x'' FROM log_chunks WHERE execution = ? AND first_line >= {_AT_LINE}
        AND first_line + line_count >= ? ORDER BY first_line, first_byte LIMIT ?"""
    return Query(sql, (number, number, line, line, limit), read_chunk)


def stream_sizes(numbers: Sequence[int]) -> Query[tuple[int, int, int]]:
    """Of these executions: number, lines of the log (an unfinished last one included), bytes."""
    sql = """SELECT execution, line_count + (partial_bytes > 0), stored_bytes FROM streams
        WHERE execution IN (SELECT value FROM json_each(?))"""
    return Query(sql, (json.dumps(list(numbers)),), lambda row: (row[0], row[1], row[2]))


def partial_line(stream: Stream) -> Query[Chunk]:
    """The chunks that hold the line that has no newline yet."""
    begin = stream.stored_bytes - stream.partial_bytes
    return chunks_from(stream.execution, stream.line_count, begin, -1)


def runner_record() -> Query[RunnerRecord]:
    """What the last runner said of itself."""
    sql = """SELECT version, sqlite_version, started_at, boot_id, commits, commit_ms, failures,
        lines, ended, commit_times, recorded_mono FROM runner"""
    return Query(sql, (), _runner_record)


def _runner_record(row: Row) -> RunnerRecord:
    times = {int(bucket): count for bucket, count in json.loads(row[9]).items()}
    return RunnerRecord(*(*row[:9], times, row[10]))


def tags() -> Query[str]:
    """Tags of the newest executions, for completion."""
    sql = """SELECT DISTINCT t.value FROM
        (SELECT tags FROM executions ORDER BY number DESC LIMIT 1000) e, json_each(e.tags) t"""
    return Query(sql, (), _first)


def _first(row: Row) -> Any:  # noqa: ANN401 - the query that uses it names the type
    return row[0]


DATA_VERSION: Query[int] = Query("PRAGMA data_version", (), _first)
"""A number that changes whenever another connection commits."""

IDENTITY: Query[tuple[int, int, int]] = Query(
    """SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
    FROM pragma_application_id, pragma_user_version""",
    (),
    lambda row: (row[0], row[1], row[2]),
)
"""Whose database it is: application id, schema version, number of tables, as of one moment."""
