from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepflow_tui.core.markers import Meta, StepComplete, StepError, StepStart
from stepflow_tui.core.models import Instant, Metadata, Status, Step
from stepflow_tui.core.steps import MAX_METADATA, Outcome, StepTracker

if TYPE_CHECKING:
    from collections.abc import Callable

OneMarker = StepStart | StepComplete | StepError | Meta

RUNNING, COMPLETED, FAILED = Status.RUNNING, Status.COMPLETED, Status.FAILED
NOTHING = Outcome()


def at(line: int) -> Instant:
    """The moment at which `line` is read: ten milliseconds a line, on both clocks."""
    return Instant(wall_ms=1_000_000 + 10 * line, mono_ms=5_000 + 10 * line)


def apply(tracker: StepTracker, *markers: OneMarker, line: int = 1) -> list[Outcome]:
    """Applies markers that stand on consecutive lines."""
    return [tracker.apply(marker, n, at(n)) for n, marker in enumerate(markers, start=line)]


def track(*markers: OneMarker) -> StepTracker:
    tracker = StepTracker()
    apply(tracker, *markers)
    return tracker


def ends(tracker: StepTracker) -> list[tuple[str, Status, int | None, bool]]:
    return [(s.name, s.status, s.last_line, s.explicit_end) for s in tracker.steps]


def test_a_step_from_start_to_complete() -> None:
    tracker = StepTracker()
    start = StepStart("Build", 90.0, 300.0, stop_on_error=True, metadata={"env": "prod"})
    assert tracker.apply(start, 3, at(3)) == NOTHING
    begun = Step(
        index=1,
        name="Build",
        status=RUNNING,
        started_at=1_000_030,
        started_mono=5_030,
        first_line=3,
        estimated_s=90.0,
        timeout_s=300.0,
        stop_on_error=True,
        metadata={"env": "prod"},
    )
    assert tracker.steps == tracker.open_steps == [begun]
    current = tracker.current
    assert current == begun
    assert (tracker.total, tracker.done) == (1, 0)

    assert tracker.apply(StepComplete("Build", {"tests": 12}), 8, at(8)) == NOTHING
    assert tracker.steps == [
        Step(
            index=1,
            name="Build",
            status=COMPLETED,
            started_at=1_000_030,
            started_mono=5_030,
            first_line=3,
            finished_at=1_000_080,
            duration_ms=50,
            last_line=8,
            explicit_end=True,
            estimated_s=90.0,
            timeout_s=300.0,
            stop_on_error=True,
            metadata={"env": "prod", "tests": 12},
        )
    ]
    assert tracker.current is None
    assert tracker.open_steps == []
    assert (tracker.total, tracker.done) == (1, 1)


def test_the_next_start_ends_a_step_provisionally() -> None:
    tracker = track(StepStart("A"), StepStart("B"))
    first, second = tracker.steps
    assert (first.status, first.finished_at, first.duration_ms) == (COMPLETED, 1_000_020, 10)
    assert (first.last_line, first.explicit_end) == (1, False)
    assert tracker.current == second
    assert tracker.open_steps == [second]
    assert (tracker.total, tracker.done) == (2, 1)


def test_nested_steps() -> None:
    tracker = track(StepStart("outer"), StepStart("inner"), StepComplete("inner"))
    assert tracker.current == tracker.steps[0]
    assert tracker.steps[0].duration_ms == 10
    apply(tracker, StepComplete("outer"), line=9)
    assert ends(tracker) == [("outer", COMPLETED, 9, True), ("inner", COMPLETED, 3, True)]
    assert (tracker.steps[0].finished_at, tracker.steps[0].duration_ms) == (1_000_090, 80)
    assert tracker.current is None


def test_interleaved_steps() -> None:
    tracker = track(
        StepStart("A"), StepStart("B"), StepStart("C"), StepComplete("B"), StepComplete("A")
    )
    assert ends(tracker) == [
        ("A", COMPLETED, 5, True),
        ("B", COMPLETED, 4, True),
        ("C", RUNNING, None, False),
    ]
    assert tracker.current == tracker.steps[2]


