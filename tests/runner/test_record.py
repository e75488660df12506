"""What the runner writes down of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from stepflow_tui.store.queries import RunnerRecord
    from tests.house import House


def record_of(house: House) -> RunnerRecord:
    [record] = house.read(queries.runner_record())
    return record


def test_lines_and_endings_are_counted_with_the_commit_that_ends_them(house: House) -> None:
    house.run(house.script("seq 250; printf rest"))
    assert (record_of(house).lines, record_of(house).ended) == (250, 1)
    assert house.run("false").status is Status.FAILED
    record = record_of(house)
    assert (record.lines, record.ended) == (250, 2)
    assert sum(record.commit_times.values()) == record.commits > 2


def test_another_runner_counts_from_zero(house: House) -> None:
    house.run(house.script("seq 10"))
    house.kill_runner()
    house.run(house.script("seq 3"))
    assert (record_of(house).lines, record_of(house).ended) == (3, 1)
