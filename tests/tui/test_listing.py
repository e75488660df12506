from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.filters import ALL, parse_filter
from stepflow_tui.core.models import Status
from stepflow_tui.store import queries
from stepflow_tui.store.listing import NEWEST_FIRST, Order, Sort
from stepflow_tui.tui import live as live_module
from stepflow_tui.tui.executions import listing as listing_module
from stepflow_tui.tui.executions.groups import Groups
from stepflow_tui.tui.executions.listing import Listing
from stepflow_tui.tui.executions.usual import Past, Usual
from stepflow_tui.tui.executions.view import PLAIN, View
from stepflow_tui.tui.live import Live, Window
from tests.tui.record import step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder

FAILED = parse_filter("status:failed")
WINDOW = Window(rows=range(40), lines=range(10), follow=True)


async def advance(pages: Listing, source: CountingSource) -> None:
    pulse = await source.first(queries.pulse(0, pages.newest))
    assert pulse is not None
    pages.advance(pulse)


async def opened(source: CountingSource, view: View, rows: range = range(40)) -> Listing:
    pages = Groups(source, view) if view.grouped else Listing(source, view)
    await advance(pages, source)
    await pages.load(rows)
    return pages


def numbers(pages: Listing, rows: range) -> list[int | None]:
    found = [pages.row(index) for index in rows]
    return [row.number if row else None for row in found]


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_module, "_REST_PER_COST", 0)


