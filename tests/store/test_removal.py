from __future__ import annotations

import os
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Artifact, Execution, Status, Step
from stepflow_tui.store import queries, removal
from stepflow_tui.store.chunks import pack
from stepflow_tui.store.queries import Stream
from stepflow_tui.store.removal import Entry, Limits
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDED, LOG = 1_000, b"x" * 100


def add(writer: Writer, *, is_open: bool = False, log: bytes = LOG, **fields: object) -> int:
    """An execution with one step, one artifact of 7 bytes that is stored and one that is not."""
    plain = Execution(
        0, new_id(), "build", ["make"], "/", Status.COMPLETED, created_at=1, finished_at=ENDED
    )
    record = replace(plain, **fields)
    with writer.transaction(durable=False) as transaction:
        number = transaction.insert_execution(record)
        assert number is not None
        chunks = pack(log, first_line=0, first_byte=0, arrived_at=0)
        transaction.append_log(number, chunks)
        transaction.save_stream(Stream(number, 1, 100, 100, 0, 100, 0, is_open=is_open))
        transaction.save_steps(number, [Step(1, "a", Status.COMPLETED, 0, 0, 1)])
        artifacts = [
            Artifact(1, "a", "a", size=7, exists=True, stored="artifacts/x/1/a"),
            Artifact(2, "b", "b", size=70, exists=True, reason="too large"),
        ]
        transaction.save_artifacts(number, artifacts)
        if record.marked:
            transaction.mark([record.id], marked=True)
    return number


def due(writer: Writer, limits: Limits) -> list[int]:
    return [entry.number for entry in writer.all(removal.due(limits))]


def entry(writer: Writer, number: int) -> Entry:
    [execution] = writer.all(queries.execution(number))
    return writer.all(removal.entries([execution.id], sized=True))[0]


def rows(writer: Writer, table: str) -> int:
    [(count,)] = writer._connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    return int(count)


def remove(writer: Writer, numbers: Sequence[int]) -> None:
    with writer.removal(durable=False) as transaction:
        transaction.remove_executions(numbers)


def test_an_entry_knows_what_it_takes(writer: Writer) -> None:
    number = add(writer, name="deploy", log=os.urandom(300_000))
    found = entry(writer, number)
    assert (found.name, found.step_count, found.size) == ("deploy", 0, 300_000 + 7)
    [unsized] = writer.all(removal.entries([found.id, new_id()], sized=False))
    assert unsized == replace(found, size=0)


@pytest.mark.parametrize(
    ("fields", "objection"),
    [
        ({}, None),
        ({"status": Status.LOST}, None),
        ({"status": Status.RUNNING}, "#1 is running; stop it first: stepflow cancel 1"),
        ({"status": Status.PENDING}, "#1 is pending; stop it first: stepflow cancel 1"),
        ({"is_open": True}, "#1 has ended, but what it left behind still writes its log"),
        ({"marked": True}, "#1 is marked; first run: stepflow mark --remove 1"),
    ],
)
def test_what_may_be_removed_is_the_same_for_a_person_and_for_the_database(
    writer: Writer, fields: dict[str, Any], objection: str | None
) -> None:
    number = add(writer, **fields)
    assert entry(writer, number).objection == objection
    everything = Limits(count=0)
    assert due(writer, everything) == ([] if objection else [number])
    remove(writer, [number])
    assert rows(writer, "executions") == (1 if objection else 0)


def test_age_counts_from_the_end(writer: Writer) -> None:
    for ended in (10, 20, 30):
        add(writer, finished_at=ended)
    add(writer, finished_at=None, created_at=5)
    assert due(writer, Limits(ended_before=20)) == [1, 4]
    assert due(writer, Limits(ended_before=21)) == [1, 2, 4]
    assert due(writer, Limits(ended_before=-(10**40))) == []