def test_steps_without_complete() -> None:
    tracker = track(StepStart("A"), StepStart("B"), StepStart("C"))
    tracker.close(COMPLETED, at(9), 7)
    assert ends(tracker) == [
        ("A", COMPLETED, 1, False),
        ("B", COMPLETED, 2, False),
        ("C", COMPLETED, 7, False),
    ]


def test_repeated_steps_are_steps_of_their_own() -> None:
    tracker = track(
        StepStart("A"), StepComplete("A"), StepStart("A"), StepComplete("A"), StepStart("A")
    )
    assert ends(tracker) == [
        ("A", COMPLETED, 2, True),
        ("A", COMPLETED, 4, True),
        ("A", RUNNING, None, False),
    ]


def test_complete_acts_on_the_latest_of_its_name() -> None:
    tracker = track(StepStart("A"), StepStart("A"), StepComplete("A"))
    assert ends(tracker) == [("A", COMPLETED, 1, False), ("A", COMPLETED, 3, True)]
    apply(tracker, StepComplete("A"), line=4)
    assert ends(tracker) == [("A", COMPLETED, 4, True), ("A", COMPLETED, 3, True)]


def test_complete_without_a_start() -> None:
    tracker = track(StepStart("A"))
    assert apply(tracker, StepComplete("B"), line=2) == [
        Outcome(warning="STEP_COMPLETE for a step that was never started: B")
    ]
    assert ends(tracker) == [("A", RUNNING, None, False)]


def test_complete_twice() -> None:
    tracker = track(StepStart("A"), StepComplete("A"))
    assert apply(tracker, StepComplete("A"), line=3) == [
        Outcome(warning="STEP_COMPLETE for a step that is complete already: A")
    ]
    assert ends(tracker) == [("A", COMPLETED, 2, True)]


def test_an_error_fails_the_current_step() -> None:
    tracker = track(StepStart("A"))
    outcomes = apply(tracker, StepError("exit 2", metadata={"code": 2}), line=2)
    assert outcomes == [NOTHING]
    (step,) = tracker.steps
    assert ends(tracker) == [("A", FAILED, 2, True)]
    assert (step.error, step.metadata) == ("exit 2", {"code": 2})
    assert (step.finished_at, step.duration_ms) == (1_000_020, 10)
    assert tracker.current is None


def test_a_failed_step_stays_failed() -> None:
    tracker = track(StepStart("A"), StepError("exit 2"))
    assert apply(tracker, StepComplete("A"), line=3) == [NOTHING]
    assert ends(tracker) == [("A", FAILED, 2, True)]


def test_an_error_after_an_inner_step_fails_the_outer_one() -> None:
    tracker = track(
        StepStart("outer"), StepStart("inner"), StepComplete("inner"), StepError("exit 2")
    )
    assert ends(tracker) == [("outer", FAILED, 4, True), ("inner", COMPLETED, 3, True)]


def test_an_error_outside_of_steps() -> None:
    tracker = StepTracker()
    warning = "STEP_ERROR outside of any step: exit 2"
    assert apply(tracker, StepError("exit 2")) == [Outcome(warning=warning)]
    stopping = StepError("exit 2", stop_on_error=True)
    assert apply(tracker, stopping) == [Outcome(warning=warning, stop="exit 2")]
    assert tracker.steps == []


@pytest.mark.parametrize(
    ("of_step", "of_error", "stop"),
    [
        (False, None, None),
        (True, None, "exit 2"),
        (False, True, "exit 2"),
        (True, False, None),
    ],
)
def test_the_error_decides_before_the_step_whether_to_stop(
    of_step: bool, of_error: bool | None, stop: str | None
) -> None:
    tracker = track(StepStart("A", stop_on_error=of_step))
    assert apply(tracker, StepError("exit 2", of_error), line=2) == [Outcome(stop=stop)]


def test_metadata_belongs_to_the_current_step() -> None:
    tracker = track(StepStart("A", 5.0, metadata={"env": "prod", "a": 1}))
    outcomes = apply(
        tracker,
        Meta("a", "2"),
        Meta("PROGRESS", "3/10"),
        Meta("ESTIMATED_DURATION", "5m"),
        Meta("PROGRESS", "42%"),
        line=2,
    )
    assert outcomes == [NOTHING] * 4
    (step,) = tracker.steps
    assert (step.progress, step.estimated_s) == (0.42, 300.0)
    assert step.metadata == {
        "env": "prod",
        "a": "2",
        "PROGRESS": "42%",
        "ESTIMATED_DURATION": "5m",
    }
    apply(tracker, StepComplete("A"), line=6)
    assert tracker.steps[0].progress == 0.42


