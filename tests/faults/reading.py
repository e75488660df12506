"""A reader of a database, to be killed or stopped: `reading.py hold|loop DATABASE`.

`hold` begins a transaction, says so, and keeps it until its input ends. `loop` opens the database,
reads and closes it, again and again.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

_COUNT = "SELECT count(*), total(byte_count) FROM log_chunks"


def _connect(database: Path) -> sqlite3.Connection:
    uri = f"{database.as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)


def hold(database: Path) -> None:
    """Be in the way of every checkpoint."""
    connection = _connect(database)
    connection.execute("BEGIN")
    connection.execute(_COUNT).fetchall()
    print("held", flush=True)  # noqa: T201 - that is its way to say so
    sys.stdin.read()
    connection.close()


def loop(database: Path) -> None:
    """Come and go until killed."""
    while True:
        connection = _connect(database)
        connection.execute(_COUNT).fetchall()
        time.sleep(0.002)
        connection.close()
        time.sleep(0.01)


if __name__ == "__main__":
    {"hold": hold, "loop": loop}[sys.argv[1]](Path(sys.argv[2]))
