from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    from tests.cli.conftest import Play, Stepflow
    from tests.cli.recording import Recording


def test_transitions_are_told_and_lines_are_not(
    recording: Recording, stepflow: Stepflow, play: Play
) -> None:
    number = recording.add(name="deploy").number
    recording.log(number, b"STEP_START:Build\nmaking\nSTEP_START:Test\ntesting\n")
    recording.step(number, 1, "Build", (1, 2))

    def test_runs() -> None:
        recording.step(number, 2, "Test", (3, None))

    def test_fails() -> None:
        recording.log(number, b"".join(b"line %d\n" % line for line in range(5, 21)))
        test = recording.step(number, 2, "Test", (3, 20))
        recording.save_step(number, replace(test, status=Status.FAILED, error="one broke"))
        recording.log(number, b"STEP_START:Report\nx\n")

    def report_runs() -> None:
        recording.step(number, 3, "Report", (21, None))

    def all_ends() -> None:
        recording.step(number, 3, "Report", (21, 22))
        recording.finish(number, Status.FAILED, exit_code=1)

    play(lambda: None, test_runs, test_fails, report_runs, all_ends)
    done = stepflow("watch", "1", "--compact")
    assert done.out.splitlines() == [
        "run #1 deploy started",
        "1 step completed so far",
        "step Test started",
        "step Test failed after 1.5s: one broke",
        "the last lines of step Test:",
        *(f"line {line}" for line in range(11, 21)),
        "step Report started",
        "step Report completed in 1.5s",
        "run #1 deploy failed after 12.3s, exit code 1",
    ]
    assert (done.code, done.err) == (1, "")


def test_who_comes_late_hears_of_what_runs_and_what_failed(
    recording: Recording, stepflow: Stepflow, number: int, play: Play
) -> None:
    recording.log(number, b"STEP_START:a\nfirst\nSTEP_START:b\nsecond\nSTEP_START:c\n")
    failed = recording.step(number, 1, "a", (1, 2))
    recording.save_step(number, replace(failed, status=Status.TIMED_OUT))
    recording.step(number, 2, "b", (3, 4))
    recording.step(number, 3, "c", (5, None))

    def end() -> None:
        recording.step(number, 3, "c", (5, 5))
        recording.finish(number)

    play(lambda: None, end)
    assert stepflow("watch", "1", "--compact").out.splitlines() == [
        "run #1 build started",
        "1 step completed so far",
        "step c is running",
        "step a timed out after 1.5s",
        "the last lines of step a:",
        "first",
        "step c completed in 1.5s",
        "run #1 build completed in 12.3s, exit code 0",
    ]


def test_without_a_failed_step_the_end_of_the_log_tells_why(
    recording: Recording, stepflow: Stepflow, number: int
) -> None:
    recording.log(number, b"".join(b"line %d\n" % line for line in range(1, 31)) + b"cut off")
    recording.finish(number, Status.FAILED, exit_code=2)
    assert stepflow("watch", "1", "--compact").out.splitlines() == [
        "run #1 build started",
        "the last lines of the log:",
        *(f"line {line}" for line in range(22, 31)),
        "cut off",
        "run #1 build failed after 12.3s, exit code 2",
    ]


def test_a_step_that_is_begun_and_over_between_two_looks(
    recording: Recording, stepflow: Stepflow, number: int, play: Play
) -> None:
    def all_at_once() -> None:
        recording.log(number, b"STEP_START:a\nSTEP_START:b\n")
        recording.step(number, 1, "a", (1, 1))
        recording.step(number, 2, "b", (2, 2))
        recording.finish(number)

    play(lambda: None, all_at_once)
    assert stepflow("watch", "1", "--compact").out.splitlines()[1:-1] == [
        "step a started",
        "step a completed in 1.5s",
        "step b started",
        "step b completed in 1.5s",
    ]


def test_an_end_that_moved_is_told_again(
    recording: Recording, stepflow: Stepflow, number: int, play: Play
) -> None:
    recording.log(number, b"STEP_START:outer\n")

    def moved() -> None:
        outer = recording.step(number, 1, "outer", (1, 1))
        recording.save_step(number, replace(outer, duration_ms=9_000))

    play(
        lambda: recording.step(number, 1, "outer", (1, 1)),
        moved,
        lambda: recording.finish(number),
    )
    assert stepflow("watch", "1", "--compact").out.splitlines()[1:-1] == [
        "1 step completed so far",
        "step outer completed in 9.0s",
    ]
