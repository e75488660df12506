"""`stepflow health`: is all well, and how much is there to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.json_form import Object, iso, print_json
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.table import lined_up
from stepflow_tui.cli.terminal import write
from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_age, format_size
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.core.text import clean_line
from stepflow_tui.health.examination import examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.health.examination import Examination


@click.command("health")
@click.option("--json", "as_json", is_flag=True, help="Print an object")
@with_home
def command(home: Home, *, as_json: bool) -> int:
    """Say whether all is well.

    Exits with 0 if it is healthy, 1 if degraded, 2 if it is down with unfinished work.
    """
    examination = examine(home, open_reader)
    if as_json:
        print_json(_object(home, examination))
    else:
        write("".join(f"{line}\n" for line in _page(home, examination)))
    return examination.exit_code


def _object(home: Home, examination: Examination) -> Object:
    runner, record = examination.runner, examination.record
    return {
        "state": examination.state,
        "problems": [*examination.failures, *examination.strains],
        "notes": examination.notes,
        "home": str(home.root),
        "runner": {
            "alive": runner is not None,
            "pid": runner.pid if runner else None,
            "version": runner.version if runner else None,
            "since": iso(runner.started_at) if runner else None,
            "memory_bytes": examination.memory_bytes or None,
        },
        "database": {
            "path": str(home.database),
            "bytes": examination.database_bytes,
            "wal_bytes": examination.wal_bytes,
        },
        "sqlite": {
            "version": record.sqlite_version if record else None,
            "wal_reset_fixed": examination.wal_reset_fixed,
        },
        "counts": {status.value: count for status, count in examination.counts.items()},
        "waiting_requests": examination.waiting,
        "backlog_bytes": examination.backlog_bytes,
        "commits": record.commits if record else None,
        "failed_commits": record.failures if record else None,
        "commit_ms": record.commit_ms if record else None,
        "response_ms": examination.response_s * 1000,
    }


def _page(home: Home, examination: Examination) -> Iterator[str]:
    yield examination.state
    for sentence in (*examination.failures, *examination.strains, *examination.notes):
        yield f"  {clean_line(sentence)}"
    yield from (f"  {line}" for line in lined_up(_facts(home, examination)))


def _facts(home: Home, examination: Examination) -> Iterator[tuple[str, str]]:
    runner, record = examination.runner, examination.record
    if runner is None:
        yield "runner", "none is alive; one starts when there is something to do"
    else:
        age = format_age(now().wall_ms - runner.started_at)
        memory = format_size(examination.memory_bytes)
        yield "runner", f"process {runner.pid}, version {runner.version}, since {age}, {memory}"
    yield "home", shown_path(str(home.root))
    wal = format_size(examination.wal_bytes)
    yield "database", f"{format_size(examination.database_bytes)}, write-ahead log {wal}"
    if record is not None:
        fixed = "has" if examination.wal_reset_fixed else "lacks"
        yield "SQLite", f"{record.sqlite_version}, {fixed} the fix of the WAL reset"
        yield "last commit", f"{record.commit_ms:.2f} ms"
    counts = [f"{count} {status.word}" for status, count in examination.counts.items() if count]
    yield "executions", ", ".join(counts) or "none yet"
    backlog = format_size(examination.backlog_bytes)
    yield "waiting", f"{examination.waiting} requests, {backlog} of output"
