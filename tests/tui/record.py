"""Writing a home's database as the runner would, for tests that need no runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status, Step
from stepflow_tui.store import chunks, queries
from stepflow_tui.store.backlog import Backlog
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact

START_MS = 1_790_000_000_000
"""A moment that all times in tests come from."""


class Recorder:
    """Records executions into a home. Close it before the home goes.

    Attributes:
        grows: small chunks grow, as the runner's do; else each `log` makes one.
    """

    def __init__(self, home: Home) -> None:
        prepare_home(home)
        self.home = home
        self._writer = Writer(home.database)
        self.grows = False
        self._backlogs: dict[int, Backlog] = {}

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    def execution(self, name: str = "build", **fields: object) -> int:
        """Add an execution that runs, unless `fields` say otherwise; returns its number."""
        return self.executions(1, name, **fields)

    def executions(self, count: int, name: str = "build", **fields: object) -> int:
        """Add that many executions in one transaction; returns the number of the last."""
        given = {
            "command": ["./build.sh"],
            "cwd": "/src",
            "status": Status.RUNNING,
            "created_at": START_MS,
            "started_at": START_MS,
            "user": "tester",
            **fields,
        }
        number = None
        with self._writer.transaction(durable=False) as transaction:
            for _ in range(count):
                record = {"number": 0, "id": new_id(), "name": name, **given}
                execution = Execution(**record)  # type: ignore[arg-type]
                number = transaction.insert_execution(execution)
                assert number is not None
                transaction.save_execution(replace(execution, number=number))
        assert number is not None
        return number

    def get(self, number: int) -> Execution:
        """The execution as it is recorded."""
        return self._writer.all(queries.execution(number))[0]

    def change(self, number: int, **fields: object) -> None:
        """Change an execution."""
        changed = replace(self.get(number), **fields)
        with self._writer.transaction(durable=False) as transaction:
            transaction.save_execution(changed)

    def finish(self, number: int, status: Status = Status.COMPLETED) -> None:
        """End an execution, and with it its log."""
        self.change(number, status=status, finished_at=START_MS + 1000, duration_ms=1000)
        stream = self._writer.all(queries.stream(number))[0]
        with self._writer.transaction(durable=False) as transaction:
            transaction.save_stream(replace(stream, end_line=stream.line_count))

    def mark(self, *numbers: int) -> None:
        """Keep executions for good."""
        with self._writer.transaction(durable=False) as transaction:
            transaction.mark([self.get(number).id for number in numbers], marked=True)

    def note(self, number: int, text: str) -> None:
        """Write a note on an execution."""
        with self._writer.transaction(durable=False) as transaction:
            transaction.note([self.get(number).id], text)

    def close_streams(self) -> None:
        """No more output comes from anything that is recorded."""
        self._writer._connection.execute("UPDATE streams SET is_open = 0")

    def remove(self, *numbers: int) -> None:
        """Remove executions that are over, with their logs."""
        with self._writer.removal(durable=False) as transaction:
            self._writer._connection.execute("UPDATE streams SET is_open = 0")
            transaction.remove_executions(numbers)
            transaction.remove_logs(numbers, 999)

    def steps(self, number: int, *steps: Step) -> None:
        """Add or replace steps."""
        with self._writer.transaction(durable=False) as transaction:
            transaction.save_steps(number, steps)

    def artifacts(self, number: int, *artifacts: Artifact) -> None:
        """Add artifacts."""
        with self._writer.transaction(durable=False) as transaction:
            transaction.save_artifacts(number, artifacts)

    def log(self, number: int, data: bytes, arrived_at: int = START_MS) -> None:
        """Append to the log, in one commit."""
        stream = self._writer.all(queries.stream(number))[0]
        packed = chunks.pack(
            data,
            first_line=stream.line_count,
            first_byte=stream.stored_bytes,
            arrived_at=arrived_at,
        )
        rest = data.rpartition(b"\n")
        partial = len(rest[2]) if rest[1] else stream.partial_bytes + len(data)
        backlog = self._backlogs.get(number) if self.grows else None
        backlog = self._backlogs[number] = backlog or Backlog()
        backlog.add(packed)
        with self._writer.transaction(durable=False) as transaction:
            backlog.save(transaction, number)
            transaction.save_stream(
                replace(
                    stream,
                    stored_bytes=stream.stored_bytes + len(data),
                    spool_offset=stream.spool_offset + len(data),
                    line_count=stream.line_count + data.count(b"\n"),
                    partial_bytes=partial,
                )
            )
        backlog.saved()


def step(index: int, name: str, first_line: int, **fields: object) -> Step:
    """A completed step, unless `fields` say otherwise."""
    given = {
        "status": Status.COMPLETED,
        "started_at": START_MS,
        "started_mono": 0,
        "duration_ms": 1000,
        **fields,
    }
    return Step(index=index, name=name, first_line=first_line, **given)  # type: ignore[arg-type]


def numbered(count: int, start: int = 1) -> bytes:
    """Lines that say which they are."""
    return b"".join(b"line %d\n" % number for number in range(start, start + count))
