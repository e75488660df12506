"""Who reads the requests: finding the live runner of a home, and starting one.

The runner holds two locks, which go with its process however it ends: see `runner_lock`. The record
lock on `runner.lock` can be looked at without taking it (F_GETLK), so that a client who looks never
stands in the way of a runner that starts.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from zipimport import zipimporter

from stepflow_tui import __version__
from stepflow_tui.core import clock
from stepflow_tui.core.errors import HomeProblem, StepflowError
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.paths import is_read_only
from stepflow_tui.requests import inbox
from stepflow_tui.requests.limits import cutting_file_size, is_more_limited
from stepflow_tui.requests.request import StopRequest
from stepflow_tui.requests.runner_lock import (
    RunnerIdentity,
    RunnerLock,
    holder_of,
    read_identity,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.core.home import Home

__all__ = ["MARKS", "RunnerGone", "RunnerIdentity", "RunnerLock", "live_runner"]

_DETACH = 'umask 077; exec </dev/null >>"$0" 2>&1; cd /; "$@" &'
_PROC = Path("/proc")
_POLL_S = 0.01
_SIGNING_LOOKS = 50
_UNSIGNED = "somebody has emptied or overwritten the lock file of the runner"
_RETIRE_S = 10.0
_RUNNER_MARK = "STEPFLOW_RUNNER"

MARKS = ("STEPFLOW", "STEPFLOW_EXECUTION_ID", _RUNNER_MARK)
"""Variables by which a process is known as ours; they go to nobody who inherits by chance."""


_USED = lazy_pattern(
    r"STEPFLOW_\w+|PYTHON\w+|LD_\w+|MALLOC_\w+|LC_\w+|LANG(UAGE)?|TZ(DIR)?|PATH|HOME|USER"
    r"|LOGNAME|TMPDIR|XDG_\w+|DBUS_SESSION_BUS_ADDRESS"
)


class RunnerGone(StepflowError):
    """The runner did not come up, or does not answer."""


def live_runner(home: Home) -> RunnerIdentity | None:
    """The runner that holds the lock now, or None.

    Raises:
        HomeProblem: the lock file cannot be read.
        RunnerGone: somebody holds the lock, and nobody can say who.
    """
    for _ in range(_SIGNING_LOOKS):
        try:
            descriptor = _opened_lock(home)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HomeProblem(f"cannot read {home.runner_lock}: {error.strerror}") from error
        try:
            holder = holder_of(descriptor)
            if holder is None:
                return None
            found = read_identity(descriptor)
        finally:
            os.close(descriptor)
        if found is not None:
            return found
        time.sleep(_POLL_S)  # it took the lock an instant ago and has not signed it yet
    return _unsigned(home, holder)


def _opened_lock(home: Home) -> int:
    """The lock file; to ask who holds it, being able to read it is enough."""
    flags = os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(home.runner_lock, os.O_RDWR | flags)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(home.runner_lock, os.O_RDONLY | flags)


def _unsigned(home: Home, holder: int | None) -> RunnerIdentity:
    """The holder of a lock file that somebody has emptied or overwritten, as the kernel tells."""
    if not holder:  # in another PID namespace
        raise RunnerGone(
            f"{home.runner_lock} is held, but does not say by whom, and its holder cannot be seen "
            "from here; end the runner where it was started"
        )
    return RunnerIdentity(holder, __version__, clock.now().wall_ms, _UNSIGNED)


def is_starting(home: Home) -> bool:
    """Whether a runner of this home is there that holds no lock yet, as on a slow machine."""
    words = ("stepflow_tui.runner", "--home", str(home.root.absolute()))
    wanted = b"\0".join(map(os.fsencode, words)) + b"\0"
    try:
        pids = [entry.name for entry in os.scandir(_PROC) if entry.name.isdigit()]
    except OSError:
        return False
    return any(wanted in _command_line(pid) for pid in pids)


def _command_line(pid: str) -> bytes:
    try:
        return (_PROC / pid / "cmdline").read_bytes()
    except OSError:
        return b""


def program_command() -> list[str]:
    """The words that start this program anew: from its archive (a `.pyz`), if it runs from one."""
    loader = sys.modules["__main__"].__loader__
    if isinstance(loader, zipimporter):
        return [sys.executable, str(Path(loader.archive).absolute())]
    return [sys.executable, "-m", "stepflow_tui"]


def runner_command(home: Home) -> list[str]:
    """The words that start a runner of this home; it needs `python_path` in its environment."""
    # Names of files are UTF-8 to the runner, whatever the locale of whoever starts it.
    python = [sys.executable, "-X", "utf8"]
    return [*python, "-m", "stepflow_tui.runner", "--home", str(home.root.absolute())]


def python_path(environ: Mapping[str, str]) -> str:
    """`PYTHONPATH` with which another Python process finds this package, wherever it lies."""
    package_parent = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [package_parent, environ.get("PYTHONPATH")]))


def start_runner(home: Home) -> None:
    """Start a runner for this home, detached from our terminal and session; do not wait for it.

    If another one is alive or starts at the same time, the new one leaves.

    Raises:
        RunnerGone: it could not be started.
        UsageProblem: its settings, which it takes from our environment, cannot be read.
    """
    if is_read_only(home.root):
        raise RunnerGone(f"no runner can work: the file system of {home.root} is read-only")
    _read_settings()
    check_file_size_limit()
    environment = runner_environment(os.environ)
    environment["PYTHONPATH"] = python_path(environment)
    started = subprocess.run(
        ["/bin/sh", "-c", _DETACH, str(home.runner_log.absolute()), *runner_command(home)],
        check=False,
        env=environment,
        stderr=subprocess.DEVNULL,  # what the shell says of a log that it cannot open
        start_new_session=True,
    )
    if started.returncode:
        raise RunnerGone(f"cannot start a runner: is {home.runner_log} writable?")


def runner_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a runner gets of its caller's environment: only what it uses, as it outlives the caller.

    A secret must not stay there. A script's own environment is in its request.
    """
    from stepflow_tui.core.redaction import looks_secret

    has_preload = "LD_PRELOAD" in environ  # such a library has settings of any name
    kept = {
        name: value
        for name, value in environ.items()
        if (has_preload or _USED.fullmatch(name)) and not looks_secret(name)
    }
    # A runner that a recorded script starts must not look like a part of that execution.
    for mark in MARKS:
        kept.pop(mark, None)
    return {**kept, _RUNNER_MARK: "1"}


