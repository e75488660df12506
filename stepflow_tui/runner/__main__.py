"""The runner as a process: `python -m stepflow_tui.runner --home DIR`."""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui import __version__
from stepflow_tui.core import clock
from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.home import Home
from stepflow_tui.core.settings import Settings
from stepflow_tui.requests import inbox
from stepflow_tui.requests.runner import RunnerIdentity, RunnerLock, start_runner
from stepflow_tui.runner.loop import Runner
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from types import FrameType

_log = logging.getLogger("stepflow")

_LOG_BYTES = 1_000_000
_LOG_FILES = 3


def main() -> int:
    """Run until there is nothing to do, or a signal or a request says to leave."""
    parser = argparse.ArgumentParser(prog="stepflow runner run")
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--foreground", action="store_true", help="log to stderr as well")
    arguments = parser.parse_args()
    home = Home(arguments.home.absolute())
    os.umask(0o077)
    try:
        prepare_home(home)
        _set_up_log(home, foreground=arguments.foreground)
        return _hold_and_run(home)
    except StepflowError as error:
        sys.stderr.write(f"stepflow: {error}\n")
        return error.exit_code


def _set_up_log(home: Home, *, foreground: bool) -> None:
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            home.runner_log, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES
        )
    ]
    if foreground:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(process)d %(message)s",
        handlers=handlers,
    )


def _hold_and_run(home: Home) -> int:
    lock = RunnerLock(home)
    identity = RunnerIdentity(os.getpid(), __version__, clock.now().wall_ms)
    if not lock.acquire(identity):
        _log.info("another runner is alive; leaving")
        return 0
    try:
        idle = _run(home)
    except StepflowError as error:
        _log.error("%s", error)
        raise
    except Exception:
        _log.critical("the runner crashed", exc_info=True)
        raise
    finally:
        lock.release()
    if idle:
        _hand_over(home)
    return 0


def _hand_over(home: Home) -> None:
    """Serve a request that came while we left: its client saw us alive."""
    if any(True for _ in inbox.waiting(home)):
        start_runner(home)


def _run(home: Home) -> bool:
    """Run until it is time to leave; True if that was for want of work."""
    settings = Settings.from_environment(os.environ)
    wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    runner = Runner(home, settings, wake)

    def leave(number: int, _: FrameType | None) -> None:
        _log.info("told to leave by %s", signal.Signals(number).name)
        runner.leave()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _log.info("runner %s of %s", __version__, home.root)
    try:
        idle = runner.run()
    finally:
        runner.close()
    _log.info("left")
    return idle


if __name__ == "__main__":
    sys.exit(main())
