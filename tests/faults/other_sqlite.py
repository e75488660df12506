"""Another version of SQLite, in a process of its own, looks at a database that is in use.

Run as a program it reads paths from its input, a line each, and answers each with a line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# What must hold of every database at every moment: each of these selects finds nothing.
RULES = {
    "a stream's bytes, lines or offset are not those of its chunks": """
        SELECT streams.execution, spool_offset, stored_bytes, streams.line_count, bytes, lines
        FROM streams LEFT JOIN (SELECT execution, sum(byte_count) AS bytes,
            sum(line_count) AS lines FROM log_chunks GROUP BY execution) USING (execution)
        WHERE spool_offset <> stored_bytes OR stored_bytes <> coalesce(bytes, 0)
            OR line_count <> coalesce(lines, 0) OR partial_bytes > stored_bytes""",
    "a chunk does not begin where the one before it ends": """
        SELECT execution, first_byte, first_line, before FROM (
            SELECT execution, first_byte, first_line,
                lag(first_byte + byte_count, 1, 0) OVER log AS before,
                lag(first_line + line_count, 1, 0) OVER log AS lines_before FROM log_chunks
            WINDOW log AS (PARTITION BY execution ORDER BY first_line, first_byte))
        WHERE first_byte <> before OR first_line <> lines_before""",
    "a final execution has no end, or an open step": """
        SELECT number, status FROM executions WHERE status NOT IN ('pending', 'running')
            AND (finished_at IS NULL OR stopping IS NOT NULL OR EXISTS (SELECT 1 FROM steps
                WHERE execution = number AND (finished_at IS NULL OR steps.status = 'running')))""",
    "the counts of statuses are wrong": """
        SELECT status, count, (SELECT count(*) FROM executions
            WHERE executions.status = status_counts.status) AS found
        FROM status_counts WHERE count <> found""",
}

_CONTENT = (
    "SELECT id, status, exit_code, signal, error, rev FROM executions ORDER BY number",
    "SELECT execution, step_index, name, status, first_line, last_line FROM steps ORDER BY 1, 2",
    "SELECT * FROM streams ORDER BY execution",
    "SELECT execution, first_byte, body FROM log_chunks ORDER BY execution, first_line, first_byte",
)


def digest(execute: Callable[[str], Iterable[tuple[Any, ...]]]) -> str:
    """Names the content of a database, whichever library reads it."""
    found = hashlib.sha256()
    for select in _CONTENT:
        for row in execute(select):
            found.update(repr(row).encode())
    return found.hexdigest()


def _look(path: str) -> dict[str, object]:
    import apsw

    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(uri, flags=flags)
    try:
        connection.set_busy_timeout(5000)
        execute = connection.execute
        execute("BEGIN")
        return {
            "version": apsw.sqlite_lib_version(),
            "integrity": [row[0] for row in execute("PRAGMA integrity_check")],
            "foreign keys": list(execute("PRAGMA foreign_key_check")),
            "rules": {rule: list(execute(f"{sql} LIMIT 5")) for rule, sql in RULES.items()},
            "digest": digest(execute),
        }
    finally:
        connection.close()


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        try:
            answer = _look(line.rstrip("\n"))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)  # noqa: T201 - that is its way to answer


if __name__ == "__main__":
    main()
