"""Drawing only what has changed, against what Textual draws of the whole screen."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from stepflow_tui.tui.terminal import parts
from stepflow_tui.tui.terminal.parts import PartsCompositor, PartsScreen, PartsUpdate, redraw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import pytest
    from textual.app import ComposeResult

WIDTH, HEIGHT = 40, 12
LEFT, RIGHT, OVER = "left", "right", "over"


class Text(Widget):
    """Shows rows of text."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.rows = [f"{name} {y} " * 9 for y in range(HEIGHT)]

    def change(self, y: int, text: str, start: int, width: int) -> None:
        old = self.rows[y]
        self.rows[y] = (old[:start] + text * width)[: start + width] + old[start + width :]
        self.refresh(Region(start, y, width, 1))

    def render_line(self, y: int) -> Strip:
        return Strip([Segment(self.rows[y])]).adjust_cell_length(self.size.width)


class Board(App[None]):
    """Two texts side by side, the right one in a frame, and maybe one that lies over both."""

    CSS = """
    Screen { layout: horizontal; layers: below above; }
    #left { width: 15; height: 100%; background: blue; }
    #right { width: 1fr; height: 100%; border: round red; }
    #over { layer: above; width: 20; height: 3; offset: 8 4; background: green; }
    """

    def __init__(self, *, covered: bool) -> None:
        super().__init__()
        self._covered = covered

    def get_default_screen(self) -> PartsScreen:
        return PartsScreen(id="board", classes="")

    def compose(self) -> ComposeResult:
        yield Text(LEFT)
        yield Text(RIGHT)
        if self._covered:
            yield Text(OVER)

    @property
    def compositor(self) -> Compositor:
        return self.screen._compositor

    def update(self) -> CompositorUpdate | None:
        """What is to be drawn, as the screen asks for it."""
        self.compositor.update_widgets(set(self.query(Text)))
        found = self.compositor.render_update()
        assert found is None or isinstance(found, CompositorUpdate)
        return found

    def draw(self, terminal: pyte.Screen, update: CompositorUpdate) -> None:
        pyte.Stream(terminal).feed(update.render_segments(self.console))


@asynccontextmanager
async def board(*, covered: bool) -> AsyncIterator[Board]:
    app = Board(covered=covered)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        app.screen._update_timer.pause()
        app.update()
        yield app


def whole(app: Board) -> pyte.Screen:
    """All of the screen as Textual draws it."""
    terminal = pyte.Screen(WIDTH, HEIGHT)
    app.draw(terminal, app.compositor.render_full_update())
    return terminal


def cells(terminal: pyte.Screen) -> list[list[pyte.screens.Char]]:
    return [[terminal.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]


CHANGE = st.tuples(
    st.sampled_from([LEFT, RIGHT]),
    st.integers(0, HEIGHT - 3),
    st.sampled_from("xyz"),
    st.integers(0, 12),
    st.integers(1, 12),
)


@settings(max_examples=15, deadline=None)
@given(changes=st.lists(st.lists(CHANGE, max_size=4), max_size=4), covered=st.booleans())
async def test_the_screen_looks_as_if_all_was_drawn(
    changes: Sequence[Sequence[tuple[str, int, str, int, int]]], covered: bool
) -> None:
    async with board(covered=covered) as app:
        terminal = whole(app)
        for some in changes:
            for name, y, text, start, width in some:
                app.query_one(f"#{name}", Text).change(y, text, start, width)
            update = app.update()
            if update is not None:
                app.draw(terminal, update)
            assert cells(terminal) == cells(whole(app))


async def test_only_what_has_changed_is_drawn() -> None:
    async with board(covered=False) as app:
        drawn: list[Region] = []
        right = app.query_one("#right", Text)
        render = right.render_lines

        def render_lines(crop: Region) -> list[Strip]:
            drawn.append(crop)
            return render(crop)

        right.render_lines = render_lines  # type: ignore[method-assign]
        right.change(3, "x", 2, 5)
        app.query_one("#left", Text).change(9, "y", 0, 2)
        update = app.update()
        assert isinstance(update, PartsUpdate)
        assert sorted((part.y, part.start, part.stop) for part in update.parts) == [
            (4, 18, 23),
            (9, 0, 2),
        ]
        assert drawn == [Region(0, 4, 25, 1)]
        assert app.update() is None


async def test_what_lies_under_something_else_is_drawn_by_textual() -> None:
    async with board(covered=True) as app:
        left = app.query_one("#left", Text)
        left.change(5, "x", 4, 8)
        assert isinstance(app.update(), ChopsUpdate)
        left.change(0, "x", 4, 8)
        assert isinstance(app.update(), PartsUpdate)


async def test_what_is_drawn_together_comes_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Board, "is_headless", False)
    async with board(covered=False) as app:
        screen, sent = app.screen, list[object]()
        assert isinstance(screen, PartsScreen)
        monkeypatch.setattr(app, "_display", lambda _, update: sent.append(update))
        left, right = (app.query_one(f"#{name}", Text) for name in (LEFT, RIGHT))
        terminal = whole(app)

        def change() -> None:
            left.rows[3] = "changed at once"
            redraw(left, Region(0, 3, 15, 1))
            right.rows[4] = "this one too"
            redraw(right, Region(0, 4, 23, 1))
            assert sent == []

        screen.draw_together(change)
        [update] = sent
        assert isinstance(update, PartsUpdate)
        app.draw(terminal, update)
        assert cells(terminal) == cells(whole(app))
        redraw(left, Region(0, 5, 15, 1))  # by itself Textual draws it, in its own time
        assert len(sent) == 1
        assert isinstance(app.update(), PartsUpdate)


async def test_what_lies_under_something_else_waits_for_textual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Board, "is_headless", False)
    async with board(covered=True) as app:
        screen, sent = app.screen, list[object]()
        assert isinstance(screen, PartsScreen)
        monkeypatch.setattr(app, "_display", lambda _, update: sent.append(update))
        left = app.query_one("#left", Text)
        screen.draw_together(lambda: redraw(left, Region(0, 5, 15, 1)))
        assert sent == []
        assert isinstance(app.update(), ChopsUpdate)


def test_a_widget_without_a_screen_is_drawn_when_it_has_one() -> None:
    widget = Text("alone")
    redraw(widget, Region(0, 0, 1, 1))
    assert widget._repaint_required


def test_another_textual_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_KNOWN_SHAPES", ((Compositor.render_full_update, ("self",)),))
    screen = PartsScreen(id="other", classes="")
    assert not isinstance(screen._compositor, PartsCompositor)
    assert screen._parts([]) is None
