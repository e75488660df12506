"""What the dashboard reads from: the feed, or in tests a plain reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from stepflow_tui.store.queries import Pulse, Query

T = TypeVar("T")


class Source(Protocol):
    """Answers queries; each answer is a snapshot of its own."""

    async def all(self, query: Query[T]) -> list[T]:
        """Every row of the result.

        Raises:
            StoreProblem: the database cannot be read.
        """

    async def first(self, query: Query[T]) -> T | None:
        """The first row of the result, or None.

        Raises:
            StoreProblem: the database cannot be read.
        """


class PulsedSource(Source, Protocol):
    """One that may know how things stand before it is asked."""

    async def pulse(self, number: int, newest: int) -> Pulse:
        """How things stand; see `queries.pulse`.

        Raises:
            StoreProblem: the database cannot be read.
        """
