"""A signal tells the runner to leave, whatever it is doing at that moment."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

INTERRUPTED_WRITE = """
import io, os, signal, sys
from stepflow_tui.runner.__main__ import main

class Raw(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        if b" runner " in bytes(data):
            os.kill(os.getpid(), signal.{name})
        return os.write(2, data)

sys.stderr = io.TextIOWrapper(io.BufferedWriter(Raw()), line_buffering=True)
sys.argv[1:] = ["--foreground", "--home", {home!r}]
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_in_the_middle_of_a_log_line(tmp_path: Path, name: str) -> None:
    code = INTERRUPTED_WRITE.format(name=name, home=str(tmp_path / "home"))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert f"told to leave by {name}" in done.stderr
    assert "Traceback" not in done.stderr
    assert "reentrant" not in done.stderr
