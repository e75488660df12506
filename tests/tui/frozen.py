"""A dashboard in which time stands still, for pictures that are the same each time."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from stepflow_tui.core import clock
from stepflow_tui.health.examination import Examination
from stepflow_tui.health.process_tree import ProcessTree
from stepflow_tui.health.sample import Sample
from stepflow_tui.requests.runner import RunnerIdentity
from stepflow_tui.tui import samples
from stepflow_tui.tui.screens import health, run_actions
from tests.tui.furnished import NOW_MS, SITE, TRAIN

if TYPE_CHECKING:
    import pytest

_RUNNER = RunnerIdentity(4242, "1.0", NOW_MS - 3 * 3_600_000)
_TREES = [
    ProcessTree(SITE, "site", 4250, 4, 310_000_000, 1.5),
    ProcessTree(TRAIN, "训练-模型 🚀", 4251, 9, 2_900_000_000, 3.2),
]


def freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clocks, and hand out fixed figures wherever this machine would be measured."""
    stopped = SimpleNamespace(
        time_ns=lambda: NOW_MS * 1_000_000, monotonic_ns=lambda: 77_000_000_000_000
    )
    monkeypatch.setattr(clock, "time", stopped)
    monkeypatch.setattr(clock, "boot_id", lambda: "this boot")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(run_actions, "_here", lambda: "/home/ada/site")
    monkeypatch.setattr(health, "examine", lambda _, *, closely: _examination(closely=closely))
    monkeypatch.setattr(samples, "Samples", _FixedSamples)


def _examination(*, closely: bool) -> Examination:
    assert closely
    found = Examination(runner=_RUNNER, database_bytes=12_300_000, free_bytes=8_000_000_000)
    found.strains.append("the write-ahead log is 61.2 MB long: somebody reads for a long time")
    return found
