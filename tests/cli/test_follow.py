from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.cli.exit_codes import exit_code
from stepflow_tui.core.models import Artifact, Status
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from tests.cli.conftest import Play, Stepflow
    from tests.cli.recording import Recording


def test_a_finished_execution_is_told_as_it_went(recording: Recording, stepflow: Stepflow) -> None:
    number = recording.add(name="deploy").number
    recording.log(number, b"before\nSTEP_START:Build\ncompiling\nSTEP_COMPLETE:Build\n")
    recording.log(number, b"STEP_START:Test\nSTEP_START:Unit\nok\nSTEP_COMPLETE:Unit\n")
    recording.log(number, b"STEP_ERROR:one broke\nMETA:k:v\nno newline")
    recording.step(number, 1, "Build", (2, 4))
    test = recording.step(number, 2, "Test", (5, 9))
    recording.save_step(number, replace(test, status=Status.FAILED, error="one\nbroke"))
    recording.step(number, 3, "Unit", (6, 8))
    recording.artifacts(number, Artifact(1, "a", "a"), Artifact(2, "b", "b"))
    recording.finish(
        number, Status.FAILED, exit_code=3, error="exit code 3", warnings=["line 9: odd"]
    )
    done = stepflow("watch", str(number))
    assert done.out == (
        "run #1 deploy started\n"
        "before\n"
        "step Build started\n"
        "compiling\n"
        "step Build completed in 1.5s\n"
        "step Test started\n"
        "step Unit started\n"
        "ok\n"
        "step Unit completed in 1.5s\n"
        "step Test failed after 1.5s: one broke\n"
        "no newline\n"
        "warning: line 9: odd\n"
        "2 artifacts; see: stepflow artifacts 1\n"
        "error: exit code 3\n"
        "run #1 deploy failed after 12.3s, exit code 3\n"
    )
    assert (done.code, done.err) == (3, "")


@pytest.mark.parametrize(
    ("status", "fields", "summary"),
    [
        (Status.COMPLETED, {}, "completed in 12.3s, exit code 0"),
        (Status.FAILED, {"exit_code": None, "signal": 9}, "failed after 12.3s, signal 9 SIGKILL"),
        (Status.FAILED, {"exit_code": None, "signal": 99}, "failed after 12.3s, signal 99"),
        (
            Status.TIMED_OUT,
            {"exit_code": None, "signal": 15},
            "timed out after 12.3s, signal 15 SIGTERM",
        ),
        (Status.LOST, {"exit_code": None, "duration_ms": None}, "lost"),
        (Status.CANCELLED, {"exit_code": None}, "cancelled after 12.3s"),
    ],
)
def test_the_last_line_sums_up(
    recording: Recording,
    stepflow: Stepflow,
    status: Status,
    fields: dict[str, object],
    summary: str,
) -> None:
    ended = recording.finish(recording.add().number, status, **fields)
    done = stepflow("watch", "1")
    assert done.out.splitlines()[-1] == f"run #1 build {summary}"
    assert done.code == exit_code(ended)


