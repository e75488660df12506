from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stepflow_tui.health.process_tree import ProcessTree, ProcessTrees
from stepflow_tui.health.shim import shim_of
from stepflow_tui.runner.proc import ProcessTable
from stepflow_tui.store.vitals import OpenSpool, open_spools
from tests.house import House, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable


def spool_of(house: House, execution: str) -> OpenSpool:
    [spool] = [spool for spool in house.read(open_spools(9)) if spool.id == execution]
    return spool


def only(trees: list[ProcessTree]) -> ProcessTree:
    [tree] = trees
    return tree


def busy(trees: ProcessTrees, spool: OpenSpool, least: float) -> Callable[[], ProcessTree | None]:
    def look() -> ProcessTree | None:
        time.sleep(0.2)  # processor time is counted in ticks of 10 ms
        tree = only(trees.look([spool]))
        return tree if (tree.cpu or 0.0) >= least else None

    return look


def test_a_tree_holds_all_that_a_script_has_started(house: House) -> None:
    script = house.script("setsid sleep 60 & (sleep 60 & sleep 60); echo ready; wait")
    execution = house.submit(script)
    number = house.wait_running(execution).number
    shim = shim_of(house.home, execution)
    assert shim is not None
    wait_for(lambda: len(ProcessTable().descendants(shim.pid)) >= 7)  # 2 pump, bash, 4 more
    expected = len(ProcessTable().descendants(shim.pid)) + 1
    tree = only(ProcessTrees(house.home).look([spool_of(house, execution)]))
    assert (tree.number, tree.name, tree.pid) == (number, "script.sh", shim.pid)
    assert (tree.count, tree.cpu) == (expected, None)
    assert 1_000_000 < tree.memory_bytes < 100_000_000


def test_processor_time_is_measured_from_look_to_look(house: House) -> None:
    execution = house.submit(house.script("while :; do :; done"))
    house.wait_running(execution)
    spool = spool_of(house, execution)
    trees = ProcessTrees(house.home)
    assert only(trees.look([spool])).cpu is None
    tree = wait_for(busy(trees, spool, 0.1))
    assert tree.cpu is not None
    assert tree.cpu < 1.5


def test_the_time_of_children_that_have_ended_counts(house: House) -> None:
    script = house.script("while :; do bash -c 'for i in {1..3000}; do :; done'; done")
    execution = house.submit(script)
    house.wait_running(execution)
    trees = ProcessTrees(house.home)
    tree = wait_for(busy(trees, spool_of(house, execution), 0.1))
    assert tree.number == 1


def test_what_has_ended_has_no_tree(house: House) -> None:
    execution = house.submit(house.script("read line </dev/null; sleep 60"))
    house.wait_running(execution)
    spool = spool_of(house, execution)
    trees = ProcessTrees(house.home)
    assert len(trees.look([spool])) == 1
    house.cancel(execution, force=True)
    house.wait(execution)
    wait_for(lambda: not trees.look([spool]))
    assert trees.look([]) == []
