from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stepflow_tui.core.models import Execution, Instant, Status, Step
from stepflow_tui.tui.waterfall import bar, scale_ms, span_ms

RUN = Execution(
    number=1,
    id="x",
    name="build",
    command=["./build.sh"],
    cwd="/",
    status=Status.RUNNING,
    created_at=0,
    user="tester",
    started_at=1_000_000,
)
STEP = Step(
    index=1,
    name="Test",
    status=Status.COMPLETED,
    started_at=1_004_000,
    started_mono=0,
    first_line=1,
    duration_ms=3000,
)


def at(elapsed_ms: int) -> Instant:
    return Instant(wall_ms=1_000_000 + elapsed_ms, mono_ms=0)


@pytest.mark.parametrize(
    ("span", "drawn"),
    [
        ((0, 100), "━━━━━━━━━━"),
        ((0, 50), "━━━━━"),
        ((50, 100), "     ━━━━━"),
        ((5, 15), "╺╸"),
        ((15, 40), " ╺━━"),
        ((10, 10), " ╸"),
        ((15, 15), " ╺"),
        ((100, 100), "         ╺"),
        ((300, 500), "         ╺"),
    ],
)
def test_a_bar(span: tuple[int, int], drawn: str) -> None:
    before, found = bar(span, 100, 10)
    assert " " * before + found == drawn


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(1, 10**9),
    st.integers(1, 200),
)
def test_a_bar_always_fits(start: int, length: int, scale: int, width: int) -> None:
    before, found = bar((start, start + length), scale, width)
    assert found
    assert before + len(found) <= width


@pytest.mark.parametrize(
    ("elapsed_ms", "scale_s"),
    [(0, 1), (999, 1), (1000, 2), (6000, 10), (59_000, 60), (61_000, 120), (3_599_999, 3600)],
)
def test_the_scale_of_what_runs_is_round_and_ahead(elapsed_ms: int, scale_s: int) -> None:
    assert scale_ms(RUN, at(elapsed_ms)) == scale_s * 1000


def test_the_scale_of_what_has_ended_is_what_it_took() -> None:
    ended = replace(RUN, status=Status.COMPLETED, duration_ms=7123)
    assert scale_ms(ended, at(0)) == 7123
    assert scale_ms(replace(ended, duration_ms=0), at(0)) == 1


def test_when_a_step_ran() -> None:
    assert span_ms(STEP, RUN, at(9000)) == (4000, 7000)
    runs = replace(STEP, status=Status.RUNNING, duration_ms=None)
    assert span_ms(runs, RUN, at(9000)) == (4000, 9000)
    by_monotonic_clock = replace(RUN, started_mono=-2500)
    assert span_ms(STEP, by_monotonic_clock, at(9000)) == (2500, 5500)
