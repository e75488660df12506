from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli import changes
from stepflow_tui.cli.changes import RunnerWatch
from stepflow_tui.requests.runner import RunnerGone, RunnerIdentity
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from tests.cli.recording import Recording

RUNNER = RunnerIdentity(pid=1, version="1", started_at=0)


class World:
    """A clock that sleeping moves, and a runner that comes and goes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []
        self.alive = True
        self.can_start = True
        self.looks = 0
        self.starts = 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def live_runner(self, _: Home) -> RunnerIdentity | None:
        self.looks += 1
        return RUNNER if self.alive else None

    def ensure_runner(self, _: Home, *, wait_s: float) -> RunnerIdentity | None:
        assert wait_s == 5.0
        self.starts += 1
        return RUNNER if self.can_start else None


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(changes, "time", world)
    monkeypatch.setattr(changes, "live_runner", world.live_runner)
    monkeypatch.setattr(changes, "ensure_runner", world.ensure_runner)
    return world


def test_a_change_is_seen_and_looked_for_less_often_when_it_is_quiet(
    world: World, recording: Recording
) -> None:
    with Reader(recording.home.database) as reader:
        looks: Iterator[None] = changes.changes(recording.home, reader)
        next(looks)
        commit_at = [0.3, 4.0, 20.0]
        nap = world.sleep

        def sleep(seconds: float) -> None:
            nap(seconds)
            if commit_at and world.now >= commit_at[0]:
                commit_at.pop(0)
                recording.add()

        world.sleep = sleep  # type: ignore[method-assign]
        paces = []
        for _ in range(3):
            next(looks)
            paces.append(set(world.naps))
            world.naps.clear()
    assert paces == [{0.01}, {0.01, 0.02}, {0.01, 0.02, 0.1}]
    assert world.now == pytest.approx(20.0, abs=0.2)


def test_the_runner_is_looked_after_once_a_second(world: World, home: Home) -> None:
    watch = RunnerWatch(home)
    for _ in range(35):
        watch.check()
        world.sleep(0.1)
    assert world.looks == 3
    assert world.starts == 0


def test_a_runner_that_died_is_started_again(
    world: World, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = RunnerWatch(home)
    world.alive = False
    for _ in range(10):
        world.sleep(1.0)
        watch.check()
        world.alive = not world.alive
    assert world.starts == 5
    said = "stepflow: the runner was gone and was started again; nothing is lost\n"
    assert capsys.readouterr().err == said * 5


@pytest.mark.parametrize(("can_start", "starts"), [(False, 1), (True, 3)])
def test_a_runner_that_does_not_stay_up_is_given_up(
    world: World, home: Home, can_start: bool, starts: int
) -> None:
    world.alive, world.can_start = False, can_start
    watch = RunnerWatch(home)

    def watch_on() -> None:
        for _ in range(10):
            world.sleep(1.0)
            watch.check()

    with pytest.raises(RunnerGone) as caught:
        watch_on()
    assert str(caught.value) == f"the runner does not stay up; see {home.runner_log}"
    assert world.starts == starts
