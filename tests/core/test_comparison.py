from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.comparison import Mark, Past, PastStep, Run, Usual, compare
from stepflow_tui.core.durations import format_difference
from stepflow_tui.core.models import Execution, Instant, Status, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.core.comparison import Comparison

MOMENT = Instant(1_000_000, 60_000)


def run(number: int, *steps: Step, status: Status = Status.COMPLETED, ms: int = 5_000) -> Run:
    execution = Execution(
        number, f"id{number}", "build", ["make"], "/", status, 0, started_at=0, duration_ms=ms
    )
    return Run(execution, steps)


def step(index: int, name: str, ms: int | None = 1_000, status: Status = Status.COMPLETED) -> Step:
    return Step(index, name, status, started_at=0, started_mono=0, first_line=1, duration_ms=ms)


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(step(index, name) for index, name in enumerate(names, 1))


def past(name: str, durations: Iterable[int]) -> Past:
    return Past((), [PastStep(n, name, Status.COMPLETED, ms) for n, ms in enumerate(durations)])


def names(comparison: Comparison) -> list[tuple[str, int, Mark | None]]:
    return [(line.name, line.occurrence, line.mark) for line in comparison.steps]


def test_steps_are_matched_by_name_and_occurrence() -> None:
    now = run(2, step(1, "a", 10), step(2, "b", 20), step(3, "a", 30))
    before = run(1, step(1, "a", 1), step(2, "a", 2), step(3, "b", 3))
    lines = compare(now, before, Past(), MOMENT).steps
    assert [(line.name, line.occurrence) for line in lines] == [("a", 1), ("b", 1), ("a", 2)]
    assert [line.difference_ms for line in lines] == [9, 17, 28]
    assert [line.now and line.now.index for line in lines] == [1, 2, 3]
    assert [line.before and line.before.index for line in lines] == [1, 3, 2]


def test_what_is_gone_stands_where_it_stood() -> None:
    now, before = run(2, *steps("a", "c", "new", "d")), run(1, *steps("x", "a", "b1", "b2", "d"))
    assert names(compare(now, before, Past(), MOMENT)) == [
        ("x", 1, Mark.GONE),
        ("a", 1, None),
        ("b1", 1, Mark.GONE),
        ("b2", 1, Mark.GONE),
        ("c", 1, Mark.NEW),
        ("new", 1, Mark.NEW),
        ("d", 1, None),
    ]


def test_a_run_without_an_earlier_one_has_no_marks() -> None:
    failed = step(1, "a", status=Status.FAILED)
    comparison = compare(run(1, failed, step(2, "b")), None, Past(), MOMENT)
    assert names(comparison) == [("a", 1, None), ("b", 1, None)]
    assert (comparison.before, comparison.whole.before, comparison.whole.mark) == (None, None, None)


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.LOST])
def test_a_step_newly_fails(status: Status) -> None:
    now = run(2, step(1, "a", status=status), status=status)
    failed = run(1, step(1, "a", status=Status.FAILED), status=Status.FAILED)
    comparison = compare(now, run(1, step(1, "a")), past("a", [10] * 9), MOMENT)
    assert names(comparison) == [("a", 1, Mark.FAILS)]
    assert comparison.whole.mark is Mark.FAILS
    assert names(compare(now, failed, Past(), MOMENT)) == [("a", 1, None)]
    assert names(compare(now, run(1), Past(), MOMENT)) == [("a", 1, Mark.FAILS)]


def test_a_cancelled_step_does_not_fail() -> None:
    now = run(2, step(1, "a", status=Status.CANCELLED))
    assert names(compare(now, run(1, step(1, "a")), Past(), MOMENT)) == [("a", 1, None)]


@pytest.mark.parametrize(
    ("usual", "ms", "slower"),
    [
        ([1_000] * 9, 1_100, False),  # by 10 %, no more
        ([1_000] * 9, 1_101, True),
        ([100] * 9, 200, False),  # by 100 ms, no more
        ([100] * 9, 201, True),
        ([800, 900, 1_000, 1_100, 1_200], 1_300, False),  # by three spreads, no more
        ([800, 900, 1_000, 1_100, 1_200], 1_301, True),
        ([1_000] * 3, 1_500, False),  # too few to show a spread
        ([1_000] * 3, 1_501, True),
        ([1_000] * 4, 1_101, True),
        ([], 9_000, False),
    ],
)
def test_slower_than_usual(usual: list[int], ms: int, slower: bool) -> None:
    now, before = run(9, step(1, "a", ms)), run(8, step(1, "a"))
    (line,) = compare(now, before, past("a", usual), MOMENT).steps
    assert line.mark is (Mark.SLOWER if slower else None)


def test_only_completed_steps_are_usual() -> None:
    seen = [
        PastStep(1, "a", Status.COMPLETED, 10),
        PastStep(1, "a", Status.COMPLETED, 100),
        PastStep(2, "a", Status.FAILED, 9_999),
        PastStep(2, "a", Status.COMPLETED, 200),
        PastStep(3, "a", Status.COMPLETED, None),
    ]
    now = run(9, *steps("a", "a", "a"))
    usual = [line.usual for line in compare(now, run(3), Past((), seen), MOMENT).steps]
    assert usual == [Usual(10, 0, 1), Usual(150, 50, 2), None]


def test_the_whole_run() -> None:
    comparison = compare(run(2, ms=9_000), run(1, ms=5_000), Past([5_000] * 5), MOMENT)
    assert comparison.whole.difference_ms == 4_000
    assert comparison.whole.usual == Usual(5_000, 0, 5)
    assert comparison.whole.mark is Mark.SLOWER


def test_what_still_runs_is_measured_so_far() -> None:
    now = run(2, step(1, "a", None, Status.RUNNING), status=Status.RUNNING)
    (line,) = compare(now, run(1, step(1, "a")), past("a", [1_000] * 5), MOMENT).steps
    assert line.now is not None
    assert (line.now.ms, line.mark) == (MOMENT.wall_ms, Mark.SLOWER)


def test_what_never_started_has_no_difference() -> None:
    lost = step(1, "a", None, Status.LOST)
    (line,) = compare(run(2, lost), run(1, step(1, "a")), Past(), MOMENT).steps
    assert line.difference_ms is None


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(None, "-"), (0, "0.0s"), (99, "0.0s"), (-99, "0.0s"), (450, "+0.4s"), (-125_000, "-2m 05s")],
)
def test_differences_have_a_sign(ms: int | None, shown: str) -> None:
    assert format_difference(ms) == shown
