"""On what a benchmark ran."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("textual", "aiosqlite", "watchfiles", "click")


def machine() -> dict[str, str]:
    """Processor, memory, system and versions, by name."""
    return {
        "processor": f"{_of('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": _of("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "stepflow": version("stepflow-tui"),
        **{name: version(name) for name in _LIBRARIES},
    }


def _of(path: str, key: str) -> str:
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"
