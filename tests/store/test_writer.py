from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Artifact, Execution, Status, Step
from stepflow_tui.store import queries
from stepflow_tui.store.chunks import lines_of, pack
from stepflow_tui.store.compaction import Run
from stepflow_tui.store.queries import RunnerRecord, Stream
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.transaction import _MERGES
from stepflow_tui.store.writer import WriteFailed, Writer

if TYPE_CHECKING:
    from pathlib import Path


def execution(**fields: object) -> Execution:
    plain = Execution(
        number=0,
        id=new_id(),
        name="build",
        command=["make", "all"],
        cwd="/tmp",
        status=Status.PENDING,
        created_at=1_000,
        boot_id="boot",
    )
    return replace(plain, **fields)


def insert(writer: Writer, record: Execution) -> int:
    with writer.transaction(durable=True) as transaction:
        number = transaction.insert_execution(record)
    assert number is not None
    return number


def test_what_is_written_is_read_back(writer: Writer, path: Path) -> None:
    record = execution(tags=["a", "b"], metadata={"x": 1, "y": "é"}, env={"A": "1"}, timeout_s=5.5)
    number = insert(writer, record)
    step = Step(1, "Build", Status.RUNNING, 5, 6, 1, estimated_s=3.0, metadata={"k": True})
    artifact = Artifact(1, "out.txt", "out.txt", exists=True, size=3, stored="artifacts/out.txt")
    running = replace(record, number=number, status=Status.RUNNING, started_at=7, started_mono=8)
    with writer.transaction(durable=False) as transaction:
        transaction.save_execution(running)
        transaction.save_steps(number, [step])
        transaction.save_artifacts(number, [artifact])
    with Reader(path) as reader:
        assert reader.first(queries.execution(number)) == replace(running, rev=2)
        assert reader.all(queries.steps(number)) == [step]
        assert reader.all(queries.artifacts(number)) == [artifact]
        assert reader.all(queries.steps_changed(number, 1)) == [step]
        assert reader.all(queries.steps_changed(number, 2)) == []


def test_an_id_is_accepted_once(writer: Writer) -> None:
    record = execution()
    insert(writer, record)
    with writer.transaction(durable=True) as transaction:
        assert transaction.insert_execution(record) is None
    assert len(writer.all(queries.newest_executions(10))) == 1


def test_a_final_status_never_changes(writer: Writer) -> None:
    record = replace(execution(), status=Status.PENDING)
    number = insert(writer, record)
    done = replace(record, number=number, status=Status.COMPLETED)
    with writer.transaction(durable=True) as transaction:
        transaction.save_execution(done)
    with pytest.raises(WriteFailed), writer.transaction(durable=True) as transaction:
        transaction.save_execution(replace(done, status=Status.FAILED))
    assert writer.all(queries.execution(number))[0].status is Status.COMPLETED


def test_counts_by_status_follow_every_change(writer: Writer) -> None:
    first, second = execution(), execution()
    number = insert(writer, first)
    insert(writer, second)
    with writer.transaction(durable=True) as transaction:
        transaction.save_execution(replace(first, number=number, status=Status.RUNNING))
    counts = dict(writer.all(queries.status_counts()))
    assert {status: count for status, count in counts.items() if count} == {
        Status.PENDING: 1,
        Status.RUNNING: 1,
    }


def test_a_transaction_is_all_or_nothing(writer: Writer) -> None:
    def fail_in_the_middle() -> None:
        with writer.transaction(durable=False) as transaction:
            transaction.insert_execution(execution())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert writer.all(queries.newest_executions(1)) == []
    assert writer.all(queries.revision()) == [0]
    insert(writer, execution())


def test_merging_chunks_changes_rows_and_no_text(writer: Writer) -> None:
    number = insert(writer, execution())
    lines = [f"line {index}\n".encode() for index in range(50)]
    with writer.transaction(durable=False) as transaction:
        offset = 0
        for index, line in enumerate(lines):
            transaction.append_log(
                number, pack(line, first_line=index, first_byte=offset, arrived_at=index)
            )
            offset += len(line)
        transaction.save_stream(Stream(number, 1, offset, offset, 50, 0, None, is_open=True))
    before = writer.all(queries.chunks_of_lines(number, 20, 23, 9))
    with writer.transaction(durable=False) as transaction:
        assert transaction.merge_log(number, Run(0, 0, offset, 50), is_last=False)
    [merged] = writer.all(queries.chunks_from(number, 0, 0, 99))
    assert merged.text() == b"".join(lines)
    assert lines_of([merged], start=20, stop=23, limit=99) == lines_of(
        before, start=20, stop=23, limit=99
    )


