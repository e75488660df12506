from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from stepflow_tui.core.home import Home
from stepflow_tui.store import queries
from stepflow_tui.store.reader import AsyncReader
from tests.tui.record import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from stepflow_tui.store.queries import Pulse, Query

T = TypeVar("T")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def recorder(home: Home) -> Iterator[Recorder]:
    recorder = Recorder(home)
    yield recorder
    recorder.close()


class CountingSource:
    """A reader that notes how many rows each query gave."""

    def __init__(self, reader: AsyncReader) -> None:
        self._reader = reader
        self.rows: list[int] = []

    async def all(self, query: Query[T]) -> list[T]:
        rows = await self._reader.all(query)
        self.rows.append(len(rows))
        return rows

    async def first(self, query: Query[T]) -> T | None:
        rows = await self.all(query)
        return rows[0] if rows else None

    async def pulse(self, number: int, newest: int) -> Pulse:
        return (await self.all(queries.pulse(number, newest)))[0]


@pytest.fixture
async def source(home: Home, recorder: Recorder) -> AsyncIterator[CountingSource]:
    assert recorder.home == home
    reader = await AsyncReader.open(home.database)
    yield CountingSource(reader)
    await reader.close()