def test_metadata_outside_of_steps_belongs_to_the_execution() -> None:
    tracker = track(StepStart("A"), StepComplete("A"))
    assert apply(tracker, Meta("PROGRESS", "42%"), line=3) == [
        Outcome(execution_metadata=("PROGRESS", "42%"))
    ]
    assert tracker.steps[0].metadata == {}


def test_a_step_has_not_more_metadata_than_the_limit() -> None:
    keys: Metadata = {str(number): number for number in range(MAX_METADATA - 1)}
    tracker = track(StepStart("A", metadata=keys), Meta("last", "x"))
    outcomes = apply(tracker, Meta("more", "x"), Meta("0", "new"), Meta("PROGRESS", "42%"), line=3)
    warning = f"only the first {MAX_METADATA} metadata of a step are recorded"
    assert outcomes == [Outcome(warning=warning), NOTHING, NOTHING]
    (step,) = tracker.steps
    assert step.metadata == {**keys, "last": "x", "0": "new"}
    assert step.progress == 0.42
    apply(tracker, StepStart("B", metadata={str(number): 1 for number in range(200)}), line=6)
    assert len(tracker.steps[1].metadata) == MAX_METADATA


def test_a_marker_changes_no_record_that_was_given_out() -> None:
    tracker = track(StepStart("A", metadata={"a": 1}))
    before = tracker.take_changed()
    apply(tracker, Meta("b", "2"), StepComplete("A", {"c": 3}), line=2)
    assert [(step.status, step.metadata) for step in before] == [(RUNNING, {"a": 1})]


def test_changes_are_taken_once_and_in_order() -> None:
    tracker = track(StepStart("A"), StepStart("B"), StepComplete("B"), StepComplete("A"))
    assert [step.index for step in tracker.take_changed()] == [1, 2]
    assert tracker.take_changed() == []
    apply(tracker, StepStart("C"), Meta("a", "b"), StepComplete("X"), line=5)
    assert tracker.take_changed() == tracker.steps[2:]
    apply(tracker, StepStart("D"), line=8)
    assert tracker.take_changed() == tracker.steps[2:]


def test_stored_steps_are_no_changes() -> None:
    stored = track(StepStart("A"), StepStart("B")).steps
    tracker = StepTracker(stored)
    assert tracker.take_changed() == []
    assert tracker.steps == stored
    apply(tracker, StepComplete("B"), line=3)
    assert [step.name for step in tracker.take_changed()] == ["B"]
    assert stored[1].status == RUNNING


def test_a_step_times_out() -> None:
    tracker = track(StepStart("A"))
    tracker.time_out(1, at(6), 5)
    assert ends(tracker) == [("A", Status.TIMED_OUT, 5, True)]
    assert (tracker.steps[0].finished_at, tracker.steps[0].duration_ms) == (1_000_060, 50)
    assert tracker.current is None
    assert [step.index for step in tracker.take_changed()] == [1]
    assert apply(tracker, StepComplete("A"), line=6) == [NOTHING]
    assert ends(tracker) == [("A", Status.TIMED_OUT, 5, True)]


def test_an_outer_step_times_out_below_its_inner_step() -> None:
    tracker = track(StepStart("outer"), StepStart("inner"))
    tracker.time_out(1, at(6), 5)
    assert ends(tracker) == [("outer", Status.TIMED_OUT, 5, True), ("inner", RUNNING, None, False)]
    apply(tracker, StepComplete("inner"), line=6)
    assert tracker.current is None


def test_a_settled_step_does_not_time_out() -> None:
    tracker = track(StepStart("A"), StepComplete("A"), StepStart("B"), StepError("x"))
    tracker.time_out(1, at(9), 9)
    tracker.time_out(2, at(9), 9)
    assert ends(tracker) == [("A", COMPLETED, 2, True), ("B", FAILED, 4, True)]


