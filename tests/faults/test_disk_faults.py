"""The disk fails while the runner's writer works: nothing is half there, or there by mistake."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING

import apsw
import pytest

from tests.faults.apsw_connection import mounted
from tests.faults.sectors import LASTING, Disk, Fault, PowerLost, restore
from tests.faults.test_power_cut import Verdict, Workload, cut, empty, reopen, simulated, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stepflow_tui.store.transaction import Transaction
    from tests.faults.apsw_connection import ApswConnection
    from tests.faults.sectors import Kind

SEEDS = 6
TURNS = 25

FAULTS: list[tuple[Kind, int]] = [
    ("write", apsw.SQLITE_IOERR_WRITE),
    ("write", apsw.SQLITE_FULL),
    ("sync", apsw.SQLITE_IOERR_FSYNC),
    ("truncate", apsw.SQLITE_IOERR_TRUNCATE),
]
FIRST: dict[Kind, int] = {"write": 120, "sync": 8, "truncate": 6}
"""The fault comes up at one of the first so many operations of its kind."""


class Watched(Workload):
    """Looks at every moment whether just that is visible which was acknowledged."""

    def start(self, connect: Callable[[Path], ApswConnection]) -> None:
        newest = max(i for i, commit in enumerate(self.history) if commit.acknowledged)
        possible = [commit.snapshot for commit in self.history[newest:]]
        super().start(connect)
        assert not self.is_running or self.history[-1].snapshot in possible

    def commit(self, write: Callable[[Transaction], None], *, durable: bool) -> bool:
        committed = super().commit(write, durable=durable)
        newest = next(commit for commit in reversed(self.history) if commit.acknowledged)
        assert snapshot(self.writer._connection) == newest.snapshot
        return committed


def outlast(seed: int, fault: Fault) -> tuple[Verdict, int]:
    """The fault comes and goes; then the process ends, and another one opens the database.

    Returns:
        What that one finds, and how often the disk has failed.
    """
    with simulated(seed, Watched) as (chance, work):
        disk = Disk(chance)
        with mounted(disk) as connect:
            work.start(connect)
            disk.fail(fault)
            for _ in range(TURNS):
                work.turn()
            disk.mend()
            refused = work.refused
            for _ in range(TURNS):
                work.turn()
            assert work.refused == refused
        verdict = Verdict(seed, life=0, operation=disk.operations)
        return reopen(restore(disk.contents(), work.home.root.parent), work, verdict), disk.refused


@pytest.mark.parametrize("times", [1, 3, LASTING])
@pytest.mark.parametrize(("kind", "code"), FAULTS)
def test_what_is_refused_is_nowhere_and_what_is_acknowledged_stays(
    kind: Kind, code: int, times: int
) -> None:
    failures = refusals = 0
    for seed in range(SEEDS):
        first = random.Random(seed).randrange(1, FIRST[kind])  # noqa: S311
        verdict, failed = outlast(seed, Fault(kind, code, first, times))
        assert verdict.is_good, verdict
        assert verdict.undone == 0, verdict
        failures += failed
        refusals += verdict.refused
    assert failures >= SEEDS // 2
    assert refusals >= (SEEDS // 2 if kind != "truncate" else 0)


@pytest.mark.parametrize(("kind", "code"), FAULTS[:3])
def test_what_could_not_be_opened_can_be_opened_later(kind: Kind, code: int) -> None:
    refused = 0
    for first in range(1, 70 if kind == "write" else 7, 3 if kind == "write" else 1):
        with simulated(first, Watched) as (chance, work):
            disk = Disk(chance)
            disk.fail(Fault(kind, code, first))
            with mounted(disk) as connect:
                work.start(connect)
                refused += work.refused
                disk.mend()
                work.start(connect)
                assert work.is_running
                assert work.history[-1].snapshot == empty()
                work.turn()
            verdict = Verdict(first, life=0, operation=disk.operations)
            verdict = reopen(restore(disk.contents(), work.home.root.parent), work, verdict)
            assert verdict.is_good, verdict
            assert verdict.undone == 0
    assert refused > 4


@pytest.mark.parametrize(("kind", "code"), FAULTS)
def test_a_power_cut_after_a_fault_breaks_no_promise_either(kind: Kind, code: int) -> None:
    refused = 0
    for seed in range(16):
        chance = random.Random(seed)  # noqa: S311
        fault = Fault(kind, code, chance.randrange(1, FIRST[kind]), chance.choice((1, 4)))
        verdict = cut(seed, fault=fault)
        assert verdict.is_good, verdict
        refused += bool(verdict.refused)
    assert refused > (3 if kind != "truncate" else -1)


def promise_again(seed: int) -> Verdict:
    """A sync fails and the kernel takes pages for written; what is promised afterwards?"""
    with simulated(seed) as (chance, work):
        disk = Disk(chance)
        with mounted(disk) as connect, suppress(PowerLost):
            work.start(connect)
            for _ in range(TURNS):
                work.turn()
            disk.fail(Fault("sync", apsw.SQLITE_IOERR_FSYNC, first=1, forgets=True))
            while not disk.refused:
                work.turn()
            tried = len(work.history)
            while not any(
                commit.durable and commit.acknowledged for commit in work.history[tried:]
            ):
                work.turn()
            disk.lose_power_at(disk.operations + 1)
            while True:
                work.turn()
        assert disk.image is not None
        verdict = Verdict(seed, life=0, operation=disk.operations)
        return reopen(restore(disk.image, work.home.root.parent), work, verdict)


def test_nothing_is_promised_on_top_of_what_a_failed_sync_has_lost() -> None:
    bad = [verdict for verdict in map(promise_again, range(30)) if not verdict.is_good]
    assert bad == []