def test_lines_and_steps_come_as_they_are_stored(
    recording: Recording,
    stepflow: Stepflow,
    play: Play,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = recording.add(status=Status.PENDING, started_at=None).number
    seen: list[str] = []

    def look() -> None:
        seen.append(capsys.readouterr().out)

    def begin() -> None:
        look()
        recording.save(number, status=Status.RUNNING)
        recording.log(number, b"STEP_START:a\none\ntw")
        recording.step(number, 1, "a", (1, None))

    def go_on() -> None:
        look()
        recording.log(number, b"o\nSTEP_START:b\n")
        recording.step(number, 1, "a", (1, 3))
        recording.step(number, 2, "b", (4, None))

    def end() -> None:
        look()
        recording.step(number, 2, "b", (4, 4))
        recording.finish(number)

    play(begin, go_on, end)
    rest = stepflow("watch", "1").out
    assert [*seen, rest] == [
        "run #1 build waits to be started\n",
        "run #1 build started\nstep a started\none\n",
        "two\nstep a completed in 1.5s\nstep b started\n",
        "step b completed in 1.5s\nrun #1 build completed in 12.3s, exit code 0\n",
    ]


def test_an_end_that_moved_is_told_again(
    recording: Recording, stepflow: Stepflow, number: int, play: Play
) -> None:
    def begin() -> None:
        recording.log(number, b"STEP_START:outer\nSTEP_START:inner\n")
        recording.step(number, 1, "outer", (1, 1))
        recording.step(number, 2, "inner", (2, None))

    def end() -> None:
        recording.log(number, b"work\nSTEP_COMPLETE:outer\n")
        outer = recording.step(number, 1, "outer", (1, 4))
        recording.save_step(number, replace(outer, duration_ms=9_000))
        recording.step(number, 2, "inner", (2, 4))
        recording.finish(number)

    play(begin, end)
    assert stepflow("watch", "1").out.splitlines()[1:-1] == [
        "step outer started",
        "step outer completed in 1.5s",
        "step inner started",
        "work",
        "step inner completed in 1.5s",
        "step outer completed in 9.0s",
    ]


def test_an_end_between_two_looks_is_not_missed(
    recording: Recording,
    stepflow: Stepflow,
    number: int,
    play: Play,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = queries.revision

    def ask_and_end() -> queries.Query[int]:
        # The log was read already, and found empty.
        if not recording.find(number).status.is_final:
            recording.log(number, b"last words\n")
            recording.finish(number)
        return ask()

    monkeypatch.setattr(queries, "revision", ask_and_end)
    play(lambda: None)
    assert stepflow("watch", "1").out.splitlines()[1] == "last words"


def test_leaving_says_that_the_run_goes_on(
    recording: Recording, stepflow: Stepflow, play: Play
) -> None:
    recording.add(name="deploy")

    def interrupt() -> None:
        raise KeyboardInterrupt

    play(interrupt)
    done = stepflow("watch", "1")
    assert done.err == (
        "stepflow: detached: #1 deploy goes on; "
        "follow with: stepflow watch 1, stop with: stepflow cancel 1\n"
    )
    assert done.code == 130


def test_output_after_the_end_is_marked(
    recording: Recording, stepflow: Stepflow, number: int
) -> None:
    recording.log(number, b"one\n")
    recording.finish(number)
    recording.log(number, b"late\n")
    assert stepflow("watch", "1").out.splitlines()[1:-1] == [
        "one",
        "the run has ended; this came after its end:",
        "late",
    ]


def test_hostile_words_act_on_nothing(recording: Recording, stepflow: Stepflow) -> None:
    hostile = "x\x1b]52;c;aGk=\x07\x1b[2Jy\x9b\u202e\nz"
    number = recording.add(name=hostile, command=[hostile], cwd=hostile, user=hostile).number
    recording.log(number, b"STEP_START:x\n")
    step = recording.step(number, 1, hostile, (1, 1))
    recording.save_step(number, replace(step, status=Status.FAILED, error=hostile))
    recording.artifacts(number, Artifact(1, hostile, hostile, description=hostile, reason=hostile))
    recording.finish(
        number,
        Status.FAILED,
        error=hostile,
        warnings=[hostile],
        tags=[hostile],
        metadata={hostile: hostile},
    )
    for command in ("watch", "show", "list", "artifacts"):
        out = stepflow(command, *(["1"] if command != "list" else [])).out
        assert "xy" in out
        assert all(character.isprintable() or character == "\n" for character in out)


def test_a_run_that_is_being_stopped_is_told_of(
    recording: Recording, stepflow: Stepflow, number: int, play: Play
) -> None:
    play(
        lambda: recording.save(number, stopping=Status.CANCELLED),
        lambda: recording.log(number, b"bye\n"),
        lambda: recording.finish(number, Status.CANCELLED, exit_code=None),
    )
    assert stepflow("watch", "1").out.splitlines() == [
        "run #1 build started",
        "run #1 build is being stopped",
        "bye",
        "run #1 build cancelled after 12.3s",
    ]


def test_a_run_that_was_never_started(recording: Recording, stepflow: Stepflow) -> None:
    number = recording.add(status=Status.PENDING, started_at=None).number
    fields: dict[str, object] = {"exit_code": None, "duration_ms": None, "error": "no such file"}
    recording.finish(number, Status.FAILED, **fields)
    assert stepflow("watch", "1").out.splitlines() == [
        "run #1 build was not started",
        "error: no such file",
        "run #1 build failed",
    ]


def test_artifacts_are_those_that_were_kept(recording: Recording, stepflow: Stepflow) -> None:
    number = recording.add().number
    recording.artifacts(
        number,
        Artifact(1, "a", "a", stored="artifacts/x/1/a"),
        Artifact(2, "b", "b", reason="no such file"),
        Artifact(3, "*", "*", reason="further matches are over the limit"),
    )
    recording.finish(number, Status.COMPLETED, exit_code=0)
    done = stepflow("watch", str(number))
    assert "1 artifact, 2 not stored; see: stepflow artifacts 1\n" in done.out