@pytest.mark.parametrize(
    "status", [COMPLETED, FAILED, Status.CANCELLED, Status.TIMED_OUT, Status.LOST]
)
def test_open_steps_take_the_word_of_the_process(status: Status) -> None:
    tracker = track(StepStart("A"), StepStart("B"))
    tracker.close(status, at(9), 8)
    assert ends(tracker) == [("A", COMPLETED, 1, False), ("B", status, 8, False)]
    assert tracker.steps[1].error is None
    assert (tracker.open_steps, tracker.done) == ([], 2)
    tracker.take_changed()
    tracker.close(FAILED, at(10), 9)
    assert tracker.take_changed() == []


def test_late_markers_do_not_mend_a_step_that_the_end_broke() -> None:
    tracker = track(StepStart("A"))
    tracker.close(Status.CANCELLED, at(9), 8)
    assert apply(tracker, StepComplete("A"), line=10) == [NOTHING]
    assert ends(tracker) == [("A", Status.CANCELLED, 8, False)]


def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    tracker = track(StepStart("A"))
    tracker.apply(StepComplete("A"), 2, Instant(wall_ms=0, mono_ms=0))
    assert tracker.steps[0].duration_ms == 0


def test_steps_beyond_the_limit_are_refused() -> None:
    tracker = StepTracker(max_steps=2)
    outcomes = apply(
        tracker,
        StepStart("A"),
        StepStart("B"),
        StepStart("C"),
        Meta("PROGRESS", "42%"),
        StepComplete("C"),
        StepStart("D"),
        StepComplete("D"),
        StepComplete("E"),
    )
    warning = Outcome(warning="only the first 2 steps are recorded")
    assert outcomes == [NOTHING, NOTHING, warning, *[NOTHING] * 5]
    assert ends(tracker) == [("A", COMPLETED, 1, False), ("B", COMPLETED, 2, False)]
    assert tracker.steps[1].metadata == {}
    apply(tracker, StepComplete("B"), StepComplete("A"), line=9)
    assert ends(tracker) == [("A", COMPLETED, 10, True), ("B", COMPLETED, 9, True)]


def test_a_refused_step_does_not_end_its_namesake() -> None:
    tracker = StepTracker(max_steps=1)
    apply(tracker, StepStart("A"), StepStart("A"), StepComplete("A"))
    assert ends(tracker) == [("A", COMPLETED, 1, False)]
    apply(tracker, StepComplete("A"), line=4)
    assert ends(tracker) == [("A", COMPLETED, 4, True)]


def test_an_error_of_a_refused_step_fails_no_other() -> None:
    tracker = StepTracker(max_steps=1)
    apply(tracker, StepStart("A"), StepStart("B", stop_on_error=True))
    assert tracker.current is None
    assert apply(tracker, StepError("exit 2"), line=3) == [
        Outcome(warning="STEP_ERROR outside of any step: exit 2", stop="exit 2")
    ]
    assert ends(tracker) == [("A", COMPLETED, 1, False)]
    assert tracker.current == tracker.steps[0]


@pytest.mark.timeout(30)
def test_a_hundred_thousand_unended_steps_and_their_ends() -> None:
    count = 100_000
    tracker = StepTracker(max_steps=count)
    for line in range(1, count + 1):
        tracker.apply(StepStart(f"step {line % 7}"), line, at(line))
    for line in range(1, count + 1):
        tracker.apply(StepComplete(f"step {line % 7}"), count + line, at(line))
        assert len(tracker.open_steps) <= 1
    assert all(step.explicit_end for step in tracker.steps)
    assert tracker.current is None
    assert len(tracker.take_changed()) == count


NAMES = st.sampled_from(["A", "B", "C"])
VALUES = st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), max_size=2)


def made(
    kind: Callable[..., OneMarker], *values: st.SearchStrategy[Any], **named: st.SearchStrategy[Any]
) -> st.SearchStrategy[OneMarker]:
    """As `st.builds`, which wants to know all types by their names."""
    drawn = st.tuples(st.tuples(*values), st.fixed_dictionaries(named))
    return drawn.map(lambda found: kind(*found[0], **found[1]))


