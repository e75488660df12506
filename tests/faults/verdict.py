"""The verdict after a fault: what is in the database against what was printed and asked for."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults import other_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.models import Execution
    from tests.faults.job import Job
    from tests.house import House


class OtherSqlite:
    """A process that looks at databases with another version of SQLite."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(other_sqlite.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def look(self, database: Path) -> dict[str, Any]:
        """What it found, or the error that it met."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{database}\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def of_database(house: House, other: OtherSqlite) -> Iterator[str]:
    """What is wrong with the database as a whole, whatever goes on in it."""
    if not house.home.database.exists():
        return
    found = other.look(house.home.database)
    if "error" in found:
        yield f"another SQLite cannot read the database: {found['error']}"
        return
    if found["integrity"] != ["ok"]:
        yield f"integrity_check: {found['integrity'][:3]}"
    if found["foreign keys"]:
        yield f"foreign_key_check: {found['foreign keys'][:3]}"
    for rule, rows in found["rules"].items():
        if rows:
            yield f"{rule}: {rows}"


def of_reading(house: House, other: OtherSqlite) -> Iterator[str]:
    """Whether both versions of SQLite read the same from a database at rest."""
    theirs = other.look(house.home.database)
    connection = sqlite3.connect(f"{house.home.database.as_uri()}?mode=ro", uri=True)
    try:
        ours = other_sqlite.digest(connection.execute)
    finally:
        connection.close()
    if theirs.get("digest") != ours:
        yield f"SQLite {sqlite3.sqlite_version} and {theirs.get('version')} read different content"


def of_job(house: House, job: Job, execution: Execution) -> Iterator[str]:
    """What is wrong with an execution that has ended by itself."""
    ending = job.ending
    found = {
        "status": (execution.status, ending.status),
        "exit code": (execution.exit_code, ending.code),
        "signal": (execution.signal, ending.signal),
        "error": (execution.error, ending.error),
        "warnings": (execution.warnings, []),
        "line count": (execution.line_count, len(job.log().splitlines())),
        "step count": (execution.step_count, len(job.steps())),
    }
    for what, (is_, should_be) in found.items():
        if is_ != should_be:
            yield f"#{execution.number}: {what} is {is_!r}, not {should_be!r}"
    yield from of_steps(house, job, execution)
    yield from of_log(house, job, execution)
    yield from of_starts(job, at_least=1)


def of_steps(house: House, job: Job, execution: Execution) -> Iterator[str]:
    """Whether each step has its name, its lines, and the status that it should have."""
    for step, should_be in zip(house.steps(execution), job.steps(), strict=False):
        is_ = (step.name, step.first_line, step.last_line, step.status, step.explicit_end)
        if is_ != should_be:
            yield f"#{execution.number}: step {step.index} is {is_}, not {should_be}"
            return


def of_log(house: House, job: Job, execution: Execution) -> Iterator[str]:
    """Whether the stored log is what was printed, to the byte."""
    is_, should_be = house.log(execution), job.log()
    if is_ != should_be:
        yield f"#{execution.number}: {_difference(is_, should_be)}"


def of_beginning(house: House, job: Job, execution: Execution) -> Iterator[str]:
    """Whether what is stored of an execution that goes on is the beginning of what it prints."""
    is_, should_be = house.log(execution), job.log()
    if not should_be.startswith(is_):
        yield f"#{execution.number}: {_difference(is_, should_be[: len(is_)])}"
    yield from of_starts(job, at_least=0)


def of_starts(job: Job, *, at_least: int) -> Iterator[str]:
    """Whether the script was started once."""
    starts = len(job.starts.read_text().splitlines()) if job.starts.exists() else 0
    if not at_least <= starts <= 1:
        yield f"job {job.number} was started {starts} times"


def _difference(is_: bytes, should_be: bytes) -> str:
    found, wanted = is_.splitlines(), should_be.splitlines()
    missing, alien = set(wanted) - set(found), set(found) - set(wanted)
    doubled = len(found) - len(set(found))
    first = next(
        (i for i, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]),
        min(len(found), len(wanted)),
    )
    return (
        f"the log has {len(found)} lines for {len(wanted)}: {len(missing)} lost, {doubled} "
        f"doubled, {len(alien)} alien, the first difference after line {first}: "
        f"{found[first : first + 2]} for {wanted[first : first + 2]}"
    )


def of_inbox(house: House) -> Iterator[str]:
    """Whether a request or a part of one was left lying."""
    left = sorted(path.name for path in house.home.requests.iterdir() if path.is_file())
    if left:
        yield f"requests were left: {left[:5]}"


def of_runner_log(house: House) -> Iterator[str]:
    """What the runner complains of."""
    for path in sorted(house.home.root.glob("runner.log*")):
        for line in path.read_text(errors="replace").splitlines():
            if " ERROR " in line or " CRITICAL " in line or line.startswith("Traceback"):
                yield f"runner.log: {line}"
