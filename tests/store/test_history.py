from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.store.history import Command, recent_commands

if TYPE_CHECKING:
    from stepflow_tui.store.writer import Writer


def run(writer: Writer, *words: str, cwd: str = "/", shell: bool = False) -> None:
    execution = Execution(
        0, new_id(), "x", list(words), cwd, Status.COMPLETED, created_at=1, shell=shell
    )
    with writer.transaction(durable=False) as transaction:
        transaction.insert_execution(execution)


def test_each_command_is_there_once_the_latest_first(writer: Writer) -> None:
    for _ in range(2):
        run(writer, "make", "two words")
        run(writer, "a | b", shell=True)  # noqa: S604 - it is recorded, not run
    run(writer, "make", "two words", cwd="/src")
    run(writer, "a | b")
    run(writer, "make", "two words")
    make = Command(("make", "two words"), shell=False, cwd="/")
    assert writer.all(recent_commands(9)) == [
        make,
        Command(("a | b",), shell=False, cwd="/"),
        Command(("make", "two words"), shell=False, cwd="/src"),
        Command(("a | b",), True, "/"),
    ]
    assert writer.all(recent_commands(1)) == [make]


def test_old_history_is_not_looked_through(writer: Writer) -> None:
    run(writer, "old")
    for _ in range(500):
        run(writer, "new")
    assert [command.words for command in writer.all(recent_commands(9))] == [("new",)]