MARKERS = st.lists(
    made(
        StepStart,
        NAMES,
        estimated_s=st.none() | st.just(5.0),
        stop_on_error=st.booleans(),
        metadata=VALUES,
    )
    | made(StepComplete, NAMES, metadata=VALUES)
    | made(StepError, st.just("broken"), st.none() | st.booleans(), metadata=VALUES)
    | made(Meta, st.just("PROGRESS"), st.sampled_from(["1/2", "42%"]))
    | made(Meta, st.sampled_from("xyz"), NAMES)
    | st.integers(min_value=1, max_value=5),  # the step of this index times out
    max_size=40,
)


def play(tracker: StepTracker, events: list[OneMarker | int], line: int) -> list[Outcome]:
    outcomes = []
    for number, event in enumerate(events, start=line):
        if not isinstance(event, int):
            outcomes.append(tracker.apply(event, number, at(number)))
        elif event <= tracker.total:
            tracker.time_out(event, at(number), number)
    return outcomes


@settings(max_examples=200)
@given(MARKERS, st.integers(min_value=0, max_value=40))
def test_resuming_from_stored_steps_changes_nothing(
    events: list[OneMarker | int], place: int
) -> None:
    whole = StepTracker()
    expected = play(whole, events, 1)

    first = StepTracker()
    outcomes = play(first, events[:place], 1)
    second = StepTracker(first.steps)
    outcomes += play(second, events[place:], 1 + len(events[:place]))

    assert second.steps == whole.steps
    assert second.current == whole.current
    assert second.open_steps == whole.open_steps
    assert outcomes == expected


@settings(max_examples=200)
@given(MARKERS, st.sampled_from([1, 2, 10_000]))
def test_what_holds_after_every_marker(events: list[OneMarker | int], max_steps: int) -> None:
    tracker = StepTracker(max_steps=max_steps)
    stored: dict[int, Step] = {}
    for line, event in enumerate(events, start=1):
        play(tracker, [event], line)
        changed = tracker.take_changed()
        assert [step.index for step in changed] == sorted(step.index for step in changed)
        stored |= {step.index: step for step in changed}
        assert list(stored.values()) == tracker.steps
        unended = [step for step in tracker.steps if step.finished_at is None]
        assert tracker.open_steps == unended
        assert len(unended) <= 1
        assert tracker.done == tracker.total - len(unended)
    for step in tracker.steps:
        assert (step.status == RUNNING) == (step.finished_at is None) == (step.last_line is None)
        assert step.last_line is None or step.first_line <= step.last_line <= len(events)
        assert (step.error is not None) == (step.status == FAILED)


def test_an_interrupted_step_and_what_cleans_up_behind_it() -> None:
    tracker = track(StepStart("Before"), StepStart("Work"))
    tracker.interrupt(Status.CANCELLED)
    apply(tracker, StepStart("Clean"), StepStart("Tell"), line=5)
    tracker.close(Status.CANCELLED, at(9), 8, cleaned_up=COMPLETED)
    assert [status for _, status, _, _ in ends(tracker)] == [
        COMPLETED,
        Status.CANCELLED,
        COMPLETED,
        COMPLETED,
    ]


def test_an_interrupted_step_can_still_be_completed_or_fail() -> None:
    for marker, status in ((StepComplete("Work"), COMPLETED), (StepError("bad"), FAILED)):
        tracker = track(StepStart("Work"))
        tracker.interrupt(Status.TIMED_OUT)
        apply(tracker, marker, StepStart("Clean"), line=5)
        tracker.close(Status.TIMED_OUT, at(9), 8)
        assert [step.status for step in tracker.steps] == [status, Status.TIMED_OUT]


def test_a_step_that_was_read_after_the_script_had_ended_ends_when_it_starts() -> None:
    tracker = StepTracker()
    tracker.apply(StepStart("Deploy"), 1, Instant(wall_ms=1_010, mono_ms=60))
    tracker.close(COMPLETED, Instant(wall_ms=1_000, mono_ms=50), 1)
    [step] = tracker.steps
    assert (step.started_at, step.finished_at, step.duration_ms) == (1_010, 1_010, 0)


def test_a_clock_that_was_set_back_is_told_as_it_is() -> None:
    tracker = StepTracker()
    tracker.apply(StepStart("Deploy"), 1, Instant(wall_ms=9_000, mono_ms=60))
    tracker.close(COMPLETED, Instant(wall_ms=1_000, mono_ms=80), 1)
    [step] = tracker.steps
    assert (step.finished_at, step.duration_ms) == (1_000, 20)
