"""A program that prints lines as fast as they are taken."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.workshop import Workshop

WIDTH = 66
"""Bytes of a line, with its newline."""


def build(workshop: Workshop) -> Path:
    """Compile it; its arguments are the number of lines and their width without the newline.

    Raises:
        FileNotFoundError: there is no C compiler.
    """
    return workshop.compiled("flood")


def plain_seconds(program: Path, lines: int, target: Path) -> float:
    """How long it takes into a plain file."""
    began = time.perf_counter()
    with target.open("wb") as file:
        subprocess.run([str(program), str(lines)], stdout=file, check=True)
    return time.perf_counter() - began
