"""What was run before, for whoever wants to run something like it again."""

from __future__ import annotations

import json

from msgspec import Struct

from stepflow_tui.store.queries import Query, read_path

_NEWEST = 500
"""So many executions are looked at, however long the history is."""


class Command(Struct, frozen=True):
    """A command as it was run.

    Attributes:
        words: argument list; with `shell` one string.
        cwd: where it was run.
    """

    words: tuple[str, ...]
    shell: bool
    cwd: str


def recent_commands(limit: int) -> Query[Command]:
    """At most `limit` different commands of the newest executions, the latest first."""
    sql = """SELECT command, shell, cwd, max(number) AS latest FROM
        (SELECT number, command, shell, cwd FROM executions ORDER BY number DESC LIMIT ?)
        GROUP BY command, shell, cwd ORDER BY latest DESC LIMIT ?"""
    return Query(
        sql,
        (_NEWEST, limit),
        lambda row: Command(tuple(json.loads(row[0])), bool(row[1]), read_path(row[2])),
    )
