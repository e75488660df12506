from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from stepflow_tui.core.filters import Key
from stepflow_tui.tui.widgets.filter_bar import FilterBar
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from stepflow_tui.tui.messages import FilterChanged, FilterClosed


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield FilterBar(id="filter")

    @property
    def bar(self) -> FilterBar:
        return self.query_one(FilterBar)

    def on_filter_changed(self, message: FilterChanged) -> None:
        self.told.append(f"{message.text}{' entered' if message.entered else ''}")

    def on_filter_closed(self, message: FilterClosed) -> None:  # noqa: ARG002 - there is nothing in it
        self.told.append("closed")


async def test_every_key_is_told_and_enter_lets_go() -> None:
    app = Host()
    async with app.run_test(size=(80, 5)) as pilot:
        assert not app.bar.display
        app.bar.open()
        await pilot.press("a", "b", "enter")
        assert app.told == ["a", "ab", "ab entered"]
        assert app.bar.is_open
        assert app.focused is None


async def test_tab_goes_round_the_candidates() -> None:
    app = Host()
    async with app.run_test(size=(80, 5)) as pilot:
        app.bar.known = {Key.TAG: ["nightly", "new one"]}
        app.bar.open("x tag:n")
        assert app.bar.candidates(40) == 'nightly "new one"'
        assert [app.bar.candidates(width) for width in (16, 6)] == ["nightly", ""]
        seen = []
        for key in ("tab", "tab", "tab", "shift+tab"):
            await pilot.press(key)
            seen.append(app.bar.input.value)
        assert seen == ["x tag:nightly", 'x tag:"new one"', "x tag:nightly", 'x tag:"new one"']
        await pilot.press("space", "s", "t", "tab")
        assert app.bar.input.value == 'x tag:"new one" status:'
        await pilot.press("tab")
        assert app.bar.input.value == 'x tag:"new one" status:pending'
        await pilot.press("shift+tab", "shift+tab")
        assert app.bar.input.value == 'x tag:"new one" status:timed_out'


async def test_without_candidates_tab_changes_nothing() -> None:
    app = Host()
    async with app.run_test(size=(80, 5)) as pilot:
        app.bar.open("zebra")
        await pilot.press("tab")
        assert (app.bar.input.value, app.bar.candidates(40)) == ("zebra", "")


async def test_escape_wants_all_again() -> None:
    app = Host()
    async with app.run_test(size=(80, 5)) as pilot:
        app.bar.open("a")
        await pilot.press("escape")
        assert app.told == ["closed"]
        app.bar.close()
        assert (app.bar.is_open, app.bar.input.value) == (False, "")
        assert app.told == ["closed"]


async def test_what_is_pasted_and_said_is_harmless() -> None:
    app = Host()
    async with app.run_test(size=(80, 5)) as pilot:
        app.bar.open()
        app.bar.input.insert_text_at_cursor("a\x1b[31m\nb")
        app.bar.say("bad \x1b]52;c;aGk=\x07news", bad=True)
        await pilot.pause()
        assert app.bar.input.value == "a b"
        shown = app.bar.query_one("#filter-result", Line).render_line(0).text
        assert shown.strip() == "bad news"
