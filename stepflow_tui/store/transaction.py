"""What one transaction can write."""

from __future__ import annotations

import json
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from stepflow_tui.store import chunks as log_chunks
from stepflow_tui.store import queries
from stepflow_tui.store.removal import MAY_GO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stepflow_tui.core.models import Artifact, Execution, Step
    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.store.compaction import Run
    from stepflow_tui.store.queries import RunnerRecord, Stream
    from stepflow_tui.store.removal import ClockLook


class Cursor(Protocol):
    """What we need of a cursor."""

    @property
    def rowcount(self) -> int:
        """How many rows an UPDATE has changed."""

    def fetchall(self) -> list[Any]:
        """All rows of the result."""


class Connection(Protocol):
    """What we need of a connection. sqlite3 has it; a test may put another in its place."""

    def execute(self, sql: str, parameters: tuple[Any, ...] = ..., /) -> Cursor:
        """Run one statement."""

    def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]], /) -> object:
        """Run one statement for each tuple of parameters."""

    def close(self) -> None:
        """End the connection."""


_MERGES = 4
"""Logs that one transaction merges: if hundreds were to be merged at once, all lines would wait."""


class Transaction:
    """What can be written. Every changed row carries the revision of its transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._revision: int | None = None
        self._merges_left = _MERGES
        self.written = 0

    def _rev(self) -> int:
        if self._revision is None:
            self._connection.execute("UPDATE revision SET value = value + 1")
            self._revision = int(
                self._connection.execute("SELECT value FROM revision").fetchall()[0][0]
            )
        return self._revision

    def insert_execution(self, execution: Execution) -> int | None:
        """Add an execution with its stream; its number is given here.

        Returns:
            The number, or None if an execution of this id is there already.
        """
        row = (*_fixed(execution), *_mutable(execution), self._rev())
        cursor = self._connection.execute(_INSERT, row)
        numbers = cursor.fetchall()
        if not numbers:
            return None
        number = int(numbers[0][0])
        self._connection.execute("INSERT INTO streams (execution) VALUES (?)", (number,))
        return number

    def save_execution(self, execution: Execution) -> None:
        """Write all of an execution that can change, but for what people say about it."""
        row = (*_mutable(execution), self._rev(), execution.number)
        self._connection.execute(_UPDATE, row)

    def save_steps(self, number: int, steps: Iterable[Step]) -> None:
        """Add or replace steps of an execution."""
        rev = self._rev()
        self._connection.executemany(
            f"INSERT OR REPLACE INTO steps VALUES ({', '.join('?' * 18)})",  # noqa: S608
            [
                (
                    number,
                    step.index,
                    rev,
                    step.name,
                    step.status.value,
                    step.started_at,
                    step.started_mono,
                    step.first_line,
                    step.finished_at,
                    step.duration_ms,
                    step.last_line,
                    step.explicit_end,
                    step.estimated_s,
                    step.timeout_s,
                    step.stop_on_error,
                    step.progress,
                    step.error,
                    json.dumps(step.metadata),
                )
                for step in steps
            ],
        )

    def save_artifacts(self, number: int, artifacts: Iterable[Artifact]) -> None:
        """Add or replace artifacts of an execution."""
        rev = self._rev()
        self._connection.executemany(
            f"INSERT OR REPLACE INTO artifacts VALUES ({', '.join('?' * 14)})",  # noqa: S608
            [
                (
                    number,
                    artifact.index,
                    rev,
                    queries.stored_path(artifact.name),
                    queries.stored_path(artifact.path),
                    artifact.description,
                    artifact.type,
                    artifact.mime,
                    artifact.size,
                    artifact.step,
                    artifact.exists,
                    artifact.stored and queries.stored_path(artifact.stored),
                    artifact.reason,
                    artifact.given and queries.stored_path(artifact.given),
                )
                for artifact in artifacts
            ],
        )

    def append_log(self, number: int, chunks: Sequence[Chunk]) -> None:
        """Add chunks behind those that an execution has."""
        self._connection.executemany(
            "INSERT INTO log_chunks (execution, first_line, first_byte, line_count, byte_count, "
            "arrived_at, codec, arrivals, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    number,
                    chunk.first_line,
                    chunk.first_byte,
                    chunk.line_count,
                    chunk.byte_count,
                    chunk.arrived_at,
                    chunk.codec,
                    chunk.arrivals,
                    chunk.body,
                )
                for chunk in chunks
            ],
        )
        self.written += sum(len(chunk.body) for chunk in chunks)

    def grow_log(self, number: int, chunk: Chunk) -> None:
        """Replace the chunk that begins where this one does: more has come behind it."""
        changed = self._connection.execute(
            "UPDATE log_chunks SET line_count = ?, byte_count = ?, arrivals = ?, body = ? "
            "WHERE execution = ? AND first_line = ? AND first_byte = ?",
            (
                chunk.line_count,
                chunk.byte_count,
                chunk.arrivals,
                chunk.body,
                number,
                chunk.first_line,
                chunk.first_byte,
            ),
        ).rowcount
        if changed:
            self.written += len(chunk.body)
        else:  # somebody has taken it away: here is all of it
            self.append_log(number, [chunk])

    def save_stream(self, stream: Stream) -> None:
        """Write how far an execution's output has come; belongs to the chunks it counts."""
        self._connection.execute(
            "UPDATE streams SET inode = ?, spool_offset = ?, stored_bytes = ?, line_count = ?, "
            "partial_bytes = ?, end_line = ?, is_open = ? WHERE execution = ?",
            (
                stream.inode,
                stream.spool_offset,
                stream.stored_bytes,
                stream.line_count,
                stream.partial_bytes,
                stream.end_line,
                stream.is_open,
                stream.execution,
            ),
        )

    def merge_log(self, number: int, run: Run, *, is_last: bool) -> bool:
        """Replace a run of small chunks by as few as hold it.

        Args:
            number: of the execution.
            run: what to merge.
            is_last: there will be no other transaction to do it.

        Returns:
            False if this transaction has merged enough already; the next one can go on.
        """
        if self._merges_left <= 0 and not is_last:
            return False
        self._merges_left -= 1
        where = """execution = ? AND first_line >= ? AND first_byte >= ? AND first_byte < ?
            AND codec <> ?"""
        parameters = (number, run.first_line, run.first_byte, run.end_byte, log_chunks.GAP)
        rows = self._connection.execute(
            f"SELECT {queries.CHUNK_COLUMNS} FROM log_chunks WHERE {where} ORDER BY first_byte",  # noqa: S608
            parameters,
        ).fetchall()
        chunks = [queries.read_chunk(row) for row in rows]
        merged = log_chunks.merge(chunks)
        if len(merged) < len(chunks) and _adjoin(chunks):
            self._connection.execute(
                f"DELETE FROM log_chunks WHERE {where}",  # noqa: S608
                parameters,
            )
            self.append_log(number, merged)
        return True

    def trim_log(self, number: int, head: int, before: int) -> None:
        """Leave one gap in place of all chunks from byte `head` on that end by byte `before`."""
        where = "execution = ? AND first_byte >= ? AND first_byte + byte_count <= ?"
        parameters = (number, head, before)
        [sums] = self._connection.execute(
            "SELECT min(first_line), min(first_byte), sum(line_count), sum(byte_count), "  # noqa: S608
            f"min(arrived_at) FROM log_chunks WHERE {where}",
            parameters,
        ).fetchall()
        if sums[0] is not None:
            self._connection.execute(f"DELETE FROM log_chunks WHERE {where}", parameters)  # noqa: S608
            self.append_log(number, [queries.read_chunk((*sums, log_chunks.GAP, None, b""))])

    def mark(self, ids: Sequence[str], *, marked: bool) -> None:
        """Keep executions from being removed, or let them go again."""
        self._connection.execute(
            "UPDATE executions SET marked = ?, rev = ? "
            "WHERE id IN (SELECT value FROM json_each(?)) AND marked <> ?",
            (marked, self._rev(), json.dumps(ids), marked),
        )

    def tag(self, ids: Sequence[str], *, add: Sequence[str], remove: Sequence[str]) -> None:
        """Put tags on executions, and take others away."""
        rows = self._connection.execute(
            "SELECT number, tags FROM executions WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        ).fetchall()
        rev = self._rev()
        before = {number: json.loads(tags) for number, tags in rows}
        after = {
            number: list(dict.fromkeys([tag for tag in [*tags, *add] if tag not in remove]))
            for number, tags in before.items()
        }
        self._connection.executemany(
            "UPDATE executions SET tags = ?, rev = ? WHERE number = ?",
            [
                (json.dumps(tags), rev, number)
                for number, tags in after.items()
                if tags != before[number]
            ],
        )

    def note(self, ids: Sequence[str], text: str) -> None:
        """Write a note on executions, in place of what was there; an empty one is none."""
        note = text or None
        self._connection.execute(
            "UPDATE executions SET note = ?, rev = ? "
            "WHERE id IN (SELECT value FROM json_each(?)) AND note IS NOT ?",
            (note, self._rev(), json.dumps(ids), note),
        )

    def remove_executions(self, numbers: Iterable[int]) -> None:
        """Take executions off the list, with their steps and artifacts; their logs are left over.

        Who may not be removed by now stays.
        """
        removed = self._connection.execute(
            "DELETE FROM executions AS e "  # noqa: S608 - our own words
            f"WHERE e.number IN (SELECT value FROM json_each(?)) AND {MAY_GO} "
            "RETURNING number, id",
            (json.dumps(list(numbers)),),
        ).fetchall()
        for table in ("steps", "artifacts", "streams"):
            sql = f"DELETE FROM {table} WHERE execution = ?"  # noqa: S608 - our own names
            self._connection.executemany(sql, [(number,) for number, _ in removed])
        rev = self._rev()
        self._connection.executemany(
            "INSERT INTO tombstones (number, id, rev) VALUES (?, ?, ?)",
            [(number, execution, rev) for number, execution in removed],
        )

    def remove_logs(self, numbers: Iterable[int], limit: int) -> int:
        """Delete at most `limit` chunks of executions, one after the other.

        Returns:
            How many of the executions have none left.
        """
        done = 0
        for number in numbers:
            deleted = self._connection.execute(
                "DELETE FROM log_chunks WHERE chunk IN "
                "(SELECT chunk FROM log_chunks WHERE execution = ? LIMIT ?) RETURNING chunk",
                (number, limit),
            ).fetchall()
            self.written += len(deleted) * _PAGE_BYTES
            if len(deleted) == limit:
                break
            done += 1
            limit -= max(len(deleted), 1)
            if not limit:
                break
        return done

    def give_back(self, pages: int) -> None:
        """Shorten the file by so many of its free pages, or by as many as there are."""
        for _ in range(pages):
            # Asked for more than one at a time, sqlite3 stops after the first all the same.
            self._connection.execute("PRAGMA incremental_vacuum(1)")
        self.written += pages * _PAGE_BYTES

    def save_clock_look(self, look: ClockLook) -> None:
        """Keep what the clocks said, in place of what they said before."""
        self._connection.execute(
            "INSERT OR REPLACE INTO clock_look VALUES (1, ?, ?, ?)",
            (look.boot_id, look.mono_ms, look.wall_ms),
        )

    def save_runner(self, record: RunnerRecord) -> None:
        """Write what the runner says of itself."""
        self._connection.execute(
            "INSERT OR REPLACE INTO runner VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.version,
                record.sqlite_version,
                record.started_at,
                record.boot_id,
                record.commits,
                record.commit_ms,
                record.failures,
                record.lines,
                record.ended,
                json.dumps(record.commit_times),
                record.recorded_mono,
            ),
        )


