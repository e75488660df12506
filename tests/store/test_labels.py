from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from stepflow_tui.store.writer import Writer


def add(writer: Writer, **fields: object) -> Execution:
    plain = Execution(0, new_id(), "build", ["make"], "/", Status.RUNNING, created_at=1)
    with writer.transaction(durable=False) as transaction:
        number = transaction.insert_execution(replace(plain, **fields))
    assert number is not None
    return get(writer, number)


def get(writer: Writer, number: int) -> Execution:
    return writer.all(queries.execution(number))[0]


@pytest.mark.parametrize(
    ("before", "added", "removed", "after"),
    [
        ([], ["b", "a"], [], ["b", "a"]),
        (["a"], ["b", "a"], [], ["a", "b"]),
        (["a", "b", "c"], [], ["b"], ["a", "c"]),
        (["a"], ["b"], ["a"], ["b"]),
        (["a"], ["b"], ["b"], ["a"]),
        (["a"], [], ["x"], ["a"]),
    ],
)
def test_tags_are_put_on_and_taken_away(
    writer: Writer, before: list[str], added: list[str], removed: list[str], after: list[str]
) -> None:
    first, second = add(writer, tags=before), add(writer, tags=["other"])
    with writer.transaction(durable=True) as transaction:
        transaction.tag([first.id], add=added, remove=removed)
    assert get(writer, first.number).tags == after
    assert (get(writer, first.number).rev > first.rev) == (before != after)
    assert get(writer, second.number) == second


def test_a_note_is_written_replaced_and_taken_away(writer: Writer) -> None:
    first, second, other = add(writer), add(writer), add(writer)
    seen = []
    for text in ("why\nit fell", "fixed", "fixed", ""):
        with writer.transaction(durable=True) as transaction:
            transaction.note([first.id, second.id], text)
        found = get(writer, first.number)
        assert get(writer, second.number).note == found.note
        seen.append((found.note, found.rev))
    revs = [rev for _, rev in seen]
    assert [note for note, _ in seen] == ["why\nit fell", "fixed", "fixed", None]
    assert revs[0] < revs[1] == revs[2] < revs[3]
    assert get(writer, other.number) == other


def test_the_runner_does_not_write_over_what_people_say(writer: Writer) -> None:
    execution = add(writer, tags=["started"])
    with writer.transaction(durable=True) as transaction:
        transaction.tag([execution.id], add=["later"], remove=["started"])
        transaction.note([execution.id], "look here")
        transaction.mark([execution.id], marked=True)
        transaction.save_execution(replace(execution, status=Status.COMPLETED))
    found = get(writer, execution.number)
    assert (found.status, found.tags, found.note, found.marked) == (
        Status.COMPLETED,
        ["later"],
        "look here",
        True,
    )
