"""A machine on which the runner takes its time to start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house import House

SLOW = """
import sys, time
if "stepflow_tui.runner" in sys.orig_argv:
    time.sleep({seconds})
"""


def stepflow(
    house: House, *words: str, slow: Path | None = None
) -> subprocess.CompletedProcess[str]:
    paths = [str(slow)] if slow else []
    return subprocess.run(
        [sys.executable, "-m", "stepflow_tui", *words, "--home", str(house.home.root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize("words", [["run", "--shell", "true"], ["runner", "start"]])
@pytest.mark.parametrize("seconds", [2.5, 7])
def test_a_runner_that_is_slow_to_start_was_not_gone(
    house: House, tmp_path: Path, words: list[str], seconds: float
) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(SLOW.format(seconds=seconds))
    began = time.monotonic()
    done = stepflow(house, *words, slow=slow)
    assert time.monotonic() - began > seconds
    assert done.returncode == 0
    assert "was gone" not in done.stderr
    assert "does not stay up" not in done.stderr


def test_a_runner_that_was_killed_was_gone(house: House) -> None:
    pid = house.start_runner().pid
    done = stepflow(house, "run", "--shell", f"kill -9 {pid}; sleep 3; echo done")
    assert done.returncode == 0
    assert "done" in done.stdout
    assert "the runner was gone and was started again; nothing is lost" in done.stderr