_PAGE_BYTES = 4096
"""What SQLite makes of a database that does not ask for another size."""

_FIXED = (
    *("id", "created_at", "name", "user", "shell", "tty", "boot_id", "timeout_s"),
    *("kill_leftovers", "note", "added_env"),
)
_FIXED_PATH = "cwd"
_FIXED_JSON = ("command", "limits", "tags", "tty_size")
_MUTABLE_PLAIN = (
    *("started_at", "started_mono", "finished_at", "duration_ms", "exit_code", "signal", "error"),
    *("progress", "step_count", "steps_done", "step_name"),
)
_MUTABLE_JSON = ("metadata", "env", "warnings")
_MUTABLE = (*_MUTABLE_PLAIN, *_MUTABLE_JSON, "status", "stopping")
_INSERTED = (*_FIXED, _FIXED_PATH, *_FIXED_JSON, *_MUTABLE, "rev")

_INSERT = (
    f"INSERT INTO executions ({', '.join(_INSERTED)}) VALUES ({', '.join('?' * len(_INSERTED))}) "  # noqa: S608 - our own names
    "ON CONFLICT (id) DO NOTHING RETURNING number"
)
_ASSIGNMENTS = ", ".join(f"{name} = ?" for name in (*_MUTABLE, "rev"))
_UPDATE = f"UPDATE executions SET {_ASSIGNMENTS} WHERE number = ?"  # noqa: S608 - our own names

_fixed_values, _fixed_json_values = attrgetter(*_FIXED), attrgetter(*_FIXED_JSON)
_plain_values, _json_values = attrgetter(*_MUTABLE_PLAIN), attrgetter(*_MUTABLE_JSON)


def _adjoin(chunks: Sequence[Chunk]) -> bool:
    """Whether nothing was left out between them since they were found ready."""
    return all(one.end_byte == other.first_byte for one, other in pairwise(chunks))


def _fixed(execution: Execution) -> tuple[object, ...]:
    path = queries.stored_path(execution.cwd)
    return (*_fixed_values(execution), path, *map(_json, _fixed_json_values(execution)))


def _mutable(execution: Execution) -> tuple[object, ...]:
    stopping = execution.stopping
    return (
        *_plain_values(execution),
        *map(_json, _json_values(execution)),
        execution.status.value,
        stopping.value if stopping else None,
    )


def _json(value: list[Any] | dict[str, Any] | None) -> str:
    if value is None:
        return "null"
    if not value:  # as most are
        return "[]" if isinstance(value, list) else "{}"
    return json.dumps(value)
