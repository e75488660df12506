from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.comparison import PastStep
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status, Step
from stepflow_tui.store import durations

if TYPE_CHECKING:
    from stepflow_tui.store.writer import Writer

DONE = Status.COMPLETED


def add(writer: Writer, name: str, status: Status, *ms: int) -> int:
    """Add an execution with a step for each duration."""
    total = sum(ms) or None
    record = Execution(0, new_id(), name, ["x"], "/", status, 0, duration_ms=total)
    steps = [Step(index, "s", DONE, 0, 0, 1, duration_ms=took) for index, took in enumerate(ms, 1)]
    with writer.transaction(durable=False) as transaction:
        number = transaction.insert_execution(record)
        assert number is not None
        transaction.save_steps(number, steps)
    return number


def test_earlier_completed_runs_of_a_name(writer: Writer) -> None:
    first, second = add(writer, "a", DONE), add(writer, "a", DONE)
    add(writer, "b", DONE)
    add(writer, "a", Status.FAILED)
    last = add(writer, "a", Status.RUNNING)
    add(writer, "a", DONE)
    assert writer.all(durations.earlier_completed("a", last)) == [second, first]
    assert writer.all(durations.earlier_completed("a", last, 1)) == [second]
    assert writer.all(durations.earlier_completed("a", first)) == []


def test_no_more_than_thirty(writer: Writer) -> None:
    numbers = [add(writer, "a", DONE) for _ in range(40)]
    assert writer.all(durations.earlier_completed("a", 99)) == numbers[:-31:-1]


def test_the_search_uses_the_index_of_names(writer: Writer) -> None:
    query = durations.earlier_completed("a", 9)
    plan = writer._connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters)
    told = " ".join(str(row[3]) for row in plan.fetchall())
    assert "COVERING INDEX executions_name (name=? AND number<?)" in told
    assert "SCAN e" not in told


def test_durations_of_runs_and_steps(writer: Writer) -> None:
    first, second, unknown = add(writer, "a", DONE, 1, 2), add(writer, "a", DONE, 3), 99
    untimed = add(writer, "a", DONE)
    numbers = [first, second, untimed, unknown]
    assert writer.all(durations.run_durations(numbers)) == [3, 3]
    assert writer.all(durations.past_steps(numbers)) == [
        PastStep(second, "s", DONE, 3),
        PastStep(first, "s", DONE, 1),
        PastStep(first, "s", DONE, 2),
    ]
    assert writer.all(durations.past_steps([])) == []
