"""A dashboard in which time stands still, for pictures that are the same each time."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from textual.widgets import Input, TextArea

from stepflow_tui.core import clock
from stepflow_tui.health.examination import Examination
from stepflow_tui.health.process_tree import ProcessTree
from stepflow_tui.health.sample import Sample
from stepflow_tui.requests.runner import RunnerIdentity
from stepflow_tui.tui.screens import health
from stepflow_tui.tui.screens.main import run_actions
from stepflow_tui.tui.vitals.samples import Samples
from stepflow_tui.tui.widgets.notice import Notice
from tests.tui.furnished import NOW_MS, SITE, TRAIN

if TYPE_CHECKING:
    import pytest

    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard

_ADA = Path("/home/ada")
_RUNNER = RunnerIdentity(4242, "1.0", NOW_MS - 3 * 3_600_000)
_TREES = [
    ProcessTree(SITE, "site", 4250, 4, 310_000_000, 1.5),
    ProcessTree(TRAIN, "训练-模型 🚀", 4251, 9, 2_900_000_000, 3.2),
]


def _history() -> list[Sample]:
    """Ten minutes in which more and more is done, until the write-ahead log grows too long."""
    return [
        Sample(
            float(at),
            10.0,
            unfinished=1 + at // 200,
            lines_per_s=at * 3.0 + at % 70,
            ended_per_min=at // 100,
            commit_p50_ms=0.4 + at % 50 / 100,
            commit_p99_ms=1.5 + at % 90 / 10,
            wal_bytes=at * 102_000,
            backlog_bytes=at * 400,
            runner=_RUNNER,
            memory_bytes=31_000_000 + at * 9_000,
            cpu=at / 3_000,
        )
        for at in range(10, 601, 10)
    ]


def freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clocks, and hand out fixed figures and paths in the place of this machine's."""
    stopped = SimpleNamespace(
        time_ns=lambda: NOW_MS * 1_000_000,
        monotonic_ns=lambda: 77_000_000_000_000,
        localtime=time.localtime,
        mktime=time.mktime,
    )
    monkeypatch.setattr(clock, "time", stopped)
    monkeypatch.setattr(clock, "boot_id", lambda: "this boot")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    say_empty = Notice.say_empty
    monkeypatch.setattr(
        Notice, "say_empty", lambda self, _: say_empty(self, _ADA / ".local/state/stepflow")
    )
    monkeypatch.setattr(run_actions, "_here", lambda: str(_ADA / "site"))
    monkeypatch.setattr(health, "examine", _examination)
    monkeypatch.setattr(Samples, "take", _take)


def _examination(_: Home, *, closely: bool) -> Examination:
    assert closely
    found = Examination(runner=_RUNNER, database_bytes=12_300_000, free_bytes=8_000_000_000)
    found.strains.append("the write-ahead log is 61.2 MB long: somebody reads for a long time")
    found.readers = [(811, "sqlite3")]
    return found


async def _take(samples: Samples) -> None:
    if not samples.history:
        samples._history.extend(_history())
    samples.trees = list(_TREES)
    samples._taken.set()
    samples._taken.clear()


def picture(board: Dashboard) -> str:
    """What stands on the screen, as SVG; the cursor does not blink."""
    for line in board.app.screen.query(Input):
        line._pause_blink(visible=line.has_focus)
    for text in board.app.screen.query(TextArea):
        text._pause_blink(visible=text.has_focus)
    return board.app.export_screenshot(title="stepflow", simplify=True)
