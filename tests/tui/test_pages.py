from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.store import queries
from stepflow_tui.tui.executions.pages import KEPT, PAGE, ExecutionPages

if TYPE_CHECKING:
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder


async def advance(pages: ExecutionPages, source: CountingSource) -> None:
    pulse = await source.first(queries.pulse(0, pages.newest))
    assert pulse is not None
    pages.advance(pulse)


async def opened(source: CountingSource) -> ExecutionPages:
    pages = ExecutionPages(source)
    await advance(pages, source)
    return pages


def numbers(pages: ExecutionPages, rows: range) -> list[int | None]:
    found = [pages.row(index) for index in rows]
    return [row.number if row else None for row in found]


async def test_an_empty_list_has_nothing_to_read(source: CountingSource) -> None:
    pages = await opened(source)
    await pages.load(range(50))
    assert (pages.total, pages.row(0), pages.is_loaded(range(50))) == (0, None, True)


async def test_rows_count_from_the_newest(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(200)
    pages = await opened(source)
    assert pages.row(0) is None
    await pages.load(range(3))
    assert numbers(pages, range(3)) == [200, 199, 198]


@pytest.mark.parametrize("start", [0, 1, 63, 64, 65, 500, 930, 997])
async def test_any_place_can_be_jumped_to(
    recorder: Recorder, source: CountingSource, start: int
) -> None:
    recorder.executions(1000)
    pages = await opened(source)
    rows = range(start, min(start + 40, 1000))
    await pages.load(rows)
    assert numbers(pages, rows) == [1000 - index for index in rows]
    assert pages.is_loaded(rows)


async def test_scrolling_up_and_down_reads_neighbours(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(1000)
    pages = await opened(source)
    for start in (0, 300, 360, 420, 380, 250, 120, 60, 0, 960, 900):
        rows = range(start, start + 40)
        await pages.load(rows)
        assert numbers(pages, rows) == [1000 - index for index in rows]


async def test_gaps_in_the_numbers_do_not_matter(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(300)
    with sqlite3.connect(recorder.home.database) as connection:
        connection.execute("DELETE FROM executions WHERE number % 3 = 0")
    connection.close()
    left = [number for number in range(300, 0, -1) if number % 3]
    pages = await opened(source)
    for start in (0, 70, 140, 190, 20):
        rows = range(start, min(start + 30, 200))
        await pages.load(rows)
        assert numbers(pages, rows) == left[rows.start : rows.stop]


async def test_pages_stay_while_new_executions_arrive(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(300)
    pages = await opened(source)
    await pages.load(range(100, 140))
    recorder.executions(5)
    await advance(pages, source)
    assert pages.total == 305
    assert numbers(pages, range(105, 145)) == list(range(200, 160, -1))
    await pages.load(range(8))
    assert numbers(pages, range(8)) == list(range(305, 297, -1))


async def test_only_what_changed_of_the_rows_in_view_is_read_again(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(300)
    pages = await opened(source)
    await pages.load(range(40))
    recorder.change(290, status=Status.FAILED)
    recorder.change(10, status=Status.FAILED)
    await advance(pages, source)
    assert not pages.is_loaded(range(40))
    source.rows.clear()
    await pages.load(range(40))
    assert source.rows == [1]
    assert [row.status for index in (9, 10, 11) if (row := pages.row(index))] == [
        Status.RUNNING,
        Status.FAILED,
        Status.RUNNING,
    ]


async def test_deleted_rows_make_pages_void(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(100)
    pages = await opened(source)
    await pages.load(range(40))
    with sqlite3.connect(recorder.home.database) as connection:
        connection.execute("DELETE FROM executions WHERE number = 95")
    connection.close()
    await advance(pages, source)
    assert pages.row(0) is None
    await pages.load(range(8))
    assert numbers(pages, range(8)) == [100, 99, 98, 97, 96, 94, 93, 92]


async def test_a_long_history_costs_what_a_short_one_does(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(20_000)
    pages = await opened(source)
    source.rows.clear()
    await pages.load(range(40))
    await pages.load(range(19_960, 20_000))
    await pages.load(range(10_000, 10_040))
    assert sum(source.rows) <= 5 * PAGE + 3


async def test_pages_that_are_not_looked_at_are_dropped(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(PAGE * (KEPT + 8))
    pages = await opened(source)
    for page in range(KEPT + 4):
        await pages.load(range(page * PAGE, (page + 1) * PAGE))
    assert pages.row(0) is None
    assert pages.row(PAGE * (KEPT + 4) - 1) is not None


async def test_where_a_loaded_execution_stands(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(100)
    pages = await opened(source)
    await pages.load(range(10))
    assert (pages.index_of(100), pages.index_of(95), pages.index_of(1)) == (0, 5, None)
