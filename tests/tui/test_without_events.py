"""The dashboard where no file events are to be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.store import feed as feed_module
from tests.tui.dashboard import dashboard

if TYPE_CHECKING:
    import pytest

    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder


async def test_it_polls_and_says_so_once(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_watch(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(feed_module, "watch_home", no_watch)
    recorder.execution("first")
    async with dashboard(home) as board:
        said: list[str] = []
        await board.until(lambda: bool(board.main._feed.without_events))
        monkeypatch.setattr(board.main, "notify", lambda text, **_: said.append(text))
        for _ in range(2):
            await board.main._look_for_runner()
        reason = "no file events (Too many open files)"
        told = [text for text in said if text.startswith(reason)]
        shown = [note.message for note in board.app._notifications]
        assert len(told) + sum(text.startswith(reason) for text in shown) == 1
        recorder.execution("second")
        await board.until(lambda: any("second" in row for row in board.rows(board.executions)))
