from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status
from tests.lateness import in_time

if TYPE_CHECKING:
    from tests.cli.recording import Recording

HEAVY = (
    "textual", "rich", "asyncio", "psutil", "watchfiles", "aiosqlite", "platformdirs",
    "stepflow_tui.cli.run", "stepflow_tui.runner", "stepflow_tui.tui",
)  # fmt: skip


def imported_by(*arguments: str) -> set[str]:
    code = (
        "import json, sys; from stepflow_tui.cli.program import run_program; "
        f"code = run_program({arguments!r}); sys.stderr.write(json.dumps([*sys.modules])); "
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_a_command_imports_what_it_needs(recording: Recording) -> None:
    number = recording.add().number
    recording.log(number, b"one\n")
    recording.finish(number)
    assert imported_by("list", "--json").isdisjoint(HEAVY)
    assert imported_by("list").isdisjoint(HEAVY)
    for command in ("show", "logs", "watch", "artifacts"):
        assert imported_by(command, "1").isdisjoint({*HEAVY, "stepflow_tui.cli.list"})


def test_the_first_screen_waits_for_no_command_line(recording: Recording) -> None:
    recording.add()
    code = (
        "import json, sys; from stepflow_tui.cli import _run, dashboard; "
        "dashboard.has_terminal = lambda: True; "
        "dashboard.start = lambda *_, **options: None; "
        "code = _run([]); print(json.dumps([*sys.modules])); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)).isdisjoint({"click", "stepflow_tui.requests.request"})


def cpu_s(*arguments: str) -> float:
    """The least processor time of several runs; the clock would measure our neighbours too."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    times = []
    for _ in range(10):
        before = used()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(used() - before)
    return min(times)


def test_list_is_quick_with_a_long_history(recording: Recording) -> None:
    with recording.writer.transaction(durable=False) as transaction:
        for at in range(10_000):
            transaction.insert_execution(
                Execution(
                    number=0,
                    id=new_id(),
                    name=f"build {at}",
                    command=["make", "all"],
                    cwd="/tmp",
                    status=Status.PENDING,
                    created_at=at,
                    tags=["nightly"],
                    env={"LEVEL": "3"},
                )
            )
    base = cpu_s("-c", "import sqlite3, click")
    in_time(cpu_s("-m", "stepflow_tui", "list", "--json"), base * 2.5, "list")
