from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.models import Execution, Status
from tests.cli.recording import START_MS

if TYPE_CHECKING:
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording


def add(
    recording: Recording,
    *steps: tuple[str, int],
    status: Status = Status.COMPLETED,
    **fields: object,
) -> Execution:
    """Record a finished run; its last step ends as the run does."""
    number = recording.add(name="nightly", created_at=START_MS, **fields).number
    for index, (name, ms) in enumerate(steps, 1):
        step = recording.step(number, index, name, (1, 1))
        last = index == len(steps)
        ended = status if last else Status.COMPLETED
        recording.save_step(number, replace(step, duration_ms=ms, status=ended))
    return recording.finish(number, status, duration_ms=sum(ms for _, ms in steps))


def page(stepflow: Stepflow, *ids: str) -> list[str]:
    done = stepflow("compare", *ids)
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def test_a_run_against_the_one_before(recording: Recording, stepflow: Stepflow) -> None:
    for _ in range(4):
        add(recording, ("fetch", 1_000), ("build", 5_000), ("build", 400), ("old", 100))
    add(recording, ("fetch", 99_000), status=Status.FAILED)
    add(
        recording,
        ("fetch", 1_050),
        ("build", 9_300),
        ("build", 400),
        ("test", 700),
        status=Status.FAILED,
    )
    lines = page(stepflow, "6")
    assert lines[0].startswith("now     #6 nightly  ✗ failed     ")
    assert lines[1].startswith("before  #4 nightly  ✓ completed  ")
    assert lines[2:] == [
        "",
        "   step         now  before  difference  median",
        "✓  fetch       1.0s    1.0s        0.0s    1.0s",
        "✓  build       9.3s    5.0s       +4.3s    5.0s  slower",
        "✓  build (2)   0.4s    0.4s        0.0s    0.4s",
        "   old            -    0.1s           -    0.1s  gone",
        "✗  test        0.7s       -           -       -  fails now",
        "✗  whole run  11.4s    6.5s       +4.9s    6.5s  fails now",
    ]


def test_two_runs_in_any_order(recording: Recording, stepflow: Stepflow) -> None:
    add(recording, ("a", 1_000), status=Status.FAILED)
    add(recording, ("a", 2_000))
    assert page(stepflow, "1", "2") == page(stepflow, "2", "1")
    assert page(stepflow, "1", "last")[4] == "✓  a          2.0s    1.0s       +1.0s       -"


def test_json(recording: Recording, stepflow: Stepflow) -> None:
    add(recording, ("a", 1_000), ("old", 100))
    add(recording, ("a", 2_000))
    assert json.loads(stepflow("compare", "last", "--json").out) == {
        "now": 2,
        "before": 1,
        "whole": {
            "now": {"status": "completed", "duration_s": 2.0},
            "before": {"status": "completed", "duration_s": 1.1},
            "difference_s": 0.9,
            "median_s": 1.1,
            "median_of": 1,
            "mark": "slower",
        },
        "steps": [
            {
                "name": "a",
                "occurrence": 1,
                "now": {"index": 1, "status": "completed", "duration_s": 2.0},
                "before": {"index": 1, "status": "completed", "duration_s": 1.0},
                "difference_s": 1.0,
                "median_s": 1.0,
                "median_of": 1,
                "mark": "slower",
            },
            {
                "name": "old",
                "occurrence": 1,
                "now": None,
                "before": {"index": 2, "status": "completed", "duration_s": 0.1},
                "difference_s": None,
                "median_s": 0.1,
                "median_of": 1,
                "mark": "gone",
            },
        ],
    }


def test_names_are_cleaned(recording: Recording, stepflow: Stepflow) -> None:
    add(recording, ("a\x1b]0;t\x07b", 1_000))
    add(recording, ("a\x1b]0;t\x07b", 1_000))
    assert page(stepflow, "2")[4].startswith("✓  ab ")


def test_there_must_be_something_to_compare_with(recording: Recording, stepflow: Stepflow) -> None:
    add(recording, ("a", 1_000), status=Status.FAILED)
    add(recording, ("a", 1_000))
    for ids, told in (
        (("2",), "no earlier run of nightly has completed; name another: stepflow compare ID 2"),
        (("2", "2"), "#2 is one run; compare it with another"),
        (("1", "2", "1"), "compare takes one execution or two"),
        (("1", "9"), "no execution 9; see: stepflow list"),
        (("9", "1"), "no execution 9; see: stepflow list"),
    ):
        done = stepflow("compare", *ids)
        assert (done.code, done.out, done.err) == (2, "", f"stepflow: {told}\n")