async def test_only_what_passes_is_listed(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(100)
    for number in (10, 50, 90):
        recorder.change(number, status=Status.FAILED)
    pages = await opened(source, View(FAILED))
    assert (pages.total, numbers(pages, range(4))) == (3, [90, 50, 10, None])
    assert [pages.index_of(number) for number in (90, 10, 11)] == [0, 2, None]
    assert [pages.number_at(index) for index in (0, 2, 3, -1)] == [90, 10, None, None]


async def test_rows_are_read_as_they_come_into_view(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(1000)
    source.rows.clear()
    pages = await opened(source, View(order=Order(Sort.NUMBER, reverse=True)))
    assert source.rows == [1, 1, 40]
    await pages.load(range(20, 60))
    assert source.rows == [1, 1, 40, 20]
    assert numbers(pages, range(20, 60)) == list(range(21, 61))
    await pages.load(range(20, 60))
    assert len(source.rows) == 4


async def test_what_changes_is_seen_at_once(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(100)
    pages = await opened(source, View(parse_filter("status:running")))
    version = pages.version
    recorder.change(100, progress=0.5)
    await advance(pages, source)
    await pages.load(range(40))
    row = pages.row(0)
    assert row is not None
    assert (row.progress, pages.version) == (0.5, version)
    recorder.change(99, status=Status.FAILED)
    recorder.executions(1)
    await advance(pages, source)
    await pages.load(range(40))
    assert numbers(pages, range(3)) == [101, 100, 98]
    assert pages.version == version + 1


async def test_a_dear_list_is_read_now_and_then(
    recorder: Recorder, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_module, "_REST_PER_COST", 1e9)
    recorder.executions(10)
    pages = await opened(source, View(parse_filter("status:running")))
    before = pages.behind_s
    recorder.change(10, status=Status.FAILED)
    await advance(pages, source)
    await pages.load(range(40))
    row = pages.row(0)
    assert row is not None
    assert (row.status, pages.total) == (Status.FAILED, 10)  # the row at once, the list later
    assert before is None
    assert pages.behind_s is not None
    assert 4.0 < pages.behind_s <= 5.0
    moment = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: moment + 5)
    await pages.load(range(40))
    assert [pages.total, pages.behind_s] == [9, None]


async def test_a_list_that_ages_is_read_again(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(3)
    pages = await opened(source, View(parse_filter("since:100000d")))
    assert pages.behind_s is not None
    assert 9.0 < pages.behind_s <= 10.0


async def test_a_long_list_says_that_it_is_cut(
    recorder: Recorder, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.executions(5)
    monkeypatch.setattr(listing_module, "MAX_LISTED", 5)
    pages = await opened(source, View(order=Order(Sort.AGE)))
    assert (pages.total, pages.is_cut) == (5, False)
    monkeypatch.setattr(listing_module, "MAX_LISTED", 3)
    recorder.executions(1)
    await advance(pages, source)
    await pages.load(range(40))
    assert (pages.total, pages.is_cut, numbers(pages, range(4))) == (3, True, [6, 5, 4, None])


async def test_removed_rows_go(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(5, status=Status.COMPLETED)
    pages = await opened(source, View(order=Order(Sort.AGE)))
    recorder.remove(4)
    await advance(pages, source)
    await pages.load(range(40))
    assert numbers(pages, range(5)) == [5, 3, 2, 1, None]


async def test_groups_stand_for_their_latest_runs(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(3, "build")
    recorder.executions(2, "deploy")
    pages = await opened(source, View(grouped=True))
    assert isinstance(pages, Groups)
    assert numbers(pages, range(3)) == [5, 3, None]
    group = pages.group(1)
    assert group is not None
    assert (group.name, group.count, pages.group(2)) == ("build", 3, None)
    recorder.executions(1, "build")
    await advance(pages, source)
    await pages.load(range(40))
    assert numbers(pages, range(2)) == [6, 5]
    assert pages.index_of(3) == 0  # what was looked at keeps the place of its name
    assert pages.index_of(1) is None


async def test_what_is_usual_of_a_name(recorder: Recorder, source: CountingSource) -> None:
    for duration in (100, 900, 300):
        recorder.execution("a", status=Status.COMPLETED, duration_ms=duration, step_count=4)
    recorder.execution("a", status=Status.FAILED, duration_ms=1)
    usual = Usual(source)
    assert usual.of("a") is None
    await usual.load(["a", "b", "a"], 1)
    results = (*[Status.COMPLETED] * 3, Status.FAILED)
    assert usual.of("a") == Past(results, 300, 4)
    assert usual.of("b") == Past()
    source.rows.clear()
    await usual.load(["a", "b"], 2)
    assert source.rows == []  # too soon


async def test_the_view_of_the_list_is_changed(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(500)
    recorder.change(7, status=Status.FAILED)
    live = Live(source)
    await live.refresh(WINDOW)
    assert (live.number, live.total, live.executions.total) == (500, 500, 500)
    live.look(View(FAILED))
    await live.refresh(WINDOW)
    assert (live.number, live.total, live.executions.total) == (500, 500, 1)
    assert await live.place_of(7) == 0
    assert await live.place_of(500) is None
    live.select(7)
    await live.refresh(WINDOW)
    live.look(PLAIN)
    await live.refresh(WINDOW)
    assert (live.number, live.executions.index_of(7)) == (7, 493)


async def test_what_is_looked_at_stays_though_it_passes_no_more(
    recorder: Recorder, source: CountingSource
) -> None:
    recorder.executions(3)
    live = Live(source)
    live.look(View(parse_filter("status:running")))
    await live.refresh(WINDOW)
    live.select(2)
    await live.refresh(WINDOW)
    recorder.change(2, status=Status.COMPLETED)
    recorder.change(1, status=Status.COMPLETED)
    await live.refresh(WINDOW)
    assert [live.executions.index_of(number) for number in (3, 2, 1)] == [0, 1, None]
    live.select(3)
    recorder.change(3, progress=0.5)
    await live.refresh(WINDOW)
    await live.refresh(WINDOW)
    assert live.executions.total == 1


async def test_a_removed_one_gives_its_place_to_the_next_in_the_list(
    recorder: Recorder, source: CountingSource
) -> None:
    for name in ("c", "a", "b"):
        recorder.execution(name, status=Status.COMPLETED)
    live = Live(source)
    live.look(View(ALL, Order(Sort.NAME)))
    await live.refresh(WINDOW)
    live.select(2)
    await live.refresh(WINDOW)
    recorder.remove(2)
    await live.refresh(WINDOW)
    assert live.number == 3


async def test_a_reset_keeps_the_view(recorder: Recorder, source: CountingSource) -> None:
    recorder.executions(3)
    live = Live(source)
    live.look(View(FAILED, NEWEST_FIRST))
    live.reset()
    await live.refresh(WINDOW)
    assert (live.view.wanted, live.executions.total) == (FAILED, 0)


async def test_the_edition_is_another_when_anything_but_the_log_is(
    recorder: Recorder, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "_BEAT_S", 1e9)
    recorder.executions(3)
    live = Live(source)

    async def is_other_after(change: Callable[[], object]) -> bool:
        await live.refresh(WINDOW)
        before = live.edition
        change()
        await live.refresh(WINDOW)
        return live.edition != before

    assert not await is_other_after(lambda: recorder.log(3, b"a line\n"))
    assert live.log is not None
    assert live.log.line_count == 1
    assert not await is_other_after(lambda: None)
    assert await is_other_after(lambda: recorder.change(1, status=Status.FAILED))
    assert await is_other_after(lambda: recorder.steps(3, step(0, "Build", 1)))
    assert await is_other_after(recorder.execution)
    assert await is_other_after(lambda: live.select(2))
    assert await is_other_after(lambda: live.look(View(FAILED)))
    assert await is_other_after(live.hurry)
    before = live.edition
    await live.refresh(Window(rows=range(5, 20), lines=range(10), follow=True))
    assert live.edition != before
