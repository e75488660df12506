from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.filters import ALL, parse_filter
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.store import listing, queries
from stepflow_tui.store.activity import Ended, ended_since, failed_since
from stepflow_tui.store.listing import Group, Order, Sort

if TYPE_CHECKING:
    from stepflow_tui.store.writer import Writer

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000


def insert(writer: Writer, name: str = "build", **fields: object) -> int:
    given = {"command": ["./run"], "cwd": "/", "status": Status.RUNNING, "created_at": NOW_MS}
    execution = Execution(number=0, id=new_id(), name=name, **given | fields)  # type: ignore[arg-type]
    with writer.transaction(durable=False) as transaction:
        number = transaction.insert_execution(execution)
        assert number is not None
        transaction.save_execution(
            Execution(number=number, id=execution.id, name=name, **given | fields)  # type: ignore[arg-type]
        )
    return number


def passing(writer: Writer, text: str, order: Order = listing.NEWEST_FIRST) -> list[int]:
    return list(writer.all(listing.numbers(parse_filter(text), order, NOW_MS))[0])


@pytest.fixture
def history(writer: Writer) -> Writer:
    insert(writer, "Build api", status=Status.FAILED, tags=["nightly", "web"], user="root",
           created_at=NOW_MS - 3 * HOUR_MS, duration_ms=500)  # fmt: skip
    insert(writer, "deploy", status=Status.COMPLETED, tags=["web2"], duration_ms=90_000,
           created_at=NOW_MS - 2 * HOUR_MS + 1, step_count=2, steps_done=2)  # fmt: skip
    insert(writer, "build docs", status=Status.RUNNING, command=["./make", "--all 100%"],
           started_at=NOW_MS - 1000, progress=0.25)  # fmt: skip
    insert(writer, "deploy", status=Status.PENDING)
    ids = [writer.all(queries.execution(number))[0].id for number in (2, 4)]
    with writer.transaction(durable=False) as transaction:
        transaction.mark(ids[:1], marked=True)
        transaction.note(ids[1:], "Ask Änne")
    return writer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("status:failed", [1]),
        ("status:failed,pending", [4, 1]),
        ("-status:completed -status:failed", [4, 3]),
        ("name:BUILD", [3, 1]),
        ("name:=deploy", [4, 2]),
        ("name:=Deploy", []),
        ("tag:web", [2, 1]),
        ("tag:=web", [1]),
        ("-tag:web", [4, 3]),
        ("tag:nightly,web2", [2, 1]),
        ("user:ROO", [1]),
        ("user:=root", [1]),
        ("since:2h", [4, 3, 2]),
        ("until:2h", [1]),
        ("-since:2h", [1]),
        ("marked:yes", [2]),
        ("marked:no", [4, 3, 1]),
        ("build", [3, 1]),
        ("build api", [1]),
        ("100%", [3]),
        ("web2", [2]),
        ("ask", [4]),
        ("-build", [4, 2]),
        ("name:build status:running,failed tag:web", [1]),
        ("nothing", []),
    ],
)
def test_what_passes_a_filter(history: Writer, text: str, expected: list[int]) -> None:
    assert passing(history, text) == expected
    found = history.all(listing.newest(9, parse_filter(text), NOW_MS))
    assert [execution.number for execution in found] == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Sort.NUMBER, [4, 3, 2, 1]),
        (Sort.NAME, [1, 3, 4, 2]),
        (Sort.STATUS, [3, 4, 1, 2]),
        (Sort.PROGRESS, [2, 3, 4, 1]),
        (Sort.TIME, [2, 3, 1, 4]),
        (Sort.AGE, [4, 3, 2, 1]),
        (Sort.TAGS, [1, 2, 4, 3]),
    ],
)
def test_any_column_sorts(history: Writer, sort: Sort, expected: list[int]) -> None:
    assert passing(history, "", Order(sort)) == expected


