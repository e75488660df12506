"""Writes what a runner would have written, for tests of what reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status, Step
from stepflow_tui.store.backlog import Backlog
from stepflow_tui.store.chunks import pack
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.queries import Stream, execution, steps, stream
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact

START_MS = 1_700_000_000_000


class Recording:
    """The writing side of a home's database."""

    def __init__(self, home: Home) -> None:
        prepare_home(home)
        self.home = home
        self.writer = Writer(home.database)
        home.database.chmod(0o600)  # as the umask of the runner makes it
        self._backlogs: dict[int, Backlog] = {}

    def add(self, **fields: object) -> Execution:
        """Add an execution; by default it runs."""
        plain = Execution(
            number=0,
            id=new_id(),
            name="build",
            command=["make", "all"],
            cwd="/tmp",
            status=Status.RUNNING,
            created_at=START_MS,
            user="ann",
            started_at=START_MS + 500,
            started_mono=0,
        )
        record = replace(plain, **fields)
        with self.writer.transaction(durable=False) as transaction:
            number = transaction.insert_execution(record)
        assert number is not None
        return self.find(number)

    def find(self, number: int) -> Execution:
        """The execution as it stands."""
        return self.writer.all(execution(number))[0]

    def save(self, number: int, **fields: object) -> Execution:
        """Change an execution."""
        changed = replace(self.find(number), **fields)
        with self.writer.transaction(durable=False) as transaction:
            transaction.save_execution(changed)
        return changed

    def finish(self, number: int, status: Status = Status.COMPLETED, **fields: object) -> Execution:
        """End an execution, with all that is in its log by now."""
        lines = self.find(number).line_count
        self._save_stream(replace(self._stream(number), end_line=lines, is_open=False))
        fields = {"exit_code": 0, "duration_ms": 12_345, "finished_at": START_MS + 12_845, **fields}
        return self.save(number, status=status, **fields)

    def log(self, number: int, *writes: bytes, at: int = START_MS, grows: bool = False) -> None:
        """Add output: a chunk (or more) for each write, or what lets the last one grow."""
        for data in writes:
            backlog = self._backlogs.get(number) if grows else None
            backlog = self._backlogs[number] = backlog or Backlog()
            before = self._stream(number)
            chunks = pack(
                data,
                first_line=before.line_count,
                first_byte=before.stored_bytes,
                arrived_at=at,
            )
            lines = data.count(b"\n")
            after = replace(
                before,
                spool_offset=before.spool_offset + len(data),
                stored_bytes=before.stored_bytes + len(data),
                line_count=before.line_count + lines,
                partial_bytes=len(data.rpartition(b"\n")[2])
                + (0 if lines else before.partial_bytes),
            )
            backlog.add(chunks)
            with self.writer.transaction(durable=False) as transaction:
                backlog.save(transaction, number)
                transaction.save_stream(after)
            backlog.saved()

    def step(self, number: int, index: int, name: str, lines: tuple[int, int | None]) -> Step:
        """Add or change a step; it is completed when its last line is known."""
        first, last = lines
        return self.save_step(
            number,
            Step(
                index=index,
                name=name,
                status=Status.RUNNING if last is None else Status.COMPLETED,
                started_at=START_MS,
                started_mono=0,
                first_line=first,
                last_line=last,
                duration_ms=None if last is None else 1500,
            ),
        )

    def save_step(self, number: int, step: Step) -> Step:
        """Add or change a step, and count the steps."""
        with self.writer.transaction(durable=False) as transaction:
            transaction.save_steps(number, [step])
        known = self.writer.all(steps(number))
        done = sum(step.status.is_final for step in known)
        self.save(number, step_count=len(known), steps_done=done, step_name=step.name)
        return step

    def artifacts(self, number: int, *artifacts: Artifact) -> None:
        """Add or change artifacts."""
        with self.writer.transaction(durable=False) as transaction:
            transaction.save_artifacts(number, artifacts)

    def _stream(self, number: int) -> Stream:
        return self.writer.all(stream(number))[0]

    def _save_stream(self, changed: Stream) -> None:
        with self.writer.transaction(durable=False) as transaction:
            transaction.save_stream(changed)

    def close(self) -> None:
        """End the connection."""
        self.writer.close()
