"""`stepflow runner`: the background process by hand."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.acceptance import prepare
from stepflow_tui.cli.home_option import home_option, with_home
from stepflow_tui.cli.terminal import say, standard_output, write
from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_age
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.core.text import clean, clean_line
from stepflow_tui.requests.inbox import discard, path_of, submit
from stepflow_tui.requests.request import StopRequest
from stepflow_tui.requests.runner import (
    RunnerGone,
    ensure_runner,
    is_starting,
    live_runner,
    python_path,
    runner_command,
)
from stepflow_tui.store.home import check_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.runner import RunnerIdentity

_START_S, _SLOW_START_S = 5.0, 60.0
_STOP_S = 10.0
_CANCEL_ALL_S = 60.0
_POLL_S = 0.02


@click.group("runner")
@home_option
def command() -> None:
    """Start, stop or look at the background process."""


@command.command("start")
@with_home
def _start(home: Home) -> None:
    """Start a runner, unless one is alive."""
    prepare(home)
    write(f"{_line(_started(home))}\n")


def _started(home: Home) -> RunnerIdentity:
    runner = ensure_runner(home, wait_s=_START_S)
    deadline = time.monotonic() + _SLOW_START_S
    while runner is None and is_starting(home) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        runner = live_runner(home)
    if runner is None:
        raise RunnerGone(f"the runner did not start; see {home.runner_log}")
    return runner


@command.command("stop")
@click.option("--cancel-all", is_flag=True, help="Stop the scripts too")
@with_home
def _stop(home: Home, *, cancel_all: bool) -> None:
    """End the runner; scripts go on, and the next runner takes them up again."""
    check_home(home)
    if live_runner(home) is None:
        if not cancel_all or not home.database.exists():
            say("no runner is alive")
            return
        prepare(home)
        _started(home)  # scripts may have outlived the last one
    request = StopRequest(id=new_id(), cancel_all=cancel_all)
    submit(home, request)
    _await_end(home, request, _CANCEL_ALL_S if cancel_all else _STOP_S)
    say("the runner has ended")


def _await_end(home: Home, request: StopRequest, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while live_runner(home) is not None:
        if time.monotonic() > deadline:
            # Left lying, it would end the next runner.
            discard(path_of(home, request.id, request.kind))
            raise RunnerGone(f"the runner does not end; see {home.runner_log}")
        time.sleep(_POLL_S)


@command.command("status")
@with_home
def _status(home: Home) -> int:
    """Say whether a runner is alive; exit 1 if none is."""
    check_home(home)
    runner = live_runner(home)
    write("no runner is alive\n" if runner is None else f"{_line(runner)}\n")
    return 1 if runner is None else 0


def _line(runner: RunnerIdentity) -> str:
    age = format_age(now().wall_ms - runner.started_at)
    return f"runner {runner.version} is alive: process {runner.pid}, since {age}"


@command.command("run")
@with_home
def _run(home: Home) -> None:
    """Be the runner, in the foreground; for service managers."""
    prepare(home)
    command = [*runner_command(home), "--foreground"]
    environ = {**os.environ, "PYTHONPATH": python_path(os.environ)}
    # It stays pending until the runner is loaded, which lets it through; before, Python would raise
    # it in the midst of an import.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execve(sys.executable, command, environ)  # noqa: S606 - our own interpreter, no shell


@command.command("install")
@click.option("--print", "only_print", is_flag=True, help="Print the unit, write nothing")
@click.option("--force", is_flag=True, help="Replace a unit that differs")
@with_home
def _install(home: Home, *, only_print: bool, force: bool) -> None:
    """Write a systemd user unit, which keeps a runner alive from boot to shutdown."""
    from stepflow_tui.cli import service

    if only_print:
        write(_shown(service.unit_text(home, os.environ)))
        return
    prepare(home)
    path = service.install(home, force=force)
    write("".join(f"{clean_line(line)}\n" for line in _next_steps(path)))


def _shown(unit: str) -> str:
    """The unit as it is, but for what a terminal would obey."""
    if not standard_output().is_terminal:
        return unit
    return "\n".join(map(clean, unit.split("\n")))


def _next_steps(unit: Path) -> Iterator[str]:
    from stepflow_tui.health.logind import lingers, user_name

    yield f"written: {unit}"
    yield "start it now and with every login:"
    yield f"  systemctl --user daemon-reload && systemctl --user enable --now {unit.stem}"
    user = user_name()
    if lingers(user):
        yield f"lingering is on for {user}, so it runs from boot to shutdown"
    else:
        yield f"lingering is off for {user}: when you log out for the last time, systemd ends the"
        yield "runner with all its scripts, even where it spares other programs; to outlive it:"
        yield f"  loginctl enable-linger {user}"


@command.command("uninstall")
@with_home
def _uninstall(home: Home) -> None:
    """Remove the systemd user unit; a runner that it started stays until it is stopped."""
    from stepflow_tui.cli import service

    path = service.uninstall(home)
    if path is None:
        say(f"there is no unit {service.unit_path(home)}")
        return
    write(f"removed: {shown_path(str(path))}\n")
    write("end its runner, scripts go on:\n")
    write(f"  systemctl --user stop {path.stem}; systemctl --user daemon-reload\n")
