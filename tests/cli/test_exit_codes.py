from __future__ import annotations

import pytest

from stepflow_tui.cli.exit_codes import exit_code
from stepflow_tui.core.models import Execution, Status


@pytest.mark.parametrize(
    ("status", "code", "signal", "expected"),
    [
        (Status.COMPLETED, 0, None, 0),
        (Status.FAILED, 3, None, 3),
        (Status.FAILED, 255, None, 255),
        (Status.FAILED, 0, None, 1),
        (Status.FAILED, None, None, 1),
        (Status.FAILED, None, 9, 137),
        (Status.FAILED, 139, 11, 139),
        (Status.TIMED_OUT, 143, 15, 124),
        (Status.LOST, None, None, 125),
        (Status.CANCELLED, None, 9, 143),
        (Status.CANCELLED, 0, None, 143),
    ],
)
def test_exit_codes(status: Status, code: int | None, signal: int | None, expected: int) -> None:
    execution = Execution(1, "x", "n", ["c"], "/", status, 0, exit_code=code, signal=signal)
    assert exit_code(execution) == expected
