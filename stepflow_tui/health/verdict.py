"""Judging what was found of a home: what is a failure, what a strain, each as a sentence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.paths import is_read_only
from stepflow_tui.core.text import clean_line
from stepflow_tui.health.open_files import readers_of
from stepflow_tui.store.damage import set_aside_before
from stepflow_tui.store.home import read_only_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.health.examination import Examination

MAX_BACKLOG = 64 * 1000**2
"""Bytes of output that may wait to be stored; more are a strain."""

_MAX_SILENCE_S = 5.0
_MAX_START_S = 10.0
_MIN_COMMITS = 1000
_NAMED = 5


def failures(found: Examination) -> Iterator[str]:
    """Why work stands still."""
    if found.runner is None and (found.unfinished or found.waiting):
        yield (
            f"no runner is alive, with {found.unfinished} unfinished executions and "
            f"{found.waiting} waiting requests; run: stepflow runner start"
        )


def strains(home: Home, found: Examination, settings: Settings) -> Iterator[str]:
    """What should not be so, while work goes on."""
    if is_read_only(home.root):  # a runner cannot tell
        yield clean_line(str(read_only_problem(home)))
    if found.runner is not None:
        yield from _strains_of_runner(home, found)
    if found.backlog_bytes > MAX_BACKLOG:
        yield f"{format_size(found.backlog_bytes)} of output are not stored yet"
    yield from _strains_of_starting(found)
    yield from _strains_of_collecting(found)
    yield from _alerts(home, found, settings)


def _strains_of_starting(found: Examination) -> Iterator[str]:
    """Of what should have been started at once; a runner that holds it back has said why."""
    pending, runner = found.pending, found.runner
    if pending is None or runner is None or runner.trouble:
        return
    waited_s = time.time() - max(pending.created_at, runner.started_at) / 1000
    if waited_s > _MAX_START_S:
        yield (
            f"#{pending.number} {clean_line(pending.name)} has waited {waited_s:.0f} s to be "
            "started: is the machine busy, or the disk of its working directory gone? "
            f"give it up: stepflow cancel {pending.number}"
        )


def _strains_of_collecting(found: Examination) -> Iterator[str]:
    for execution in found.collecting:
        waited_s = time.time() - (execution.finished_at or 0) / 1000
        if waited_s > _MAX_SILENCE_S:
            yield (
                f"artifacts of #{execution.number} {clean_line(execution.name)} are still being "
                f"collected {waited_s:.0f} s after its script has ended: does a disk not respond? "
                f"give them up: stepflow cancel {execution.number}"
            )


def _strains_of_runner(home: Home, found: Examination) -> Iterator[str]:
    runner = found.runner
    if runner is None:
        return
    if runner.trouble:
        yield clean_line(runner.trouble)
    if not home.database.exists() and time.time() - runner.started_at / 1000 > _MAX_SILENCE_S:
        yield (
            f"a runner is alive, but its database {home.database} is missing; "
            "run: stepflow runner stop"
        )
    suspect = f"is process {runner.pid} stopped, or the disk full?"
    if found.waiting_s > _MAX_SILENCE_S:
        yield f"a request has waited {found.waiting_s:.0f} s for the runner: {suspect}"
    if found.backlog_s > _MAX_SILENCE_S:
        yield f"output has waited {found.backlog_s:.0f} s for the runner: {suspect}"


def _alerts(home: Home, found: Examination, settings: Settings) -> Iterator[str]:
    """What has come over a level that can be set."""
    if found.wal_bytes > settings.alert_wal_bytes:
        yield (
            f"the write-ahead log has grown to {format_size(found.wal_bytes)}: "
            f"a program holds the database open in a transaction ({_readers(home, found)})"
        )
    if found.memory_bytes > settings.alert_memory_bytes:
        yield f"the runner takes {format_size(found.memory_bytes)} of memory"
    if found.response_s > settings.alert_response:
        yield f"a look at the newest executions takes {found.response_s * 1000:.0f} ms"
    record = found.record
    if record is not None and record.commits + record.failures >= _MIN_COMMITS:
        share = record.failures / (record.commits + record.failures)
        if share > settings.alert_error_rate:
            yield f"{share:.1%} of the runner's commits have failed; see {home.runner_log}"


def _readers(home: Home, found: Examination) -> str:
    """Who may hold it open, by name and pid."""
    readers = readers_of(home, found.runner.pid if found.runner else None)
    names = [f"{clean_line(name)}, pid {pid}" for pid, name in readers]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ("; ".join(names[:_NAMED]) or "none of yours is found") + more


def notes(home: Home, found: Examination) -> Iterator[str]:
    """What is well now, and somebody may want to know."""
    if found.runner is not None and found.runner.note:
        yield clean_line(found.runner.note)
    for aside in set_aside_before(home.database):
        yield f"a damaged database was set aside as {aside}; what the spools held was read again"
