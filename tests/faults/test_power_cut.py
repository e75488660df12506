"""The power goes while the runner's writer works: what it promised is there, and nothing is torn.

`cut` is one such moment, chosen by its seed and the same each time; a script may try thousands.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import sqlite3
from collections import defaultdict
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Execution, Instant, Status
from stepflow_tui.core.settings import Settings
from stepflow_tui.runner.recording import Recording
from stepflow_tui.runner.recovery import recover
from stepflow_tui.runner.spool import LOCK, OUTPUT
from stepflow_tui.runner.stop import Reason
from stepflow_tui.store import chunks, compaction, queries
from stepflow_tui.store import writer as writer_module
from stepflow_tui.store.queries import RunnerRecord, Stream
from stepflow_tui.store.transaction import Transaction
from stepflow_tui.store.writer import WriteFailed, Writer
from tests.faults.apsw_connection import mounted
from tests.faults.sectors import Disk, PowerLost, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepflow_tui.store.transaction import Connection
    from tests.faults.apsw_connection import ApswConnection
    from tests.faults.sectors import Fault

SEEDS = 200
CONTROLS = 30

OPERATIONS = 700
"""The power goes at one of the first so many operations of the disk."""

_MEMORY = "/dev/shm"
_PRINTED = (
    b"compiling some file\n",
    b"compiling some file\n" * 30,
    b"compiling some file\n" * 400,
    b"STEP_START:Build\n",
    b"META:PROGRESS:42%\n",
    b"no newline yet ",
    random.Random(1).randbytes(3_000),  # noqa: S311
    random.Random(2).randbytes(20_000),  # noqa: S311
)
"""What scripts print at a time."""


# What the database holds, and what was said about it


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a database holds."""

    rows: int  # a hash of every column of every row, good within one process
    executions: dict[str, tuple[Status, int]]  # status and stored bytes by id