def test_turned_round_what_has_no_value_still_comes_last(history: Writer) -> None:
    assert passing(history, "", Order(Sort.NUMBER, reverse=True)) == [1, 2, 3, 4]
    assert passing(history, "", Order(Sort.TIME, reverse=True)) == [1, 3, 2, 4]
    assert passing(history, "", Order(Sort.TAGS, reverse=True)) == [2, 1, 4, 3]


def test_what_is_looked_at_stays_in_the_list(history: Writer) -> None:
    query = listing.numbers(parse_filter("status:failed"), listing.NEWEST_FIRST, NOW_MS, held=3)
    assert list(history.all(query)[0]) == [3, 1]


def test_a_list_is_cut_one_behind_its_end(history: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_LISTED", 2)
    assert passing(history, "") == [4, 3, 2]


def test_only_what_changed_is_read_again(history: Writer) -> None:
    rev = history.all(listing.newest(1, ALL, NOW_MS))[0].rev
    assert history.all(listing.changed_among([1, 2, 3, 4], rev)) == []
    insert(history, "new")
    assert history.all(listing.changed_among([1, 2, 3, 4], rev)) == []
    found = history.all(listing.changed_among([2, 5], rev))
    assert [execution.number for execution in found] == [5]


def test_groups_count_what_passes(history: Writer) -> None:
    groups = history.all(listing.groups(ALL, listing.NEWEST_FIRST, NOW_MS))
    assert groups == [Group("deploy", 2, 4), Group("build docs", 1, 3), Group("Build api", 1, 1)]
    completed = listing.groups(parse_filter("status:completed"), Order(Sort.NAME), NOW_MS)
    assert history.all(completed) == [Group("deploy", 1, 2)]
    by_name = history.all(listing.groups(ALL, Order(Sort.NAME), NOW_MS))
    assert [group.name for group in by_name] == ["Build api", "build docs", "deploy"]


def test_the_past_of_a_name_is_bounded(writer: Writer) -> None:
    for place in range(30):
        status = Status.COMPLETED if place % 3 else Status.FAILED
        insert(writer, "a", status=status, duration_ms=place)
    insert(writer, "b")
    recent = writer.all(listing.recent_runs(["a", "b", "c"]))
    assert [run.number for run in recent] == [31, *range(30, 20, -1)]
    completed = writer.all(listing.completed_runs(["a", "b"]))
    assert [run.number for run in completed] == [n for n in range(30, 0, -1) if (n - 1) % 3]
    assert {run.status for run in completed} == {Status.COMPLETED}


def test_of_a_name_that_never_completes_only_the_latest_are_looked_through(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_LOOKED_THROUGH", 5)
    insert(writer, "a", status=Status.COMPLETED, duration_ms=1)
    for _ in range(4):
        insert(writer, "a", status=Status.FAILED)
    assert len(writer.all(listing.completed_runs(["a"]))) == 1
    insert(writer, "a", status=Status.FAILED)
    insert(writer, "a", status=Status.FAILED)
    assert writer.all(listing.completed_runs(["a"])) == []


def test_words_for_completion(history: Writer) -> None:
    assert history.all(listing.recent_names()) == ["deploy", "build docs", "Build api"]
    assert history.all(listing.recent_users()) == ["", "root"]


def test_what_ended_is_counted_by_spans(writer: Writer) -> None:
    for finished_at, status in (
        (NOW_MS - 1, Status.FAILED),
        (NOW_MS, Status.COMPLETED),
        (NOW_MS + 999, Status.LOST),
        (NOW_MS + 2000, Status.TIMED_OUT),
        (None, Status.RUNNING),
    ):
        insert(writer, status=status, finished_at=finished_at)
    assert writer.all(ended_since(NOW_MS, 1000)) == [Ended(0, 2, 1), Ended(2, 1, 1)]
    assert writer.all(failed_since(NOW_MS)) == [2]
    assert writer.all(failed_since(NOW_MS - 1)) == [3]
