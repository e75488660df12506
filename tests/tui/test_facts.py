"""What the dashboard tells of an execution beside its log: the title, and facts without steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from tests.tui.dashboard import dashboard
from tests.tui.record import step

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.house import House
    from tests.tui.record import Recorder

COMMAND = ["./deploy.sh", "--to", "staging", "--with", "all the data there is", "--force"]


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (200, f"exit code 3  12.3s  {' '.join(COMMAND[:4])} 'all the data there is' --force"),
        (120, "#1 deploy  ✗ failed  exit code 3  12.3s  ./deploy.sh --to sta… ─"),
        (100, "#1 deploy  ✗ failed  exit code 3  12.3s  ./deploy… ─"),
        (80, "#1 deploy  ✗ failed  exit code 3  12.3s"),
    ],
)
async def test_the_title_of_the_log_tells_how_it_ended(
    home: Home, recorder: Recorder, width: int, title: str
) -> None:
    ended = {"status": Status.FAILED, "exit_code": 3, "duration_ms": 12_300}
    recorder.execution("deploy", command=COMMAND, finished_at=1_000_000, **ended)
    async with dashboard(home, size=(width, 36)) as board:
        await board.until_text(title)


async def test_without_steps_there_are_facts(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy", command=COMMAND, tags=["eu", "web"])
    recorder.note(number, "ask Ada")
    async with dashboard(home) as board:
        await board.until_text("Steps: none yet", "running", "ask Ada", "eu, web", "/src")
        assert " command    ./deploy.sh --to staging --with 'all" in board.text
        recorder.change(number, status=Status.FAILED, exit_code=3, duration_ms=12_300)
        await board.until_text("Steps: none ", "failed, exit code 3", "duration   12.3s")
        await board.press("tab", "j", "G", "g", "enter")
        assert board.steps.cursor is None
        recorder.steps(number, step(1, "Build", 1))
        recorder.change(number, step_count=1)
        await board.until(lambda: board.rows(board.steps)[:1] != [] and "Build" in board.text)
        assert "ask Ada" not in board.text
        assert "╭─ Steps ─" in board.text


async def test_what_runs_is_shown_with_what_it_takes(house: House) -> None:
    execution = house.submit(house.script("sleep 77 & wait"))
    house.wait_running(execution)
    async with dashboard(house.home) as board:
        await board.until_text("PID", "MEMORY", "sleep 77")
        await board.until(lambda: "0%" in board.text)
        house.cancel(execution)
        await board.until(lambda: "sleep 77" not in board.text and "cancelled" in board.text)
