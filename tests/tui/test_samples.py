from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import HomeProblem, NoDatabase
from stepflow_tui.health.process_tree import ProcessTree
from stepflow_tui.health.sample import Sample
from stepflow_tui.tui.vitals.samples import HISTORY_S, Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.queries import Query, RunnerRecord
    from stepflow_tui.store.vitals import OpenSpool
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder


class Scripted:
    """In place of a sampler: gives samples of chosen moments, then fails."""

    def __init__(self, *moments: float) -> None:
        self._moments = list(moments)

    def take(self, record: RunnerRecord | None, spools: Sequence[OpenSpool]) -> Sample:
        if not self._moments:
            raise HomeProblem("the lock cannot be read")
        return Sample(
            self._moments.pop(0), 1.0, unfinished=len(spools), ended_per_min=record is not None
        )


class Empty:
    """In place of a source: there is no database."""

    async def all(self, query: Query[object]) -> list[object]:
        raise NoDatabase(f"none to answer {query.sql}")

    async def first(self, query: Query[object]) -> object:
        return await self.all(query)


def scripted(home: Home, source: object, *moments: float) -> Samples:
    samples = Samples(home, source)  # type: ignore[arg-type]
    samples._sampler = Scripted(*moments)  # type: ignore[assignment]
    return samples


async def test_what_runs_is_sampled(home: Home, recorder: Recorder, source: CountingSource) -> None:
    number = recorder.execution("deploy")
    (home.spool / f"{recorder.get(number).id}.out").write_bytes(b"x" * 77)
    samples = Samples(home, source)
    await samples.take()
    assert samples.latest is not None
    assert (samples.latest.unfinished, samples.latest.backlog_bytes) == (1, 77)
    assert samples.latest.wal_bytes == home.wal.stat().st_size > 0
    assert samples.trees == []


async def test_history_is_bounded(home: Home) -> None:
    samples = scripted(home, Empty(), 1000.0, 1001.0, 1000.0 + HISTORY_S, 1001.5 + HISTORY_S)
    for _ in range(4):
        await samples.take()
    assert [sample.at for sample in samples.history] == [1600.0, 1601.5]
    many = scripted(home, Empty(), *(moment / 1000 for moment in range(2000)))
    for _ in range(700):
        await many.take()
    assert [many.history[0].at, len(many.history)] == [0.099, 601]


async def test_without_a_database_there_is_less_to_sample(home: Home) -> None:
    samples = scripted(home, Empty(), 1.0)
    await samples.take()
    assert samples.latest == Sample(1.0, 1.0)


async def test_what_cannot_be_told_now_leaves_a_gap(home: Home) -> None:
    samples = scripted(home, Empty(), 1.0)
    await samples.take()
    await samples.take()
    assert len(samples.history) == 1


async def test_a_hurry_ends_the_rest(home: Home) -> None:
    samples = scripted(home, Empty(), 1.0, 2.0, 3.0)
    running = asyncio.create_task(samples.run())
    async with asyncio.timeout(4.0):  # at rest it would be five seconds
        await samples.next()
        samples.hurry()
        await samples.next()
    running.cancel()
    assert [sample.at for sample in samples.history] == [1.0, 2.0]


async def test_while_something_runs_samples_come_every_second(
    home: Home, recorder: Recorder, source: CountingSource
) -> None:
    recorder.execution()
    samples = Samples(home, source)
    running = asyncio.create_task(samples.run())
    async with asyncio.timeout(4.0):
        await samples.next()
        began = time.monotonic()
        await samples.next()
    running.cancel()
    assert time.monotonic() - began > 0.8


async def test_processes_are_looked_at_while_somebody_wants_to_see_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    class Trees:
        def __init__(self, _: Home) -> None:
            pass

        def look(self, _: Sequence[OpenSpool]) -> list[ProcessTree]:
            nonlocal looks
            looks += 1
            return [ProcessTree(looks, "build", 7, 1, 1, None)]

    monkeypatch.setattr("stepflow_tui.tui.vitals.samples.ProcessTrees", Trees)
    samples = scripted(home, Empty(), 1.0, 2.0, 3.0)
    await samples.take()
    assert (samples.trees, looks) == ([], 0)
    samples.show_trees(wanted=True)
    await samples.take()
    assert [tree.number for tree in samples.trees] == [1]
    samples.show_trees(wanted=False)
    await samples.take()
    assert (samples.trees, looks) == ([], 1)
