from __future__ import annotations

import pytest

from stepflow_tui.core.models import Execution, Instant, Status
from stepflow_tui.tui.executions.outlook import Outlook, outlook
from stepflow_tui.tui.executions.usual import Past

NOW = Instant(1_000_000, 0)
PAST = Past(median_ms=100_000, step_count=4)


def running(elapsed_s: float, **fields: object) -> Execution:
    given = {"status": Status.RUNNING, "started_at": NOW.wall_ms - round(elapsed_s * 1000)}
    return Execution(1, "id", "build", ["x"], "/", created_at=0, **given | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("execution", "past", "expected"),
    [
        (running(60, progress=0.75), PAST, Outlook(0.75, 20_000)),
        (running(60, progress=0.01), PAST, Outlook(0.01)),
        (running(60, progress=1.0), PAST, Outlook(1.0, 0)),
        (running(30, step_count=2, steps_done=1), PAST, Outlook(0.25, 90_000)),
        (running(30, step_count=8, steps_done=6), PAST, Outlook(0.75, 10_000)),
        (running(30, step_count=1), PAST, Outlook(0.3, 70_000)),
        (running(130), PAST, Outlook(0.99, -30_000)),
        (running(30, step_count=2, steps_done=1), None, Outlook(0.5)),
        (running(30, step_count=2, steps_done=1), Past(), Outlook(0.5)),
        (running(30), None, Outlook()),
        (running(30, status=Status.COMPLETED, progress=0.5), PAST, Outlook()),
        (running(30, status=Status.PENDING), PAST, Outlook()),
    ],
)
def test_how_an_execution_goes_on(
    execution: Execution, past: Past | None, expected: Outlook
) -> None:
    assert outlook(execution, past, NOW) == expected
