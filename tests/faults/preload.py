"""Libraries that stand between a runner and the kernel."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def built(name: str, directory: Path) -> Path:
    """The library made of `name`.c of this folder; without a compiler the test is skipped."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip(f"{name} needs gcc")
    source, library = Path(__file__).with_name(f"{name}.c"), directory / f"{name}.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return library