def snapshot(connection: Connection) -> Snapshot:
    """What `connection` sees, its own open transaction included."""

    def read(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall()

    names = read("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    rows = hash(tuple((name, *read(f"SELECT * FROM {name}")) for (name,) in names))  # noqa: S608
    statuses = read(
        "SELECT id, status, stored_bytes FROM executions JOIN streams ON execution = number"
    )
    return Snapshot(rows, {row[0]: (Status(row[1]), row[2]) for row in statuses})


@cache
def empty() -> Snapshot:
    """A database in which nothing was recorded yet."""
    with TemporaryDirectory() as directory:
        writer = Writer(Path(directory) / "stepflow.db")
        rows = snapshot(writer._connection)
        writer.close()
    return rows


@dataclass
class Commit:
    """A transaction that was tried, or what a runner found."""

    snapshot: Snapshot
    at: float  # seconds of the simulated clock
    durable: bool  # asked to be on the disk when it is acknowledged
    acknowledged: bool = False


class Clock:
    """Stands in for the module `time`: a workload of milliseconds lives through many seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def instant(self) -> Instant:
        milliseconds = round(self.now * 1000)
        return Instant(wall_ms=1_800_000_000_000 + milliseconds, mono_ms=milliseconds)


class Workload:
    """Does with a writer what the runner does: begin, accept, record, end, leave, begin again.

    Attributes:
        home: its spool is real; its database lies where `connect` puts it.
        history: every commit that was tried, and what a runner found when it started.
        written: what each execution has printed, by id.
        refused: how often the writer said that it could not write.
    """

    def __init__(self, home: Home, chance: random.Random, clock: Clock) -> None:
        self.home = home
        self.written: defaultdict[str, bytearray] = defaultdict(bytearray)
        self.refused = 0
        self._chance, self._clock = chance, clock
        self._recordings: list[Recording] = []
        self._count = 0
        self.outlive(empty())
        home.spool.mkdir(parents=True)

    def outlive(self, found: Snapshot) -> None:
        """The machine is on again, and this is what its disk holds."""
        self.history = [Commit(found, self._clock.now, durable=True, acknowledged=True)]
        self.is_running = False

    def start(self, connect: Callable[[Path], ApswConnection]) -> None:
        """A runner starts, if the disk lets it."""
        self._connect = connect
        try:
            self.writer = Writer(self.home.database, connect)
        except StoreProblem:
            self.refused += 1
            return
        found = snapshot(self.writer._connection)
        self.history.append(Commit(found, self._clock.now, durable=False, acknowledged=True))
        self._recordings = list(recover(self.home, self.writer, Settings()))
        self.is_running = True

    def turn(self) -> None:
        """One turn of the runner's loop."""
        self._clock.now += self._chance.uniform(0.0, 0.5)
        drawn = self._chance.random()
        if not self.is_running:
            self.start(self._connect)
        elif drawn < 0.05:
            self.is_running = False
            self.writer.close()
        elif drawn < 0.25 or not self._recordings:
            self._accept()
        else:
            self._record()

    def commit(self, write: Callable[[Transaction], None], *, durable: bool) -> bool:
        """Whether it was acknowledged."""
        try:
            with self.writer.transaction(durable=durable) as transaction:
                write(transaction)
                rows = snapshot(self.writer._connection)
                self.history.append(Commit(rows, self._clock.now, durable))
        except WriteFailed:
            self.refused += 1
            return False
        self.history[-1].acknowledged = True
        return True

    def _accept(self) -> None:
        self._count += 1
        pending = Execution(
            number=0,
            id=f"{self._count:026d}",
            name="build",
            command=["make", "all"],
            cwd="/",
            status=Status.PENDING,
            created_at=self._clock.instant().wall_ms,
            boot_id="boot",
        )
        start = {"boot_id": "boot", "pid": 1, "start": 1, "wall_ms": 1, "mono_ms": 1}
        Path(f"{self.home.spool / pending.id}{LOCK}").write_text(json.dumps(start))
        numbers: list[int | None] = []
        if self.commit(lambda t: numbers.append(t.insert_execution(pending)), durable=True):
            [number] = numbers
            assert number is not None
            execution = replace(pending, number=number)
            stream = Stream(number, None, 0, 0, 0, 0, None, is_open=True)
            self._recordings.append(Recording(self.home, execution, stream, settings=Settings()))

    def _record(self) -> None:
        count = self._chance.randint(1, len(self._recordings))
        batch = self._chance.sample(self._recordings, count)
        for recording in batch:
            if not recording.has_unsaved_output:
                self._advance(recording)
        changed = [recording for recording in batch if recording.is_dirty]
        if self.commit(
            lambda transaction: self._save(changed, transaction),
            durable=any(recording.is_ending for recording in changed),
        ):
            for recording in changed:
                recording.saved()
            self._recordings = [recording for recording in self._recordings if recording.is_open]

    def _save(self, recordings: list[Recording], transaction: Transaction) -> None:
        for recording in recordings:
            recording.save(transaction)
        if self._chance.random() < 0.3:
            commits, took = self.writer.commits, self.writer.commit_ms
            transaction.save_runner(RunnerRecord("0", "3", 1, "boot", commits, took))

    def _advance(self, recording: Recording) -> None:
        now = self._clock.instant()
        start = recording.start or recording.spool.start()
        assert start is not None
        recording.begin(start)
        self._print(recording.id)
        recording.read(now)
        if self._chance.random() < 0.15 and not recording.is_final:
            recording.finish(Reason(Status.COMPLETED, ""), now, code=0, signal=None)
        if self._chance.random() < 0.5 and recording.is_final:
            recording.end_stream()

    def _print(self, execution: str) -> None:
        text = self._chance.choice(_PRINTED)
        if text.endswith(b"\n"):
            text += b"%d bytes before\n" % len(self.written[execution])
        self.written[execution] += text
        with Path(f"{self.home.spool / execution}{OUTPUT}").open("ab") as spool:
            spool.write(text)


# What is found afterwards


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a power cut has done.

    Attributes:
        life: 0 when nothing was there before, 1 when it was the second cut.
        operation: of the disk, in which the power went.
        corrupt: SQLite finds the file damaged, or cannot read it; `damage` says how.
        lost: what was acknowledged as durable, or is older than a second, and is not there.
        mismatched: rows that contradict one another, or what was written.
        undone: acknowledged commits that are gone as they may be: not durable, and young.
        refused: how often the writer said that it could not write.
    """

    seed: int
    life: int
    operation: int
    corrupt: bool = False
    damage: str = ""
    lost: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    undone: int = 0
    refused: int = 0

    @property
    def is_good(self) -> bool:
        """Nothing is wrong."""
        return not (self.corrupt or self.lost or self.mismatched)


def reopen(directory: Path, workload: Workload, verdict: Verdict) -> Verdict:
    """Opens the database as the next runner would, and holds it against what was promised.

    The workload may go on from there.
    """
    verdict = dataclasses.replace(verdict, refused=workload.refused)
    try:
        found, mismatched = _read(directory / workload.home.database.name, workload)
    except (StoreProblem, sqlite3.Error, ValueError) as error:
        damage = str(error).replace(f"{directory}/", "")
        return dataclasses.replace(verdict, corrupt=True, damage=damage)
    history = workload.history
    kept = next((i for i in reversed(range(len(history))) if history[i].snapshot == found), None)
    if kept is None:
        mismatched.append("never was there a commit that left it so")
    undone = [commit for commit in history[(kept or 0) + 1 :] if commit.acknowledged]
    workload.outlive(found)
    return dataclasses.replace(
        verdict,
        lost=tuple(_losses(found, history, undone)),
        mismatched=tuple(mismatched),
        undone=len(undone),
    )


def _read(path: Path, workload: Workload) -> tuple[Snapshot, list[str]]:
    """What is there and what of it disagrees, read before and after the WAL is checkpointed."""
    writer = Writer(path)
    try:
        _check_integrity(writer._connection)
        found = snapshot(writer._connection)
        mismatched = [
            text for id_ in found.executions for text in _mismatches(writer, id_, workload)
        ]
    finally:
        writer.close()
    with closing(sqlite3.connect(path)) as connection:
        _check_integrity(connection)
        if snapshot(connection) != found:
            raise ValueError("the checkpoint has changed what is read")
    return found, mismatched


def _check_integrity(connection: Connection) -> None:
    answers = connection.execute("PRAGMA integrity_check").fetchall()
    orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    if [*answers, *orphans] != [("ok",)]:
        raise ValueError(f"integrity: {answers[:3]}, foreign keys: {orphans[:3]}")


def _losses(found: Snapshot, history: list[Commit], undone: list[Commit]) -> Iterator[str]:
    """What the last durable commit held that is not there; commits that are not so young."""
    acknowledged = [commit for commit in history if commit.acknowledged]
    promised = next(commit for commit in reversed(acknowledged) if commit.durable)
    for execution, (status, stored) in promised.snapshot.executions.items():
        if execution not in found.executions:
            yield f"execution {execution}"
            continue
        status_found, stored_found = found.executions[execution]
        if status.is_final and status_found is not status:
            yield f"status {status} of {execution}"
        if stored_found < stored:
            yield f"log of {execution} from byte {stored_found} to {stored}"
    for commit in undone:
        age = acknowledged[-1].at - commit.at
        if age > 1.0:
            yield f"a commit {age:.3f} s before the last one"


def _mismatches(writer: Writer, execution: str, workload: Workload) -> Iterator[str]:
    """Where an execution's stream, its chunks and what it has printed do not agree."""
    [found] = writer.all(queries.executions_with_prefix(execution))
    [stream] = writer.all(queries.stream(found.number))
    chunks = writer.all(queries.chunks_from(found.number, 0, 0, 10_000))
    lines = offset = 0
    for chunk in chunks:
        printed = bytes(workload.written[execution][chunk.first_byte : chunk.end_byte])
        counted = (chunk.first_line, chunk.first_byte, chunk.line_count, chunk.byte_count)
        if counted != (lines, offset, printed.count(b"\n"), len(printed)):
            yield f"chunk of {execution} behind {offset} bytes and {lines} lines: {counted}"
        if chunk.text() != printed:
            yield f"text of {execution} at {chunk.first_byte}"
        lines, offset = lines + chunk.line_count, offset + chunk.byte_count
    printed = bytes(workload.written[execution][:offset])
    expected = (offset, offset, lines, offset - printed.rfind(b"\n") - 1)
    told = (stream.spool_offset, stream.stored_bytes, stream.line_count, stream.partial_bytes)
    if told != expected:
        yield f"offset, bytes, lines, partial of {execution}: {told}, its chunks say {expected}"


# The cut itself


@contextmanager
def simulated(
    seed: int, workload: type[Workload] = Workload
) -> Iterator[tuple[random.Random, Workload]]:
    """Chance and a workload with its own clock, in a directory that is gone afterwards.

    Checkpoints and merges come as often within a few commits as else within hours.
    """
    chance, clock = random.Random(seed), Clock()  # noqa: S311 - to be had again
    alarm = chance.choice((-1, writer_module._WAL_ALARM))
    with (
        TemporaryDirectory(dir=_MEMORY if Path(_MEMORY).is_dir() else None) as directory,
        patch.multiple(
            writer_module,
            time=clock,
            _CHECKPOINT_BYTES=chance.choice((40_000, 80_000, 160_000)),
            _CHECKPOINT_EVERY_S=0.5,
            _WAL_LIMIT=chance.choice((20_000, 100_000)),
            _WAL_ALARM=alarm,
            _RESTART_EVERY_S=0.0,
        ),
        patch.multiple(compaction, _MANY_ARRIVALS=8, _LARGE=20_000),
        patch.object(chunks, "GROWN_BYTES", chance.choice((30, 300, chunks.GROWN_BYTES))),
    ):
        yield chance, workload(Home(Path(directory, "home")), chance, clock)


def cut(
    seed: int,
    *,
    synchronous: str | None = None,
    lies: bool = False,
    fault: Fault | None = None,
    workload: type[Workload] = Workload,
) -> Verdict:
    """Let the power go at a moment that the seed chooses, and look at what is left.

    Some machines are turned on again, and lose their power a second time.

    Args:
        synchronous: what the connection makes of every PRAGMA synchronous.
        lies: the disk says that it has synced, and has not.
        fault: what the disk refuses before.
        workload: what goes on meanwhile.
    """
    with simulated(seed, workload) as (chance, work):
        image: dict[str, bytes] = {}
        for life in range(chance.choice((1, 1, 2))):
            disk = Disk(chance, image, lies=lies)
            verdict = Verdict(seed, life, chance.randrange(1, OPERATIONS))
            disk.lose_power_at(verdict.operation)
            with mounted(disk, synchronous) as connect, suppress(PowerLost):
                work.start(connect)
                if fault is not None:
                    disk.fail(fault)
                while True:
                    work.turn()
            assert disk.image is not None
            image = disk.image
            verdict = reopen(restore(image, work.home.root.parent), work, verdict)
            if not verdict.is_good:
                break
    return verdict


# The tests


class OffsetLater(Workload):
    """Commits chunks first, and in a second transaction how far they go."""

    def commit(self, write: Callable[[Transaction], None], *, durable: bool) -> bool:
        streams: list[Stream] = []
        with patch.object(Transaction, "save_stream", lambda _, stream: streams.append(stream)):
            committed = super().commit(write, durable=durable)

        def save_streams(transaction: Transaction) -> None:
            for stream in streams:
                transaction.save_stream(stream)

        return committed and super().commit(save_streams, durable=durable)


def test_what_was_promised_is_there_when_the_power_is_back() -> None:
    first = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    undone = 0
    for seed in range(first, first + SEEDS):
        verdict = cut(seed)
        assert verdict.is_good, verdict
        assert verdict.refused == 0
        undone += bool(verdict.undone)
    assert undone > SEEDS // 20  # or it would show nothing of commits that are not durable


def test_a_seed_gives_the_same_cut_again() -> None:
    assert [cut(seed, lies=True) for seed in range(5)] == [
        cut(seed, lies=True) for seed in range(5)
    ]


@pytest.mark.parametrize("disk", [{"synchronous": "OFF"}, {"lies": True}])
def test_without_syncs_databases_are_corrupt_and_promises_broken(disk: dict[str, Any]) -> None:
    verdicts = [cut(seed, **disk) for seed in range(CONTROLS)]
    assert sum(verdict.corrupt for verdict in verdicts) > CONTROLS // 4
    assert sum(bool(verdict.lost) for verdict in verdicts) > CONTROLS // 10


def test_syncs_at_checkpoints_alone_keep_it_whole_and_lose_promises() -> None:
    verdicts = [cut(seed, synchronous="NORMAL") for seed in range(CONTROLS)]
    assert sum(verdict.corrupt for verdict in verdicts) == 0
    assert sum(bool(verdict.mismatched) for verdict in verdicts) == 0
    assert sum(bool(verdict.lost) for verdict in verdicts) > CONTROLS // 10


def test_an_offset_in_a_transaction_of_its_own_is_found_out() -> None:
    verdicts = [cut(seed, workload=OffsetLater) for seed in range(CONTROLS)]
    told = [text for verdict in verdicts for text in verdict.mismatched]
    assert sum(bool(verdict.mismatched) for verdict in verdicts) > CONTROLS // 10
    assert all(text.startswith("offset, bytes, lines, partial of ") for text in told)
    assert sum(verdict.corrupt for verdict in verdicts) == 0
