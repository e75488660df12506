from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Status
from stepflow_tui.health.process_meter import ProcessMeter
from stepflow_tui.health.progress import Gain, Progress
from stepflow_tui.health.sample import Sampler
from stepflow_tui.requests.runner import RunnerIdentity, RunnerLock
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.queries import RunnerRecord
from stepflow_tui.store.vitals import OpenSpool

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def record(**fields: object) -> RunnerRecord:
    plain = RunnerRecord("1", "3.50.7", 5, "boot", 10, 0.5, recorded_mono=mono_ms())
    return replace(plain, **fields)


def test_nothing_is_known_at_the_first_look() -> None:
    progress = Progress()
    assert progress.advance(record(lines=900, ended=4), 1.0) == Gain()
    assert progress.advance(None, 1.0) == Gain()
    assert progress.advance(record(lines=950), 1.0) == Gain()


def test_a_rate_comes_from_the_times_of_the_records() -> None:
    progress = Progress()
    before = record(lines=1000, ended=2, commit_times={0: 5})
    progress.advance(before, 1.0)
    after = replace(
        before,
        lines=2200,
        ended=5,
        commit_times={0: 7, 9: 1},
        recorded_mono=before.recorded_mono + 1200,
    )
    assert progress.advance(after, 1.0) == Gain(1000.0, 3, {0: 2, 9: 1})


def test_a_rate_is_held_while_the_next_record_is_not_due() -> None:
    progress = Progress()
    before = record(lines=0, recorded_mono=mono_ms() - 1000)
    progress.advance(before, 1.0)
    after = record(lines=500)
    progress.advance(after, 1.0)
    assert progress.advance(after, 1.0) == Gain(500.0)


def test_a_record_just_after_another_tells_of_endings_but_not_of_rates() -> None:
    progress = Progress()
    before = record(lines=1000, recorded_mono=mono_ms() - 30)
    progress.advance(before, 1.0)
    soon = replace(before, lines=1030, ended=1, recorded_mono=before.recorded_mono + 24)
    assert progress.advance(soon, 1.0) == Gain(0.0, 1)
    later = replace(before, lines=2000, ended=3, recorded_mono=before.recorded_mono + 1000)
    assert progress.advance(later, 1.0) == Gain(1000.0, 2)


def test_no_record_for_long_means_that_nothing_was_stored() -> None:
    progress = Progress()
    before = record(lines=0, recorded_mono=mono_ms() - 9000)
    progress.advance(before, 1.0)
    after = replace(before, lines=500, recorded_mono=before.recorded_mono + 1000)
    assert progress.advance(after, 1.0).lines_per_s == 500.0
    assert progress.advance(after, 1.0) == Gain(0.0)
    assert progress.advance(replace(after, lines=501), 1.0).lines_per_s == 1.0


def test_a_burst_after_a_long_silence_was_now() -> None:
    progress = Progress()
    before = record(lines=0)
    progress.advance(before, 1.0)
    after = replace(before, lines=5000, recorded_mono=before.recorded_mono + 600_000)
    assert progress.advance(after, 1.0).lines_per_s == 2000.0


def test_another_runner_counts_from_zero() -> None:
    progress = Progress()
    before = record(lines=9000, ended=70, commit_times={0: 50})
    progress.advance(before, 1.0)
    after = record(
        started_at=6,
        lines=30,
        ended=1,
        commit_times={0: 2},
        recorded_mono=before.recorded_mono + 1000,
    )
    assert progress.advance(after, 1.0) == Gain(30.0, 1, {0: 2})


def test_a_process_is_measured() -> None:
    meter = ProcessMeter()
    memory_bytes, cpu = meter.look(os.getpid(), time.monotonic())
    assert memory_bytes > 5_000_000
    assert cpu == 0.0
    began = time.process_time()
    while time.process_time() - began < 0.1:
        pass
    assert meter.look(os.getpid(), time.monotonic())[1] > 0.05


def test_a_process_that_is_gone_takes_nothing() -> None:
    meter = ProcessMeter()
    assert meter.look(2**22, 1.0) == (0, 0.0)
    assert meter.look(None, 2.0) == (0, 0.0)


def test_a_sample_of_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    prepare_home(home)
    home.wal.write_bytes(b"x" * 123)
    (home.spool / "a.out").write_bytes(b"x" * 50)
    sampler = Sampler(home)
    spool = OpenSpool(1, "a", "build", Status.RUNNING, 8)
    first = sampler.take(record(ended=7), [spool])
    assert (first.unfinished, first.wal_bytes, first.backlog_bytes) == (1, 123, 42)
    assert (first.runner, first.memory_bytes, first.cpu) == (None, 0, 0.0)
    assert (first.commit_p50_ms, first.ended_per_min) == (None, 0)
    sampler.take(record(ended=9, commit_times={0: 98, 8: 2}), [])
    third = sampler.take(record(ended=10, commit_times={0: 98, 8: 2}), [])
    assert (third.ended_per_min, third.commit_p50_ms, third.commit_p99_ms) == (3, 1.0, 4.0)
    assert third.at > first.at
    assert 0 < third.span_s < 5


def test_the_last_minute_slides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    prepare_home(home)
    moment = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    sampler = Sampler(home)
    ended = []
    for at in (1000.0, 1010.0, 1030.0, 1069.0, 1071.0, 1091.0):
        moment = at
        ended.append(sampler.take(record(ended=int(at)), []).ended_per_min)
    assert ended == [0, 10, 30, 69, 61, 61]


def test_the_live_runner_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    prepare_home(home)
    identity = RunnerIdentity(os.getpid(), "1", 5)
    monkeypatch.setattr("stepflow_tui.health.sample.live_runner", lambda _: identity)
    lock = RunnerLock(home)
    assert lock.acquire(identity)
    sample = Sampler(home).take(None, [])
    lock.release()
    assert sample.runner == identity
    assert sample.memory_bytes > 5_000_000