def _read_settings() -> None:
    from stepflow_tui.core.settings import Settings  # seldom needed, and dear to make

    Settings.from_environment(os.environ)


def check_settings(home: Home) -> None:
    """Look whether a runner could be started, if there is none, before it is given work.

    Raises:
        UsageProblem: its settings, which it takes from our environment, cannot be read.
        RunnerGone: a limit of ours would hinder it.
    """
    if live_runner(home) is None:
        check_file_size_limit()
        _read_settings()


def check_file_size_limit() -> None:
    """Refuse to be, or to start, a runner whose database and logs would be cut.

    Raises:
        RunnerGone: the hard limit of our files' size is too low, and we may not lift it.
    """
    size = cutting_file_size()
    if size is not None:
        raise RunnerGone(
            f"no runner can be started here: files may have {size:,} bytes at most (ulimit -H -f), "
            "which would cut its database and all logs; from a shell without this limit, run: "
            "stepflow runner start"
        )


def ensure_runner(home: Home, *, wait_s: float = 0.0) -> RunnerIdentity | None:
    """The live runner; if there is none one is started and given up to `wait_s` seconds.

    Raises:
        RunnerGone: it could not be started.
        UsageProblem: its settings, which it takes from our environment, cannot be read.
    """
    runner = live_runner(home)
    if runner is not None and (
        _release(runner.version) < _release(__version__) or is_more_limited(runner.pid)
    ):
        runner = _retire(home, runner)
    if runner is not None:
        return runner
    start_runner(home)
    deadline = time.monotonic() + wait_s
    while runner is None and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        runner = live_runner(home)
    return runner


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall("[0-9]+", version)[:3])


def _retire(home: Home, runner: RunnerIdentity) -> RunnerIdentity | None:
    """Let a runner leave that is older, or more limited, so that one of ours takes over its work.

    Returns:
        The runner that lives then: None as a rule.
    """
    stop = StopRequest(id=new_id())
    inbox.submit(home, stop)
    deadline = time.monotonic() + _RETIRE_S
    found: RunnerIdentity | None = runner
    while found is not None and found.pid == runner.pid and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        found = live_runner(home)
    inbox.discard(inbox.path_of(home, stop.id, stop.kind))  # left lying it would end the next one
    return found
