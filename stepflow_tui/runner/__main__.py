"""The runner as a process: `python -m stepflow_tui.runner --home DIR`."""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui import __version__
from stepflow_tui.core import clock
from stepflow_tui.core.errors import NO_ROOM, DatabaseDamaged, StepflowError, system_reason
from stepflow_tui.core.home import Home
from stepflow_tui.core.paths import absolute
from stepflow_tui.core.settings import Settings
from stepflow_tui.core.text import clean, clean_line
from stepflow_tui.requests import inbox
from stepflow_tui.requests.runner import check_file_size_limit, start_runner
from stepflow_tui.requests.runner_lock import RunnerIdentity, RunnerLock, Standing
from stepflow_tui.runner.loop import Runner
from stepflow_tui.runner.proc import has_pidfd
from stepflow_tui.store.damage import set_aside, set_aside_log
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from types import FrameType

_log = logging.getLogger("stepflow")

_LOG_BYTES = 1_000_000
_LOG_FILES = 3
_INTERRUPTED = 130
_NO_PIDFD = (
    "pidfd is not available here (an old kernel, or a seccomp filter): processes are signalled by "
    "their pid, after a look at their start time"
)
_MOST_PROCESSORS = 1024


def main() -> int:
    """Run until there is nothing to do, or a signal or a request says to leave."""
    signal.signal(signal.SIGINT, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # `runner run` has blocked it
    parser = argparse.ArgumentParser(prog="stepflow runner run")
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--foreground", action="store_true", help="log to stderr as well")
    arguments = parser.parse_args()
    os.umask(0o077)
    _lift_limits()
    try:
        check_file_size_limit()
        home = Home(absolute(arguments.home))
        prepare_home(home)
        _set_up_log(home, foreground=arguments.foreground)
        return _hold_and_run(home)
    except StepflowError as error:
        sys.stderr.write(f"stepflow: {clean_line(str(error))}\n")
        return error.exit_code
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        reason = f"no runner can work in {arguments.home}: {system_reason(error)}"
        sys.stderr.write(f"stepflow: {clean_line(reason)}\n")
        return 1


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing has begun yet, and nothing that lies on the disk minds."""
    os._exit(_INTERRUPTED)


def _lift_limits() -> None:
    """Be free of what the shell that happened to start us has limited for its own sake."""
    with suppress(OSError):
        os.sched_setaffinity(0, range(_MOST_PROCESSORS))
    for kind in (
        resource.RLIMIT_AS,
        resource.RLIMIT_CPU,
        resource.RLIMIT_DATA,
        resource.RLIMIT_FSIZE,
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (hard, hard))
        with suppress(ValueError, OSError):  # only root may
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class _Formatter(logging.Formatter):
    """Leaves out what a terminal obeys: names of files and errors may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line, and a line for each of a traceback."""
        return "\n".join(map(clean, super().format(record).split("\n")))


def _set_up_log(home: Home, *, foreground: bool) -> None:
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            home.runner_log, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES
        )
    ]
    if foreground:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(process)d %(message)s"))
    logging.raiseExceptions = False  # a log that cannot be written ends nothing
    logging.basicConfig(level=logging.INFO, handlers=handlers)


def _hold_and_run(home: Home) -> int:
    lock = RunnerLock(home)
    note = "" if has_pidfd() else _NO_PIDFD
    identity = RunnerIdentity(os.getpid(), __version__, clock.now().wall_ms, note=note)
    if not lock.acquire(identity):
        _log.info("another runner is alive; leaving")
        return 0
    try:
        runner = _run(home, lock)
        new_place = runner.monitor.new_place()
    except StepflowError as error:
        _log.error("%s", error)
        raise
    except Exception:
        _log.critical("the runner crashed", exc_info=True)
        raise
    finally:
        lock.release()
    if runner.monitor.is_away:
        _start_over(new_place)
    elif runner.displaced:
        _start_over(home)
    elif runner.is_idle:
        _hand_over(home)
    return 0


def _hand_over(home: Home) -> None:
    """Serve a request that came while we left: its client saw us alive."""
    if any(True for _ in inbox.waiting(home)):
        start_runner(home)


def _start_over(home: Home | None) -> None:
    """Leave the database to a new runner, if there is a home, without a last write into another's.

    Closing the connection would move the write-ahead log into whatever has taken the file's place.
    """
    if home is not None:
        start_runner(home)
    logging.shutdown()
    os._exit(0)


def _run(home: Home, lock: RunnerLock) -> Runner:
    """Run until it is time to leave, and close all that may be closed."""
    settings = Settings.from_environment(os.environ)
    wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    runner = Runner(home, settings, _open_database(home, lock), wake, lock)

    told_by: list[str] = []

    def leave(number: int, _: FrameType | None) -> None:
        # No logging here: the signal may have interrupted a write to the same stream.
        told_by.append(signal.Signals(number).name)
        runner.leave()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _log.info("runner %s of %s", __version__, home.root)
    try:
        runner.run()
        if told_by:
            _log.info("told to leave by %s", ", ".join(told_by))
    finally:
        if runner.monitor.is_away:
            _log.info("leaving the home where it is")
        elif runner.displaced == "damaged":
            _set_aside(home)
        elif runner.displaced == "overwritten":
            aside = set_aside_log(home.database)
            _log.error("the write-ahead log was set aside as %s-wal", aside)
        else:
            runner.close()
    _log.info("left")
    return runner


def _open_database(home: Home, lock: RunnerLock) -> Writer:
    """The database to write; one that is damaged is set aside, and a new one made."""

    def holds() -> bool:
        return lock.standing() is Standing.HELD

    try:
        return Writer(home.database, may_commit=holds)
    except DatabaseDamaged as error:
        _log.error("%s", error)
    _set_aside(home)
    return Writer(home.database, may_commit=holds)


def _set_aside(home: Home) -> None:
    aside = set_aside(home.database)
    _log.error("the damaged database was set aside as %s", aside)


if __name__ == "__main__":
    sys.exit(main())