def test_the_newest_stay_whatever_is_marked_or_runs(writer: Writer) -> None:
    every: list[dict[str, Any]] = [{}, {}, {"marked": True}, {}, {"status": Status.RUNNING}]
    for fields in every:
        add(writer, **fields)
    assert due(writer, Limits(count=2)) == [1]
    assert due(writer, Limits(count=0)) == [1, 2, 4]
    assert due(writer, Limits(count=3)) == []
    assert due(writer, Limits()) == []


def test_the_oldest_go_while_all_take_too_much(writer: Writer) -> None:
    add(writer, marked=True)
    for _ in range(4):
        add(writer)
    assert entry(writer, 1).size == 107
    assert due(writer, Limits(size=5 * 107)) == []
    assert due(writer, Limits(size=5 * 107 - 1)) == [2]
    assert due(writer, Limits(size=3 * 107)) == [2, 3]
    assert due(writer, Limits(size=0)) == [2, 3, 4, 5]
    assert due(writer, Limits(size=10**40)) == []


def test_statuses_restrict_what_is_due(writer: Writer) -> None:
    for status in (Status.FAILED, Status.COMPLETED, Status.FAILED, Status.LOST):
        add(writer, status=status)
    assert due(writer, Limits(count=0, statuses=frozenset({Status.FAILED}))) == [1, 3]
    assert due(writer, Limits(count=1, statuses=frozenset({Status.FAILED}))) == [1]
    both = frozenset({Status.COMPLETED, Status.LOST})
    assert due(writer, Limits(size=3 * 107, statuses=both)) == [2]
    assert due(writer, Limits(count=0, statuses=frozenset())) == []


@dataclass(frozen=True)
class Wanted:
    """What is added, for the rule to be told in Python as well."""

    status: Status
    marked: bool
    is_open: bool
    ended: int
    length: int


