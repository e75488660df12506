from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import logs
from stepflow_tui.cli.terminal import Terminal
from stepflow_tui.core.models import Status
from tests.buildkit import LAST, build

if TYPE_CHECKING:
    from tests.cli.conftest import Play, Stepflow
    from tests.cli.recording import Recording

LOG = b"before\nSTEP_START:a\none\nSTEP_COMPLETE:a\nSTEP_START:b\ntwo\nSTEP_START:a\nthree\nend"


@pytest.fixture
def number(recording: Recording) -> int:
    number = recording.add().number
    recording.log(number, LOG[:20], LOG[20:])
    recording.step(number, 1, "a", (2, 4))
    recording.step(number, 2, "b", (5, 6))
    recording.step(number, 3, "a", (7, None))
    return number


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", LOG),
        ("--markers", LOG),
        ("--no-markers", b"before\none\ntwo\nthree\nend"),
        ("--tail 2", b"three\nend"),
        ("--tail 0", b""),
        ("--tail 99", LOG),
        ("--step 1", b"STEP_START:a\none\nSTEP_COMPLETE:a"),
        ("--step 2 --no-markers", b"two"),
        ("--step b", b"STEP_START:b\ntwo"),
        ("--step a", b"STEP_START:a\nthree\nend"),
        ("--step a --tail 1", b"end"),
        ("--step 1 --tail 2", b"one\nSTEP_COMPLETE:a"),
    ],
)
def test_views_of_a_log(stepflow: Stepflow, number: int, options: str, expected: bytes) -> None:
    done = stepflow("logs", str(number), *options.split())
    assert done.out == (expected.decode() + "\n" if expected else "")
    assert (done.code, done.err) == (0, "")


def test_a_step_that_does_not_exist(stepflow: Stepflow, number: int) -> None:
    for step in ("c", "4", "0", "9" * 5_000, "²"):
        done = stepflow("logs", str(number), "--step", step)
        sentence = f"stepflow: #{number} has no step {step}; see: stepflow show {number}\n"
        assert (done.code, done.out, done.err) == (2, "", sentence)


def test_what_came_after_the_end_is_marked(
    recording: Recording, stepflow: Stepflow, number: int
) -> None:
    recording.log(number, b"\n")
    recording.finish(number)
    recording.log(number, b"late\nlater\n")
    out = stepflow("logs", "1", "--tail", "3").out
    assert out == "end\nthe run has ended; this came after its end:\nlate\nlater\n"
    assert (
        stepflow("logs", "1", "--tail", "1").out
        == "the run has ended; this came after its end:\nlater\n"
    )
    assert (
        stepflow("logs", "1").out
        == LOG.decode() + "\nthe run has ended; this came after its end:\nlate\nlater\n"
    )


