"""Arguments that SQLite does not take, and values of types that belong to no column."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.durations import MAX_SECONDS, bounded_seconds, bounded_share
from stepflow_tui.core.errors import DatabaseDamaged, NotADatabase
from stepflow_tui.core.filters import MAX_TERMS, FilterProblem, parse_filter, parse_words
from stepflow_tui.core.markers import Meta, StepStart, parse_line
from stepflow_tui.core.models import Artifact, Execution, Status, Step
from stepflow_tui.store import listing, lookup, queries
from stepflow_tui.store.chunks import pack
from stepflow_tui.store.listing import NEWEST_FIRST
from stepflow_tui.store.reader import AsyncReader, Reader
from tests.store.test_writer import execution, insert

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from stepflow_tui.store.queries import Query
    from stepflow_tui.store.writer import Writer

HUGE = 10**30
ODD = ("\udcff", "a\udc80b", "é\udcff", "\0", "x\0y", "\ud800")


def ask(path: Path, query: Query[Any]) -> list[Any]:
    """What both readers answer, which is the same."""

    async def ask_asynchronously() -> list[Any]:
        reader = await AsyncReader.open(path)
        try:
            return await reader.all(query)
        finally:
            await reader.close()

    with Reader(path) as reader:
        found = reader.all(query)
    assert asyncio.run(ask_asynchronously()) == found
    return found


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("key", ["", "name:", "tag:", "user:", "name:=", "tag:=", "user:=", "-"])
def test_an_argument_is_not_blamed_on_the_database(
    writer: Writer, path: Path, key: str, text: str
) -> None:
    insert(writer, execution())
    wanted = parse_words([f"{key}{text}"])
    expected = 1 if key == "-" else 0
    assert len(ask(path, listing.newest(20, wanted, 0))) == expected
    assert len(ask(path, listing.groups(wanted, NEWEST_FIRST, 0))) == expected
    assert len(ask(path, listing.numbers(wanted, NEWEST_FIRST, 0))[0]) == expected


@pytest.mark.parametrize("text", ODD)
def test_parts_of_names_and_ids(writer: Writer, path: Path, text: str) -> None:
    insert(writer, execution())
    assert ask(path, lookup.executions_like(text, 10)) == []
    assert ask(path, lookup.steps_like(text, 10)) == []
    assert ask(path, queries.executions_with_prefix(text)) == []


def test_a_word_that_is_no_utf_8_finds_what_holds_it(writer: Writer, path: Path) -> None:
    insert(writer, execution(command=["cat", "caf\udce9"]))
    insert(writer, execution(tags=["t\udcff"]))
    assert [found.number for found in ask(path, listing.newest(9, parse_words(["\udce9"]), 0))] == [
        1
    ]
    exact = parse_words(["tag:=t\udcff"])
    assert [found.number for found in ask(path, listing.newest(9, exact, 0))] == [2]


@pytest.mark.parametrize("number", [HUGE, -HUGE, 2**63, 2**64])
def test_huge_numbers(writer: Writer, path: Path, number: int) -> None:
    insert(writer, execution())
    assert ask(path, queries.execution(number)) == []
    assert ask(path, queries.executions_by_number([number])) == []
    assert ask(path, queries.steps(number)) == []
    assert len(ask(path, listing.newest(abs(number), parse_filter(""), 0))) == 1


@pytest.mark.parametrize("key", ["", "name:", "tag:", "-", "-name:"])
def test_many_words(writer: Writer, path: Path, key: str) -> None:
    insert(writer, execution(name="w1"))
    words = [f"{key}w{number}" for number in range(MAX_TERMS)]
    found = ask(path, listing.newest(20, parse_words(words), 0))
    assert len(found) == (key == "name:")
    with pytest.raises(FilterProblem, match="at most 2,000 words, not 2,001"):
        parse_words([*words, f"{key}more"])
    with pytest.raises(FilterProblem):
        parse_filter(" ".join([*words, f"{key}more"]))


TABLES = {"executions": Execution, "steps": Step, "artifacts": Artifact, "streams": None}
WRONG = (
    b"\xff\x00",
    b"text",
    5,
    -1,
    1.5,
    "text",
    "",
    "[1]",
    '{"a": [1]}',
    None,
    float("inf"),
    2**63 - 1,
)


@pytest.mark.parametrize("table", TABLES)
def test_any_value_in_any_column(writer: Writer, path: Path, table: str) -> None:
    """Shown as well as may be, or said to be damage: nothing else is ever raised."""
    number = insert(writer, execution(tags=["a"]))
    with writer.transaction(durable=True) as transaction:
        transaction.save_steps(number, [Step(1, "Build", Status.RUNNING, 5, 6, 1)])
        transaction.save_artifacts(number, [Artifact(1, "out.txt", "out.txt")])
    writer.checkpoint()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints=ON")
    connection.execute("DROP TRIGGER executions_status_graph")
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    shown = 0
    for column in columns:
        [(before,)] = connection.execute(f"SELECT {column} FROM {table}").fetchall()  # noqa: S608
        for value in WRONG:
            try:
                connection.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608
            except sqlite3.IntegrityError:
                continue
            for query in (
                queries.newest_executions(5),
                queries.steps(number),
                queries.artifacts(number),
                queries.open_streams(),
                listing.groups(parse_filter(""), NEWEST_FIRST, 0),
                listing.recent_runs(["build"]),
                listing.recent_names(),
                lookup.executions_like("", 5),
                lookup.steps_like("", 5),
            ):
                try:
                    for found in ask(path, query):
                        assert_sound(found)
                        shown += 1
                except DatabaseDamaged:
                    continue
        connection.execute(f"UPDATE {table} SET {column} = ?", (before,))  # noqa: S608
    connection.close()
    assert shown > 50


CHUNK_VALUES = ("first_line", "first_byte", "line_count", "byte_count", "arrived_at", "codec")


@pytest.mark.parametrize("column", [*CHUNK_VALUES, "arrivals", "body"])
def test_any_value_in_a_chunk_of_a_log(writer: Writer, path: Path, column: str) -> None:
    number = insert(writer, execution())
    with writer.transaction(durable=True) as transaction:
        transaction.append_log(number, pack(b"a\nb\n", first_line=0, first_byte=0, arrived_at=5))
    writer.checkpoint()
    outcomes = []
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA ignore_check_constraints=ON")
        for value in (*WRONG, b"x" * 8):
            try:
                connection.execute(f"UPDATE log_chunks SET {column} = ?", (value,))  # noqa: S608
            except sqlite3.IntegrityError:
                continue
            outcomes.append(chunk_outcome(path, number))
    connection.close()
    assert "damaged" in outcomes


def chunk_outcome(path: Path, number: int) -> str:
    """Whether the log can be read, or is said to be damaged: nothing else is ever raised."""
    try:
        for query in (queries.chunks_of_lines(number, 0, 9, 9), queries.arrivals(number, 0, 9)):
            for chunk in ask(path, query):
                assert all(isinstance(line + time, int) for line, time in chunk.arrival_times())
                assert isinstance(chunk.text(), bytes)
    except (DatabaseDamaged, NotADatabase):
        return "damaged"
    return "read"


def assert_sound(found: object) -> None:
    match found:
        case Execution():
            assert all(isinstance(text, str) for text in (found.name, found.user, *found.tags))
            json.dumps(found.metadata, allow_nan=False)
            json.dumps([found.progress, found.timeout_s], allow_nan=False)
        case Step():
            assert isinstance(found.name, str)
            json.dumps([found.estimated_s, found.timeout_s, found.progress], allow_nan=False)
            json.dumps(found.metadata, allow_nan=False)
        case Artifact():
            assert isinstance(found.name, str)


def test_a_text_that_is_no_utf_8(writer: Writer, path: Path) -> None:
    insert(writer, execution())
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE executions SET name = CAST(x'61ff62' AS TEXT)")
    connection.close()
    [found] = ask(path, queries.newest_executions(5))
    assert found.name == "a\ufffdb"
    assert writer.all(queries.newest_executions(5)) == [found]


@pytest.mark.parametrize("number", ["1e308", "1e300", "9" * 300, "9" * 300 + "d"])
def test_spans_from_output_are_bounded(number: str) -> None:
    start = parse_line(f"STEP_START:q [duration={number}, timeout={number}]".encode())
    assert isinstance(start, StepStart)
    assert (start.estimated_s, start.timeout_s) == (MAX_SECONDS, MAX_SECONDS)
    meta = parse_line(f"META:ESTIMATED_DURATION:{number}".encode())
    assert isinstance(meta, Meta)


def test_numbers_that_are_none() -> None:
    assert (
        bounded_seconds(float("nan")) is bounded_share(float("nan")) is bounded_share(None) is None
    )
    assert (bounded_seconds(-1.0), bounded_share(-1.0)) == (0.0, 0.0)
    assert (bounded_seconds(float("inf")), bounded_share(float("inf"))) == (MAX_SECONDS, 1.0)