WANTED = st.builds(
    Wanted,
    st.sampled_from([Status.RUNNING, *[Status.COMPLETED] * 3, Status.FAILED]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([False, False, False, True]),
    st.integers(0, 9),
    st.integers(0, 50),
)
LIMITS = st.builds(
    Limits,
    st.none() | st.integers(0, 10),
    st.none() | st.integers(0, 8),
    st.none() | st.integers(0, 500),
    st.none() | st.sets(st.sampled_from([Status.COMPLETED, Status.FAILED])).map(frozenset),
)


def expected(wanted: list[Wanted], limits: Limits) -> list[int]:
    candidates = [
        number
        for number, item in enumerate(wanted, 1)
        if item.status.is_final and not item.marked and not item.is_open
        if limits.statuses is None or item.status in limits.statuses
    ]
    going = set()
    if limits.ended_before is not None:
        going |= {number for number in candidates if wanted[number - 1].ended < limits.ended_before}
    if limits.count is not None:
        going |= set(candidates[: max(0, len(candidates) - limits.count)])
    total = sum(item.length + 7 for n, item in enumerate(wanted, 1) if n not in going)
    for number in candidates:
        if limits.size is not None and number not in going and total > limits.size:
            going.add(number)
            total -= wanted[number - 1].length + 7
    return sorted(going)


@settings(max_examples=60, deadline=None)
@given(st.lists(WANTED, max_size=10), st.lists(LIMITS, min_size=1, max_size=8))
def test_the_select_follows_the_rule(wanted: list[Wanted], many: list[Limits]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        writer = Writer(Path(directory) / "stepflow.db")
        for item in wanted:
            add(
                writer,
                status=item.status,
                marked=item.marked,
                is_open=item.is_open,
                finished_at=item.ended,
                log=b"x" * item.length,
            )
        for limits in many:
            assert due(writer, limits) == expected(wanted, limits)
        writer.close()


def test_a_removal_leaves_a_tombstone_and_for_a_while_the_log(writer: Writer) -> None:
    for _ in range(3):
        add(writer)
    [before] = writer.all(queries.revision())
    remove(writer, [1, 3, 99])
    assert [rows(writer, table) for table in ("executions", "steps", "artifacts", "streams")] == [
        1, 1, 2, 1,
    ]  # fmt: skip
    tombstones = writer._connection.execute("SELECT number, rev FROM tombstones").fetchall()
    assert tombstones == [(1, before + 1), (3, before + 1)]
    assert dict(writer.all(queries.status_counts()))[Status.COMPLETED] == 1
    assert rows(writer, "log_chunks") == 3
    assert writer.all(removal.removed_with_log()) == [1, 3]
    with writer.transaction(durable=False) as transaction:
        assert transaction.remove_logs([1, 3], 99) == 2
    assert rows(writer, "log_chunks") == 1
    assert writer.all(removal.removed_with_log()) == []


def test_a_long_log_goes_in_slices(writer: Writer) -> None:
    for _ in range(3):
        add(writer, log=os.urandom(128 * 1024 * 10))
    remove(writer, [1, 2, 3])

    def slice_of(numbers: list[int], limit: int) -> tuple[int, int]:
        with writer.transaction(durable=False) as transaction:
            done = transaction.remove_logs(numbers, limit)
        return done, rows(writer, "log_chunks")

    assert slice_of([1, 2, 3], 4) == (0, 26)
    assert slice_of([1, 2, 3], 8) == (1, 18)
    assert slice_of([2, 3], 8) == (0, 10)
    assert slice_of([2, 3], 8) == (1, 3)  # to find that there is no more counts as well
    assert slice_of([3], 8) == (1, 0)
    assert slice_of([], 8) == (0, 0)


def test_an_ordinary_transaction_still_guards_its_references(writer: Writer) -> None:
    number = add(writer)
    remove(writer, [number])
    chunks = pack(b"late", first_line=0, first_byte=0, arrived_at=0)
    with pytest.raises(Exception, match="FOREIGN KEY"), writer.transaction(durable=False) as late:
        late.append_log(number, chunks)


def test_a_removed_number_is_never_given_again(writer: Writer) -> None:
    number = add(writer)
    remove(writer, [number])
    assert add(writer) == number + 1


def test_a_mark_changes_the_revision_of_what_it_changes(writer: Writer) -> None:
    first, second = (writer.all(queries.execution(add(writer)))[0] for _ in range(2))
    with writer.transaction(durable=False) as transaction:
        transaction.mark([first.id], marked=True)
    [changed] = writer.all(queries.execution(first.number))
    assert changed == replace(first, marked=True, rev=changed.rev)
    assert changed.rev > second.rev
    assert writer.all(queries.execution(second.number)) == [second]
    with writer.transaction(durable=False) as transaction:
        transaction.mark([first.id, second.id], marked=False)
    assert [found.marked for found in writer.all(queries.newest_executions(9))] == [False, False]


def test_a_mark_outlives_what_its_execution_still_records(writer: Writer) -> None:
    number = add(writer, status=Status.RUNNING)
    [running] = writer.all(queries.execution(number))
    with writer.transaction(durable=False) as transaction:
        transaction.mark([running.id], marked=True)
    with writer.transaction(durable=False) as transaction:
        transaction.save_execution(replace(running, status=Status.COMPLETED))
    assert writer.all(queries.execution(number))[0].marked


def test_free_pages_are_given_back(path: Path) -> None:
    writer = Writer(path)
    add(writer, log=os.urandom(8_000_000))
    keep = add(writer, log=os.urandom(1_000_000))
    writer._checkpoint("TRUNCATE")
    full = path.stat().st_size
    remove(writer, [1])
    with writer.transaction(durable=False) as transaction:
        assert transaction.remove_logs([1], 999) == 1
    free = writer.free_pages()
    assert free > 1900
    with writer.transaction(durable=False) as transaction:
        transaction.give_back(100)
    assert writer.free_pages() == free - 100
    with writer.transaction(durable=False) as transaction:
        transaction.give_back(free)
    assert writer.free_pages() == 0
    assert len(writer.all(queries.chunks_from(keep, 0, 0, -1))) == 8
    writer.close()
    assert path.stat().st_size < full - 7_900_000
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
