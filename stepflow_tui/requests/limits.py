"""What a script may use: the limits of its caller, and those that are set for it alone."""

from __future__ import annotations

import math
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import format_duration, format_size
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.requests.request import RLIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENOUGH_FOR_LOGS = 10**9
"""Bytes of a file, as much as the log of one execution may take."""

_HINDERING = {
    "Max file size": resource.RLIMIT_FSIZE,
    "Max cpu time": resource.RLIMIT_CPU,
    "Max address space": resource.RLIMIT_AS,
    "Max data size": resource.RLIMIT_DATA,
}
_RUNNER_MODULE = b"stepflow_tui.runner"
_LARGEST = 2**63 - 1
_NICENESS = range(-20, 20)
_CHECKED: dict[str, tuple[str, Callable[[int], str]]] = {
    "memory": ("AS", format_size),
    "cpu": ("CPU", lambda seconds: format_duration(seconds * 1000)),
    "file_size": ("FSIZE", format_size),
}


def caller_limits() -> dict[str, list[int]]:
    """The soft and hard resource limits of this process by name; -1 is none."""
    kinds = {name: getattr(resource, f"RLIMIT_{name}", None) for name in sorted(RLIMITS)}
    return {
        name: list(resource.getrlimit(kind)) for name, kind in kinds.items() if kind is not None
    }


def cutting_file_size() -> int | None:
    """The hard limit of our files' size, in bytes, if it would cut logs and we may not lift it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or hard >= ENOUGH_FOR_LOGS:
        return None
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        return hard
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return None


def is_more_limited(pid: int) -> bool:
    """Whether limits or niceness of a runner's process hinder it more than ours would.

    False for a process that cannot be seen from here, as in another PID namespace.
    """
    try:
        if _RUNNER_MODULE not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return False
        niceness = os.getpriority(os.PRIO_PROCESS, pid)
        lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
    except OSError:  # it has ended, or this is another system
        return False
    pairs: list[tuple[float, float]] = [(-niceness, -caller_niceness())]
    for line in lines:
        for title, kind in _HINDERING.items():
            if line.startswith(title):
                told = line.removeprefix(title).split()[1]
                theirs = math.inf if told == "unlimited" else int(told)
                own = resource.getrlimit(kind)[1]
                pairs.append((theirs, math.inf if own == resource.RLIM_INFINITY else own))
    # Two of whom each is more limited in another way would only replace each other.
    return any(one < other for one, other in pairs) and all(one <= other for one, other in pairs)


def caller_processors() -> list[int]:
    """The processors on which this process may run; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def caller_niceness() -> int:
    """The niceness of this process."""
    return os.getpriority(os.PRIO_PROCESS, 0)


def check_limits(limits: Mapping[str, int]) -> None:
    """Refuse limits for a script that its caller cannot set.

    Args:
        limits: `memory` and `file_size` in bytes, `cpu` in seconds, `nice`.

    Raises:
        UsageProblem: one of them is not possible, or not permitted.
    """
    for name in _CHECKED.keys() & limits:
        _check_limit(name, limits[name])
    if "nice" in limits:
        _check_niceness(limits["nice"])


def _check_limit(name: str, limit: int) -> None:
    rlimit, shown = _CHECKED[name]
    word = name.replace("_", " ")
    if limit <= 0:
        raise UsageProblem(f"a {word} limit must be more than nothing")
    if limit > _LARGEST:
        raise UsageProblem(f"a {word} limit of this size is the same as none; leave it out")
    _, hard = caller_limits().get(rlimit, [-1, -1])
    if 0 <= hard < limit:
        raise UsageProblem(
            f"a {word} limit of {shown(limit)} is above your own hard limit of {shown(hard)}; "
            "give a lower one"
        )


def _check_niceness(nice: int) -> None:
    if nice not in _NICENESS:
        raise UsageProblem("a niceness goes from -20 to 19")
    if nice < min(0, caller_niceness()) and os.geteuid() != 0:
        raise UsageProblem("only root may set a negative niceness; give one from 0 to 19")
