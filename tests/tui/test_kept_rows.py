"""What is kept from frame to frame looks as if it had been drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.app import App
from textual.geometry import Region

from stepflow_tui.core.models import Status
from stepflow_tui.tui.widgets import framed_rows as framed_rows_module
from stepflow_tui.tui.widgets.framed_rows import FramedRows, framed_rows
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.pane_bar import PaneBar
from tests.tui.dashboard import dashboard
from tests.tui.record import numbered

if TYPE_CHECKING:
    import pytest
    from textual.app import ComposeResult

    from stepflow_tui.core.home import Home
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder


def drawn(board: Dashboard) -> list[list[Segment]]:
    strips = board.app.screen._compositor.render_strips()
    return [list(Segment.simplify(strip)) for strip in strips]


def drawn_anew(board: Dashboard) -> list[list[Segment]]:
    board.log.repaint()
    for widget in board.app.screen.walk_children():
        widget.refresh()
    return drawn(board)


async def test_a_followed_log(home: Home, recorder: Recorder) -> None:
    recorder.execution("lint", status=Status.COMPLETED)
    number = recorder.execution("deploy")
    recorder.log(number, numbered(20))
    async with dashboard(home, (120, 30)) as board:
        assert isinstance(board.log._styles_cache, FramedRows)
        for first in range(21, 60, 3):
            recorder.log(number, numbered(3, first))
            await board.until_text(f"line {first + 2} ")
            assert drawn(board) == drawn_anew(board)
        await board.press("tab", "tab", "k", "k", "k")
        assert drawn(board) == drawn_anew(board)
        await board.press("tab")
        assert drawn(board) == drawn_anew(board)


async def test_a_row_that_moves_is_put_into_its_frame_once(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    framed: list[int] = []
    frame = StylesCache.render_line

    def note(self: StylesCache, *arguments: object) -> object:
        framed.append(1)
        return frame(self, *arguments)  # type: ignore[arg-type]

    number = recorder.execution("deploy")
    recorder.log(number, numbered(500))
    async with dashboard(home, (120, 40)) as board:
        await board.until_text("line 500")
        monkeypatch.setattr(StylesCache, "render_line", note)
        recorder.log(number, numbered(1, 501))
        await board.until_text("line 501")
        rows = board.log.height
    assert rows > 25
    assert len(framed) < rows


async def test_the_scroll_bar_moves_with_the_log(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    recorder.log(number, numbered(400))
    async with dashboard(home, (120, 40)) as board:
        await board.until_text("line 400")
        bar = board.log.vertical_scrollbar
        assert isinstance(bar, PaneBar)

        def thumb() -> list[int]:
            styles = [next(iter(bar.render_line(y))).style for y in range(bar.size.height)]
            return [y for y, style in enumerate(styles) if style is not None and style.reverse]

        bar.render_lines(Region(0, 0, 1, bar.size.height))
        assert thumb()[-1] == bar.size.height - 1
        await board.press("tab", "tab", "g")
        await board.until_text("line 1 ")
        bar.render_lines(Region(0, 0, 1, bar.size.height))
        assert thumb()[0] == 0


def test_another_textual_keeps_rows_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Newer(StylesCache):
        def render_line(self, y: int) -> None: ...  # type: ignore[override]

    assert type(framed_rows()) is FramedRows
    monkeypatch.setattr(framed_rows_module, "StylesCache", Newer)
    assert type(framed_rows()) is Newer


class OneLine(App[None]):
    def compose(self) -> ComposeResult:
        yield Line(id="line")


async def test_of_a_line_only_what_changes_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with OneLine().run_test(size=(30, 5)) as pilot:
        line = pilot.app.query_one(Line)
        line.set_parts([("left", "")], [("1,234", ""), (" lines", "")])
        await pilot.pause()
        assert line._strip_now().text == "left               1,234 lines"
        refreshed: list[tuple[Region, ...]] = []
        monkeypatch.setattr(line, "refresh", lambda *regions: refreshed.append(regions))
        line.set_parts([("left", "")], [("1,235", ""), (" lines", "")])
        line.set_parts([("left", "")], [("1,235", ""), (" lines", "")])
        assert refreshed == [(Region(19, 0, 5, 1),)]
        line.set_parts([("LEFT", "")], [("1,235", ""), (" lines", "")])
        assert refreshed[1:] == [(Region(0, 0, 4, 1),)]
        line.set_parts([("LEFT", "")], [("10,235", ""), (" lines", "")])
        assert refreshed[2:] == [(Region(4, 0, 20, 1),)]
