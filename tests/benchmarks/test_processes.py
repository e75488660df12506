from __future__ import annotations

import os
import subprocess
import time

from benchmarks import processes

ENDED = 2**22 + 1
"""No process has this id."""


def test_own_processor_time_counts() -> None:
    before, began = processes.cpu_s(os.getpid()), time.process_time()
    while time.process_time() < began + 0.1:
        pass
    assert 0.08 <= processes.cpu_s(os.getpid()) - before < 10


def test_memory_is_in_megabytes() -> None:
    assert 5 < processes.memory_mb(os.getpid()) < 5000


def test_children_are_those_that_live() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        assert processes.with_children(os.getpid())[0] == os.getpid()
        assert child.pid in processes.with_children(os.getpid())
    assert child.pid not in processes.with_children(os.getpid())


def test_a_process_that_has_ended_takes_nothing() -> None:
    found = processes.memory_mb(ENDED), processes.cpu_s(ENDED), processes.written_bytes(ENDED)
    assert found == (0, 0, 0)