def test_one_transaction_merges_few_logs_unless_there_is_no_other(writer: Writer) -> None:
    numbers = [insert(writer, execution()) for _ in range(10)]
    run = Run(0, 0, 4, 2)
    with writer.transaction(durable=False) as transaction:
        for number in numbers:
            for line in range(2):
                piece = pack(b"x\n", first_line=line, first_byte=2 * line, arrived_at=line)
                transaction.append_log(number, piece)
    with writer.transaction(durable=False) as transaction:
        merged = [transaction.merge_log(number, run, is_last=False) for number in numbers]
        assert transaction.merge_log(numbers[-1], run, is_last=True)
    assert merged == [True] * _MERGES + [False] * (10 - _MERGES)
    counts = [len(writer.all(queries.chunks_from(number, 0, 0, 9))) for number in numbers]
    assert counts == [1] * _MERGES + [2] * (9 - _MERGES) + [1]


def test_chunks_that_a_gap_has_parted_are_not_merged(writer: Writer) -> None:
    number = insert(writer, execution())
    with writer.transaction(durable=False) as transaction:
        for line in range(6):
            piece = pack(b"x\n", first_line=line, first_byte=2 * line, arrived_at=line)
            transaction.append_log(number, piece)
        transaction.trim_log(number, 2, 8)
    with writer.transaction(durable=False) as transaction:
        assert transaction.merge_log(number, Run(0, 0, 12, 6), is_last=False)
    chunks = writer.all(queries.chunks_from(number, 0, 0, 9))
    assert [chunk.is_gap for chunk in chunks] == [False, True, False, False]


def test_lines_are_found_in_a_line_longer_than_many_chunks(writer: Writer) -> None:
    number = insert(writer, execution())
    pieces = [b"start\n", *[b"x" * 100] * 20, b"\nend\n"]
    with writer.transaction(durable=False) as transaction:
        line = offset = 0
        for piece in pieces:
            transaction.append_log(
                number, pack(piece, first_line=line, first_byte=offset, arrived_at=0)
            )
            line += piece.count(b"\n")
            offset += len(piece)

    def text(start: int, stop: int) -> list[bytes]:
        chunks = writer.all(queries.chunks_of_lines(number, start, stop, 99))
        return [line.text for line in lines_of(chunks, start=start, stop=stop, limit=9999)]

    assert text(0, 1) == [b"start"]
    assert text(1, 2) == [b"x" * 2000]
    assert text(2, 3) == [b"end"]
    assert len(writer.all(queries.chunks_of_lines(number, 2, 3, 99))) == 1
    [tail, *_] = writer.all(queries.chunks_from(number, 1, 2000, 99))
    assert tail.first_byte == 1906


def test_a_commit_that_fails_leaves_nothing_and_says_so(path: Path) -> None:
    writer = Writer(path)
    try:
        blocker = sqlite3.connect(path, isolation_level=None)
        writer._pragma("busy_timeout=10")
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(WriteFailed, match="locked"):
            insert(writer, execution())
        blocker.execute("ROLLBACK")
        blocker.close()
        assert insert(writer, execution()) == 1
    finally:
        writer.close()


def test_the_wal_is_checkpointed_and_stays_small(path: Path) -> None:
    writer = Writer(path)
    number = insert(writer, execution())
    writer._checkpointed_at = 0.0
    with writer.transaction(durable=False) as transaction:
        for _ in range(50):
            data = bytes(range(256)) * 500
            transaction.append_log(number, pack(data, first_line=0, first_byte=0, arrived_at=0))
        transaction.written = 5_000_000
    assert writer._uncheckpointed == 0
    writer.close()
    assert not path.with_name("stepflow.db-wal").exists()


def test_commit_times_are_counted_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "stepflow.db"
    writer = Writer(path)
    for _ in range(3):
        with writer.transaction(durable=False) as transaction:
            transaction.save_runner(
                RunnerRecord(
                    "1",
                    "3.50.7",
                    5,
                    "boot",
                    writer.commits,
                    writer.commit_ms,
                    lines=7,
                    ended=2,
                    commit_times=dict(writer.commit_times),
                    recorded_mono=11,
                )
            )
    [record] = writer.all(queries.runner_record())
    writer.close()
    assert (record.lines, record.ended, record.recorded_mono) == (7, 2, 11)
    assert sum(record.commit_times.values()) == record.commits == 2
    assert sum(writer.commit_times.values()) == 3