def test_raw_is_what_the_script_wrote(
    recording: Recording, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = b"STEP_START:a\r\n\xff\x00\x1b]52;c;x\x07" + b"y" * 300_000 + b"\nno newline"
    recording.log(recording.add().number, written[:7], written[7:])
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        assert stepflow("logs", "1", "--raw").code == 0
    assert output.buffer.getvalue() == written


@pytest.mark.parametrize("options", ["--step 1", "--tail 1", "--timestamps", "--no-markers"])
def test_raw_is_refused_with_view_options(stepflow: Stepflow, number: int, options: str) -> None:
    done = stepflow("logs", str(number), "--raw", *options.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("stepflow: --raw is the whole log as it is; leave out")


def test_raw_is_refused_on_a_terminal(
    stepflow: Stepflow, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(is_terminal=True, colours=False, unicode=True)
    monkeypatch.setattr(logs, "standard_output", lambda: terminal)
    done = stepflow("logs", str(number), "--raw")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("stepflow: --raw could change your terminal; send it to a file")


def test_following_prints_whole_lines_until_the_execution_ends(
    recording: Recording, stepflow: Stepflow, play: Play
) -> None:
    number = recording.add().number
    play(
        lambda: recording.log(number, b"one\ntw"),
        lambda: recording.log(number, b"o\nthree"),
        lambda: recording.finish(number, Status.FAILED),
    )
    done = stepflow("logs", "-f", "last")
    assert (done.code, done.out) == (0, "one\ntwo\nthree\n")


def test_following_a_step_ends_with_the_step(
    recording: Recording, stepflow: Stepflow, play: Play
) -> None:
    number = recording.add().number
    recording.log(number, b"before\nSTEP_START:a\n")
    recording.step(number, 1, "a", (2, None))

    def end_step() -> None:
        recording.log(number, b"two\nafter\n")
        recording.step(number, 1, "a", (2, 4))

    play(
        lambda: recording.log(number, b"one\n"),
        end_step,
    )
    assert stepflow("logs", "-f", "--step", "a", "1").out == "STEP_START:a\none\ntwo\n"


def test_following_raw(
    recording: Recording,
    stepflow: Stepflow,
    play: Play,
) -> None:
    number = recording.add().number
    play(
        lambda: recording.log(number, b"\x1b[31mon"),
        lambda: recording.log(number, b"e\n"),
        lambda: recording.finish(number),
    )
    assert stepflow("logs", "--raw", "-f", "1").out == "\x1b[31mone\n"


@pytest.fixture
def built(recording: Recording) -> int:
    """The number of a run whose step was drawn in frames, each of them stored by itself."""
    number = recording.add().number
    recording.log(number, b"before\nSTEP_START:Build\n", *build(), b"STEP_COMPLETE:Build\nend\n")
    recording.step(number, 1, "Build", (2, 15))
    recording.finish(number)
    return number


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", ["before", "STEP_START:Build", *LAST, "STEP_COMPLETE:Build", "end"]),
        ("--no-markers", ["before", *LAST, "end"]),
        ("--step Build", ["STEP_START:Build", *LAST, "STEP_COMPLETE:Build"]),
        ("--tail 5", [*LAST, "STEP_COMPLETE:Build", "end"]),
        ("--tail 8", [*LAST, "STEP_COMPLETE:Build", "end"]),
        ("-f", ["before", "STEP_START:Build", *LAST, "STEP_COMPLETE:Build", "end"]),
    ],
)
def test_of_frames_the_last_one_is_printed(
    stepflow: Stepflow, built: int, options: str, expected: list[str]
) -> None:
    done = stepflow("logs", str(built), *options.split())
    assert [line.rstrip() for line in done.out.splitlines()] == expected
    stamped = stepflow("logs", str(built), "--timestamps", *options.split()).out.splitlines()
    assert [line.partition(" ")[2].rstrip() for line in stamped] == expected


def test_a_finished_run_is_watched_without_its_earlier_frames(
    stepflow: Stepflow, built: int
) -> None:
    shown = [line.rstrip() for line in stepflow("watch", str(built)).out.splitlines()]
    assert shown[1] == "before"
    assert shown[3:6] == LAST
    assert shown[7] == "end"


def test_a_frame_is_found_however_its_lines_were_stored(
    recording: Recording, stepflow: Stepflow
) -> None:
    number = recording.add().number
    frame = [b"\x1b[90A\x1b[0Grow 0\n", *(b"row %d\n" % row for row in range(1, 90))]
    recording.log(number, *(b"line %d\n" % line for line in range(300)), *frame, *frame)
    recording.finish(number)
    lines = stepflow("logs", str(number)).out.splitlines()
    assert lines[:210] == [f"line {line}" for line in range(210)]
    assert lines[210:] == [f"row {row}" for row in range(90)]


def test_frames_of_a_run_that_goes_on_are_followed_one_by_one(
    recording: Recording, stepflow: Stepflow, play: Play
) -> None:
    number = recording.add().number
    play(
        lambda: recording.log(number, b"a 1\nb 1\n"),
        lambda: recording.log(number, b"\x1b[2Aa 2\nb 2\n"),
        lambda: recording.finish(number),
    )
    assert stepflow("logs", "-f", "last").out == "a 1\nb 1\na 2\nb 2\n"
    assert stepflow("logs", "last").out == "a 2\nb 2\n"
