"""Keys, sizes and commits in any order: nothing breaks, and in the end the screen is right."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from tests.tui.dashboard import dashboard
from tests.tui.record import Recorder, step

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard

KEYS = (
    *("j", "k", "g", "G", "up", "down", "left", "right", "space", "b", "ctrl+d", "ctrl+u"),
    *("tab", "shift+tab", "enter", "escape", "question_mark", "x", "r", "f", "w", "t", "y"),
    *("slash", "n", "N", "a", "1"),
)
NAMES = ("build", "日本語", "[bold]x", "a very long name " * 5)
PIECES = (
    b"one\n" * 300,
    b"partly",
    b"\x1b[31mred\x1b[0m\t\xff\n",
    "日本🚀".encode() * 200 + b"\n",
    b"x" * 200_000 + b"\n",
    b"STEP_START:a\r\n",
)


class Chance:
    """Does one thing or another."""

    def __init__(self, seed: int, recorder: Recorder, board: Dashboard) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrets
        self._recorder = recorder
        self._board = board
        self.numbers: list[int] = []

    async def act(self) -> None:
        choice = self._random.random()
        if choice < 0.5:
            await self._board.press(self._random.choice(KEYS))
        elif choice < 0.6:
            size = self._random.randint(1, 160), self._random.randint(1, 50)
            await self._board.pilot.resize_terminal(*size)
        elif choice < 0.7 or not self.numbers:
            self.numbers.append(self._recorder.execution(self._random.choice(NAMES)))
        else:
            self._change(self._random.choice(self.numbers))

    def _change(self, number: int) -> None:
        choice = self._random.random()
        if choice < 0.6:
            self._recorder.log(number, self._random.choice(PIECES))
        elif choice < 0.8:
            count = self._random.randint(1, 40)
            self._recorder.steps(number, *(step(i, f"s{i}", i) for i in range(1, count)))
        elif not self._recorder.get(number).status.is_final:
            self._recorder.finish(number, self._random.choice([Status.FAILED, Status.LOST]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_breaks(home: Home, recorder: Recorder, seed: int) -> None:
    async with dashboard(home) as board:
        board.orders.missing = "not now"
        chance = Chance(seed, recorder, board)
        for _ in range(80):
            await chance.act()
            assert board.text is not None
            assert 0 <= board.log.cursor <= max(0, board.log.view.count - 1)
        await board.pilot.resize_terminal(120, 36)
        await board.press("escape", "escape")
        board.log.resume()
        await board.until(lambda: board.executions.count == len(chance.numbers))
        assert board.selected is not None
        lines = recorder.get(board.selected).line_count
        await board.until(lambda: board.log.view.count == lines)
        assert board.executions.cursor is not None
        y = board.executions.cursor - board.executions.visible_rows.start
        row = board.rows(board.executions)[y]
        assert row.split()[0] == str(board.selected)
