"""The product's way of writing, in one process: spools, ingests, and a commit for all of them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.clock import now
from stepflow_tui.core.models import Status
from stepflow_tui.runner.ingest import Ingest
from stepflow_tui.runner.pace import Pace
from stepflow_tui.runner.spool import OUTPUT, Spool
from stepflow_tui.store import queries
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution

_NO_LIMIT = 10**12


class Recorder:
    """What the runner does with output and with executions, called instead of woken by events.

    Use it as a context manager.

    Attributes:
        writer: of the home's database.
        late_ms: for each commit, how long the first of what it holds had waited for its end.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self.writer = Writer(home.database)
        self._pace = Pace()
        self._streams: dict[int, Output] = {}
        self._written: set[int] = set()
        self._created: list[Execution] = []
        self._finished: list[str] = []
        self._running: dict[str, tuple[int, Execution]] = {}
        self._waiting_since: float | None = None
        self.late_ms: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for output in self._streams.values():
            output.close()
        self.writer.close()

    def open(self, execution: Execution) -> int:
        """Record an execution that prints; returns its number."""
        with self.writer.transaction(durable=False) as transaction:
            number = transaction.insert_execution(execution)
        if number is None:
            raise RuntimeError("an id was given twice")
        self._streams[number] = Output(self._home, replace(execution, number=number))
        return number

    def print(self, number: int, data: bytes) -> None:
        """Its script prints."""
        self._streams[number].print(data)
        self._written.add(number)
        self._wait()

    def create(self, execution: Execution) -> None:
        """Record an execution with the next commit."""
        self._created.append(execution)
        self._wait()

    def finish(self, execution: str) -> None:
        """Record the end of the execution with this id with the next commit."""
        self._finished.append(execution)
        self._wait()

    def _wait(self) -> None:
        if self._waiting_since is None:
            self._waiting_since = time.perf_counter()

    def commit_if_due(self) -> None:
        """Commit what waits, if the runner would."""
        if self._waiting_since is not None and not self._pace.delay():
            self.commit()

    def commit(self) -> None:
        """Commit all that waits."""
        began, moment = time.monotonic(), now()
        ingests = {number: self._streams[number].ingest for number in self._written}
        for ingest in ingests.values():
            while ingest.read(moment)[1]:
                pass  # until all is read
        with self.writer.transaction(durable=False) as transaction:
            for number, ingest in ingests.items():
                ingest.save(transaction, number)
            for execution in self._created:
                number = transaction.insert_execution(execution) or 0
                self._running[execution.id] = number, execution
            for number, execution in map(self._running.pop, self._finished):
                transaction.save_execution(_ended(execution, number, moment.wall_ms))
        for ingest in ingests.values():
            ingest.saved()
        self._written, self._created, self._finished = set(), [], []
        self._pace.committed(began)
        if self._waiting_since is not None:
            self.late_ms.append((time.perf_counter() - self._waiting_since) * 1000)
        self._waiting_since = None

    def end(self, number: int) -> None:
        """The execution is over: what it printed is packed for good, and its status is saved."""
        self.commit()
        output = self._streams.pop(number)
        moment = now()
        output.ingest.finish_line(moment)
        output.ingest.mark_end()
        output.ingest.close()
        with self.writer.transaction(durable=True) as transaction:
            output.ingest.save(transaction, number)
            transaction.save_execution(_ended(output.execution, number, moment.wall_ms))
        output.close()


class Output:
    """The output of one execution, as the shim's cat leaves it in the spool."""

    def __init__(self, home: Home, execution: Execution) -> None:
        self.execution = execution
        spool = Spool(home, execution.id)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(f"{spool.prefix}{OUTPUT}", flags, 0o600)
        stream = queries.Stream(execution.number, None, 0, 0, 0, 0, None, is_open=True)
        self.ingest = Ingest(spool, stream, max_log_bytes=_NO_LIMIT)

    def print(self, data: bytes) -> None:
        """Write it."""
        os.write(self._descriptor, data)

    def close(self) -> None:
        """Nothing more is written."""
        os.close(self._descriptor)


def _ended(execution: Execution, number: int, moment: int) -> Execution:
    return replace(
        execution,
        number=number,
        status=Status.COMPLETED,
        finished_at=moment,
        duration_ms=5000,
        exit_code=0,
    )
