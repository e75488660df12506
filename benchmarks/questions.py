"""What is asked again and again, and timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.store import queries

if TYPE_CHECKING:
    from stepflow_tui.store.reader import Reader


def newest_ten(reader: Reader) -> None:
    """As `stepflow list --limit 10` asks."""
    reader.all(queries.newest_executions(10))


def health(reader: Reader) -> None:
    """How the runner and the executions do."""
    reader.all(queries.runner_record())
    reader.all(queries.status_counts())
