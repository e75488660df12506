from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.containers import VerticalScroll
from textual.scrollbar import ScrollBar
from textual.widgets import Static

import stepflow_tui.tui
from stepflow_tui.core import glyphs
from stepflow_tui.core.config import Config
from stepflow_tui.core.models import Status
from stepflow_tui.tui import start
from stepflow_tui.tui.terminal.ascii import AsciiOnly, WholeCells, in_ascii
from tests.tui.record import step
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult
    from textual.filter import LineFilter

    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder

ROOT = Path(stepflow_tui.tui.__file__).parent
NOT_DRAWN = [
    ROOT / "log" / "line.py",
    ROOT / "log" / "shown.py",
    ROOT / "terminal" / "alphabet.py",
    ROOT / "terminal" / "cells.py",
]
"""They tell kinds of characters apart."""

MODULES = sorted(path for path in ROOT.rglob("*.py") if path not in NOT_DRAWN)


@pytest.fixture(autouse=True)
def _unicode_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ScrollBar, "renderer", ScrollBar.renderer)
    yield
    glyphs.use_ascii(on=False)


def signs(path: Path) -> set[str]:
    """All characters beyond ASCII in the strings of a module, but for those of docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        character
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
        for character in node.value
        if not character.isascii()
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sign_that_is_drawn_has_a_twin_in_core_glyphs(path: Path) -> None:
    missing = {sign for sign in signs(path) if not glyphs.has_twin(sign)}
    assert missing == set()


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("plain", "plain"),
        ("╭─ Steps ─╮│╰╯", "+- Steps -+|++"),
        ("✓ ✗ ● ○ ⊘ ⧖ ?", "+ x > . - t ?"),
        ("a… → ┆ ━━── ★ ·", "a~ > | ==-- * ."),
        ("▁▂▃▄▅▆▇█", "_.:-=+*#"),
        ("j ↓ k ↑ ← h → l", "j v k ^ < h > l"),
        ("café naïve", "cafe naive"),
        ("cafe\u0301", "cafe"),
        ("漢字 한", "???? ??"),
        ("👨\u200d👩\u200d👧!", "??!"),
        ("ﬁ №", "f N"),
        ("⠀⣿", " :"),
        ("\xa0x\u200b", " x"),
    ],
)
def test_twins_are_as_wide_as_what_they_stand_for(text: str, twin: str) -> None:
    assert in_ascii(text) == twin
    assert cell_len(in_ascii(text)) == cell_len(text)


def test_every_character_has_some_twin_of_its_width() -> None:
    for code in (*range(0xA0, 0xD800, 7), *range(0xE000, 0x1FA00, 13)):
        text = chr(code)
        assert in_ascii(text).isascii()
        assert in_ascii(text).isprintable()
        assert cell_len(in_ascii(text)) == cell_len(text), hex(code)


def test_the_filter_keeps_styles() -> None:
    bold = Style(bold=True)
    segments = [Segment("a", None), Segment("│…", bold)]
    assert AsciiOnly().apply(segments, Color(0, 0, 0)) == [Segment("a"), Segment("|~", bold)]


class Host(App[None]):
    CSS = "Static { border: round red; height: 40; } VerticalScroll { border: tall blue; }"

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("✓ 漢字 …")

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), AsciiOnly()]


async def test_frames_and_scroll_bars_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScrollBar, "renderer", WholeCells)
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        app.query_one(VerticalScroll).scroll_to(y=3, animate=False, immediate=True)
        await pilot.pause()
        app.query_one(VerticalScroll).scroll_to(y=0, animate=False, immediate=True)
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        text = "\n".join(strip.text for strip in strips)
    assert text.isascii()
    assert "|+ ???? ~" in text
    assert "+---" in text
    assert all(strip.cell_length == 40 for strip in strips)


@pytest.mark.parametrize(
    ("config", "encoding", "ascii_only"),
    [
        (Config(), "UTF-8", False),
        (Config(), "utf8", False),
        (Config(), "ISO-8859-1", True),
        (Config(), "ANSI_X3.4-1968", True),
        (Config(ascii=True), "UTF-8", True),
        (Config(ascii=False), "ANSI_X3.4-1968", False),
    ],
)
def test_the_locale_decides_where_nobody_has(
    config: Config, encoding: str, ascii_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locale.getencoding", lambda: encoding)
    assert start._is_ascii(config) is ascii_only


OPEN = (
    "import sys; from pathlib import Path; from stepflow_tui.core.config import Config;"
    "from stepflow_tui.core.home import Home; from stepflow_tui.tui.start import start_dashboard;"
    "start_dashboard(Home(Path(sys.argv[1])), Config(ascii=True))"
)


def test_no_byte_beyond_ascii_reaches_the_terminal(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("déploy 漢字")
    recorder.steps(number, step(1, "✓ Büild", 1, status=Status.RUNNING, progress=0.5))
    recorder.log(number, "✗ 漢字 → \x1b[31m…\x1b[0m\n".encode() * 100)
    environ = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C"}
    command = [sys.executable, "-c", OPEN, str(home.root)]
    with Terminal(command, {**environ, "PYTHONPATH": str(ROOT.parents[1])}) as terminal:
        terminal.wait_for("deploy ????", "> + Build", "x ???? >")
        terminal.send("?")
        terminal.wait_for("Keys")
        terminal.send("qq")
        assert terminal.wait_exit() == 0
        assert terminal.read_rest().isascii()


def test_titles_need_not_keep_their_width() -> None:
    text = "✓ e\u0301té 漢"
    assert glyphs.shown(text) == text
    glyphs.use_ascii()
    assert glyphs.is_ascii()
    assert glyphs.shown(text) == "+ ete ?"
