"""`rm`, `prune`, `mark` and `backup`, with the real runner behind them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.runner import live_runner
from tests.runner.history import Past, files_of, write_history

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording
    from tests.house import House

KB = 1000
UNKNOWN = "'done' is not one of completed, failed, cancelled, timed_out, lost"


@pytest.fixture
def past(house: House) -> list[Execution]:
    """Four that are over, of 100 kB of log and four bytes of artifacts; the second has failed."""
    ended = [time.time_ns() // 10**6 - days * 86_400_000 for days in (40, 35, 5, 1)]
    status = [Status.COMPLETED, Status.FAILED, Status.COMPLETED, Status.COMPLETED]
    return write_history(
        house.home,
        *[
            Past(log_bytes=100 * KB, finished_at=moment, status=how)
            for moment, how in zip(ended, status, strict=True)
        ],
    )


def listed(stepflow: Stepflow, *options: str) -> list[int]:
    return [item["number"] for item in json.loads(stepflow("list", "--json", *options).out)]


def test_rm_removes_and_says_what(house: House, past: list[Execution], stepflow: Stepflow) -> None:
    done = stepflow("rm", "1", past[2].id, "#1")
    assert (done.code, done.err) == (0, "")
    assert done.out == "removed #1 past (100.0 kB)\nremoved #3 past (100.0 kB)\n"
    assert listed(stepflow) == [4, 2]
    assert files_of(house.home) == {past[1].id, past[3].id}
    again = stepflow("rm", "1")
    assert (again.code, again.err) == (2, "stepflow: no execution 1; see: stepflow list\n")


def test_a_dry_run_says_the_same_and_does_nothing(
    house: House, past: list[Execution], stepflow: Stepflow
) -> None:
    for command in (["rm", "1", "3"], ["prune", "--older-than", "30d"]):
        dry = stepflow(*command, "--dry-run")
        assert listed(stepflow) == [4, 3, 2, 1]
        assert dry.out.startswith("would remove #1 past (100.0 kB)\n")
        assert live_runner(house.home) is None
    assert list(inbox.waiting(house.home)) == []
    wet = stepflow("prune", "--older-than", "30d")
    assert wet.out == dry.out.replace("would remove", "removed")
    assert files_of(house.home) == {past[2].id, past[3].id}


@pytest.mark.usefixtures("past")
def test_rm_refuses_all_because_of_one(house: House, stepflow: Stepflow) -> None:
    execution = house.submit("sleep", "60")
    house.wait_running(execution)
    assert stepflow("mark", "2").out == "#2 past is marked\n"
    done = stepflow("rm", "1", "2", "last")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "stepflow: #2 is marked; first run: stepflow mark --remove 2\n"
        "stepflow: #5 is running; stop it first: stepflow cancel 5\n"
        "stepflow: nothing was removed\n"
    )
    assert listed(stepflow) == [5, 4, 3, 2, 1]


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("options", "out", "left"),
    [
        (["--older-than", "30d"], ["#1 past", "#2 past", "2 executions, 200.0 kB"], [4, 3]),
        (["--keep", "3"], ["#1 past", "1 execution, 100.0 kB"], [4, 3, 2]),
        (["--max-size", "250k"], ["#1 past", "#2 past", "2 executions, 200.0 kB"], [4, 3]),
        (["--keep", "0", "--status", "failed,lost"], ["#2 past", "1 execution, "], [4, 3, 1]),
        (["--older-than", "36d", "--max-size", "250k"], ["#1", "#2", "2 executions"], [4, 3]),
    ],
)
def test_prune_removes_what_is_too_much(
    stepflow: Stepflow, options: list[str], out: list[str], left: list[int]
) -> None:
    done = stepflow("prune", *options)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert len(lines) == len(out)
    for line, start in zip(lines, out, strict=True):
        assert line.startswith(f"removed {start}")
    assert listed(stepflow) == left


@pytest.mark.usefixtures("past")
def test_prune_with_nothing_to_do_asks_nobody(house: House, stepflow: Stepflow) -> None:
    done = stepflow("prune", "--older-than", "1000d", "--keep", "4", "--max-size", "1GB")
    assert (done.code, done.out) == (0, "nothing to remove\n")
    assert live_runner(house.home) is None


def test_many_are_told_as_a_sum(house: House, stepflow: Stepflow) -> None:
    write_history(house.home, *[Past(log_bytes=10 * KB, files=False)] * 1021)
    assert stepflow("prune", "--keep", "0").out == "removed 1021 executions, 10.2 MB\n"
    assert listed(stepflow) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("prune", "say what is too much: --older-than, --keep or --max-size"),
        ("prune --status failed", "say what is too much: --older-than, --keep or --max-size"),
        (
            "prune --keep 1 --status done",
            f"invalid value for '--status': {UNKNOWN} (see: stepflow prune --help)",
        ),
        ("rm", "missing argument 'ID...' (see: stepflow rm --help)"),
        ("mark", "missing argument 'ID...' (see: stepflow mark --help)"),
        ("backup", "missing argument 'FILE' (see: stepflow backup --help)"),
    ],
)
def test_wrong_use_is_one_sentence(stepflow: Stepflow, arguments: str, sentence: str) -> None:
    done = stepflow(*arguments.split())
    assert (done.code, done.out, done.err) == (2, "", f"stepflow: {sentence}\n")


@pytest.mark.parametrize("arguments", ["rm 1", "mark 1", "prune --keep 1", "backup /tmp/x"])
def test_where_nothing_was_run_there_is_nothing_to_do(
    home: Home, stepflow: Stepflow, arguments: str
) -> None:
    done = stepflow(*arguments.split())
    assert done.code == (2 if arguments.endswith(" 1") and "keep" not in arguments else 1)
    assert len(done.err.splitlines()) == 1
    assert not home.root.exists()


def test_nobody_needs_to_wait(
    recording: Recording,
    stepflow: Stepflow,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("stepflow_tui.cli.order.ensure_runner", lambda _: None)
    for _ in range(2):
        recording.finish(recording.add(name="x").number)
    assert stepflow("rm", "--no-wait", "1").out == "asked to remove #1 x (0 B)\n"
    pruned = stepflow("prune", "--no-wait", "--keep", "1")
    assert pruned.out == "asked to remove #1 x (0 B)\nasked to remove 1 execution, 0 B\n"
    copy = tmp_path / "copy.db"
    assert stepflow("backup", "--no-wait", str(copy)).out == f"asked to write {copy}\n"
    waiting = [path.name.split(".")[1] for path in inbox.waiting(recording.home)]
    assert sorted(waiting) == ["backup", "remove", "remove"]


@pytest.mark.usefixtures("past")
def test_marks_are_put_shown_and_taken_away(stepflow: Stepflow) -> None:
    assert stepflow("mark", "2", "4").out == "#2 past is marked\n#4 past is marked\n"
    assert listed(stepflow, "--marked") == [4, 2]
    names = [line.split("  ")[1] for line in stepflow("list").out.splitlines()]
    assert names == ["past ★", "past", "past ★", "past"]
    assert stepflow("prune", "--keep", "0").out.endswith("removed 2 executions, 200.0 kB\n")
    done = stepflow("mark", "--remove", "2")
    assert (done.code, done.out) == (0, "#2 past is not marked any more\n")
    assert listed(stepflow, "--marked") == [4]
    assert stepflow("rm", "2").code == 0
    assert listed(stepflow) == [4]


@pytest.mark.usefixtures("past")
def test_what_runs_can_be_marked_and_stays_so(house: House, stepflow: Stepflow) -> None:
    execution = house.submit(house.script("read x < go; echo done"))
    running = house.wait_running(execution)
    assert stepflow("mark", "5").code == 0
    house.cancel(execution, force=True)
    assert house.wait(execution).marked
    assert stepflow("prune", "--keep", "0").code == 0
    assert listed(stepflow) == [running.number]


def test_a_backup_is_a_home_s_database(
    house: House, past: list[Execution], stepflow: Stepflow, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    copy = other / "stepflow.db"
    done = stepflow("backup", str(copy))
    size = f"{copy.stat().st_size / KB:.1f} kB"
    assert (done.code, done.err, done.out) == (0, "", f"{copy}: {size}, 4 executions\n")
    assert listed(stepflow, "--home", str(other)) == [4, 3, 2, 1]
    assert stepflow("show", "--home", str(other), "1").code == 0
    assert sorted(path.name for path in other.iterdir()) == ["stepflow.db"]
    assert stepflow("--home", str(other), "mark", "1").out == "#1 past is marked\n"
    assert stepflow("--home", str(other), "runner", "stop").code == 0
    assert not house.find(past[0].id).marked  # type: ignore[union-attr]


@pytest.mark.usefixtures("past")
def test_a_backup_overwrites_nothing_by_accident(
    house: House, stepflow: Stepflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text("mine")
    refused = stepflow("backup", "mine")
    assert (refused.code, refused.out) == (2, "")
    mine = tmp_path / "mine"
    assert refused.err == (
        f"stepflow: {mine} exists; name another file, or replace it with --force\n"
    )
    assert live_runner(house.home) is None
    assert mine.read_text() == "mine"
    assert stepflow("backup", "mine", "--force").code == 0
    assert listed(stepflow) == [4, 3, 2, 1]
    inside = stepflow("backup", "--force", str(house.home.database))
    assert (inside.code, "lies in the home itself" in inside.err) == (2, True)


def test_help_says_what_is_not_in_a_backup(stepflow: Stepflow) -> None:
    assert "artifacts/ in the home can be copied as files" in stepflow("backup", "--help").out
