"""The budgets of bytes over a thin line, in short; `scripts/bandwidth` measures at length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tui.bandwidth import LOADS, OVER_SSH, Recording, measure

if TYPE_CHECKING:
    from tests.house import House
    from tests.tui.bandwidth import Load


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_no_more_is_sent_than_a_thin_line_takes(house: House, load: Load) -> None:
    recording = measure(house, load, OVER_SSH, 2.5)
    assert recording.amount(load) <= load.budget
    if load.script is not None:
        assert recording.total > 0


def test_an_update_ends_with_a_silence() -> None:
    writes = [(1.0, b"abc"), (1.1, b"de"), (1.25, b"f"), (2.0, b"gh"), (3.0, b"ijkl")]
    recording = Recording(b"", writes, seconds=4.0, cpu_s=0.2)
    assert recording.updates() == [6, 2, 4]
    assert (recording.per_second, recording.cpu) == (3.0, 0.05)
    assert [recording.amount(load) for load in LOADS if load.per == "update"] == [4]
    assert recording.amount(LOADS[0]) == 3.0


def test_a_line_has_arrived_when_it_stands_on_the_screen() -> None:
    writes = [(2.0, b"\x1b[1Htick 1 at 19"), (2.5, b"90000000."), (3.0, b"\x1b[1;6H2\x1b[2J")]
    recording = Recording(b"tick 0 at 5.", writes, seconds=1.0)
    assert recording.delays_ms() == [510.0]
