from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.cli import cancel
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest, decode

if TYPE_CHECKING:
    import pytest

    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Play, Stepflow
    from tests.cli.fake_runner import FakeRunner
    from tests.cli.recording import Recording


def test_cancel_waits_until_each_has_ended(
    runner: FakeRunner,
    recording: Recording,
    stepflow: Stepflow,
) -> None:
    recording.add(name="a")
    recording.add(name="b")
    recording.finish(recording.add(name="c").number)
    done = stepflow("cancel", "1", "last", "2", "1")
    assert done.out == "#3 c is already completed\n#1 a cancelled\n#2 b cancelled\n"
    assert (done.code, done.err) == (0, "")
    assert {
        (request.execution, request.force)
        for request in runner.taken
        if isinstance(request, CancelRequest)
    } == {(recording.find(1).id, False), (recording.find(2).id, False)}
    assert len(runner.taken) == 2


def test_cancel_need_not_wait(
    recording: Recording, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel, "ensure_runner", lambda _: None)
    execution = recording.add(name="a")
    done = stepflow("cancel", "--no-wait", "--force", "1")
    assert (done.code, done.out) == (0, "#1 a is asked to stop\n")
    (path,) = inbox.waiting(recording.home)
    request = decode(path.read_bytes())
    assert isinstance(request, CancelRequest)
    assert (request.execution, request.force) == (execution.id, True)


def test_what_ended_by_itself_meanwhile_is_told_as_it_was(
    recording: Recording, stepflow: Stepflow, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel, "ensure_runner", lambda _: None)
    recording.add(name="a")
    play(lambda: None, lambda: recording.finish(1))
    done = stepflow("cancel", "1")
    assert (done.code, done.out) == (0, "#1 a completed\n")


def test_a_refused_cancel_is_told(
    runner: FakeRunner, recording: Recording, stepflow: Stepflow
) -> None:
    recording.add()
    runner.refuses = "no"
    done = stepflow("cancel", "1")
    assert (done.code, done.err) == (1, "stepflow: the runner refused it: no\n")


def test_an_unknown_id_cancels_nothing(
    runner: FakeRunner, recording: Recording, stepflow: Stepflow
) -> None:
    recording.add()
    done = stepflow("cancel", "1", "9")
    assert (done.code, done.err) == (2, "stepflow: no execution 9; see: stepflow list\n")
    assert runner.taken == []


def test_nothing_can_be_cancelled_where_nothing_was_run(home: Home, stepflow: Stepflow) -> None:
    done = stepflow("cancel", "1")
    assert (done.code, done.err) == (2, "stepflow: no execution 1; see: stepflow list\n")
    assert not home.root.exists()


def test_what_runs_has_no_leftovers(
    runner: FakeRunner, recording: Recording, stepflow: Stepflow
) -> None:
    recording.finish(recording.add(name="a").number)
    recording.add(name="b")
    done = stepflow("cancel", "--leftovers", "1", "2")
    assert (done.code, done.out) == (2, "")
    assert done.err == "stepflow: #2 b has not ended yet; to stop it: stepflow cancel 2\n"
    assert runner.taken == []
