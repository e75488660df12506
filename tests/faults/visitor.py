"""Going through the whole dashboard, so that all of it is drawn once."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.tui.terminal import Terminal, terminal_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stepflow_tui.core.home import Home

COLUMNS, ROWS = 120, 50
_REST_S = 0.1
COPY = "\x1b]52;c;dGhlIGxhc3QgbGluZQ==\x07"
"""How the last line is sent to the clipboard."""


WHOLE_ROWS = """
from stepflow_tui.tui.terminal.changed_cells import ThriftyApp
ThriftyApp._is_thrifty = False
from stepflow_tui.cli import main
main()
"""
"""The dashboard as it is, but that cells are sent whose text stands there already: only so does a
text come to the terminal in one piece."""

UNTOLD = "[notify]\nbell = false\ndesktop = 'off'\ntitle = false\nprogress = 'off'\n"
"""A configuration by which nothing but the screen is written."""


def environment(home: Home, **more: str) -> Mapping[str, str]:
    """What a program is given that works on this home."""
    known = {"STEPFLOW_HOME": os.fsdecode(home.root), "PAGER": "cat"}
    return terminal_environment(**{**known, **more})


def untold(home: Home, directory: Path, **more: str) -> Mapping[str, str]:
    """The same, configured by a file in this directory to write nothing but the screen."""
    config = directory / "untold.toml"
    config.write_text(UNTOLD, encoding="utf-8")
    return environment(home, STEPFLOW_CONFIG=str(config), **more)


class Visitor:
    """Someone who looks at everything in the dashboard of a home made by `record`."""

    def __init__(self, terminal: Terminal, newest: int) -> None:
        self._terminal = terminal
        self._newest = newest

    def _press(self, keys: str, *seen: str) -> None:
        self._terminal.send(keys)
        self._terminal.wait_for(*seen)

    def _close(self, keys: str, seen: str) -> None:
        self._terminal.send(keys)
        self._terminal.wait(lambda screen: seen not in screen)

    def _await_bytes(self, data: bytes, times: int = 1) -> None:
        self._terminal.wait(lambda _: self._terminal.received.count(data) >= times)

    def _change(self, keys: str) -> None:
        before = self._terminal.text
        self._terminal.send(keys)
        self._terminal.wait(lambda screen: screen != before)

    def _scroll(self, keys: str, seen: str) -> None:
        """Press until this is seen."""
        while seen not in self._terminal.text:
            self._change(keys)

    def look_at_notices(self, count: int) -> None:
        """See what is said of the first execution and of the `count` ones below it."""
        self._terminal.wait_for("the last line")
        self._press("x", "has ended already")
        self._press("r", "values of")
        for index in range(1, count + 1):
            self._press("j", f"#{self._newest - index} ", "behind")
            self._press("r", f"directory /{count - index}/")
        self._press("g", "the last line")

    def look_at_executions(self, count: int) -> None:
        """See every row, and all about the `count` ones below the first."""
        for index in range(1, count + 1):
            self._press("j", f"#{self._newest - index} ", "behind")
            self._look_at_details()
            self._press("x", "Let it run")
            self._close("n", "Let it run")
            self._look_at_artifacts()
            self._look_at("c", "whole run")
            self._look_at_forms()
            self._look_at("J", "esc close")
        self._scroll(" ", "#1 ")
        self._press("g", "the last line")

    def _look_at_details(self) -> None:
        self._press("\r", "status  ", "esc close")
        self._scroll(" ", "· the end")
        self._close("\x1b", "esc close")

    def _look_at(self, keys: str, seen: str) -> None:
        """Open a screen, and close it."""
        self._press(keys, seen)
        self._rest()
        self._close("\x1b", seen)
        self._rest()

    def _rest(self) -> None:
        """Let all be drawn: a part of a frame may be without what was seen."""
        with suppress(TimeoutError):
            self._terminal.wait(lambda _: False, _REST_S)

    def _look_at_artifacts(self) -> None:
        self._press("a", "of 2 stored", "esc back")
        self._look_at("s", "tab completes")
        self._look_at("j", "the script named")

    def _look_at_forms(self) -> None:
        for key, title in (("R", "Run #"), ("T", "Tags of #"), ("i", "Note on #"), ("W", "Save #")):
            self._look_at(key, title)

    def look_at_both_sides(self) -> None:
        """Compare all steps of the first execution with those of the one below it."""
        self._press("vjv", "2 selected")
        self._press("c", "newly failing")
        self._press("G", "the last step")
        self._look_at("g", "newly failing")
        self._press("Vg", "the last line")

    def look_at_palette(self, texts: Iterable[str]) -> None:
        """See what is found, and look for texts."""
        self._press(":", "Go to or do")
        self._press("canary", "✗ step")
        self._change("\x1b[6~")
        self._type(texts)
        self._close("\x1b", "Go to or do")

    def look_at_matches(self) -> None:
        """See the list of what was found in the log."""
        self._press("g", "line 1 of")
        self._press("/CANARY\r", "/ CANARY", "  1 of ")
        self._look_at("L", "“CANARY” in #")
        self._close("\x1b", "/ CANARY")

    def look_at_steps(self) -> None:
        """See every row."""
        last = "│ ✗ the last step"  # the log has it too, as a heading
        self._press("\t", last)
        self._close("g", last)
        self._scroll(" ", last)

    def look_at_log(self) -> None:
        """See every line: cut, wrapped, with times, and further to the right."""
        self._press("\tg", "line 1 of")
        self._scroll(" ", "the last line")
        self._press("g", "line 1 of")
        self._terminal.send("w")
        self._scroll(" ", " tail")
        self._press("t", ":00.0 ")
        self._press("t", ".000 ")
        self._close("t", ".000 ")
        self._close("w", " tail")
        self._close("l", "the last line")
        self._press("h", "the last line")

    def paste(self, texts: Iterable[str]) -> None:
        """Look for texts; the number behind each tells that it was drawn."""
        self._terminal.send("/")
        number = self._type(texts)
        self._close("\x1b", f"<{number}>")

    def _type(self, texts: Iterable[str]) -> int:
        """Paste each with a number behind it, and wait until that is drawn; gives the last one."""
        number = 0
        for number, text in enumerate(texts):
            end = f"<{number}>".encode()
            before = self._terminal.received.count(end)
            self._terminal.send(f"\x1b[200~{text}\x1b[201~<{number}>")
            self._await_bytes(end, before + 1)
        return number

    def look_at_the_rest(self) -> None:
        """See the help, the health and the pager, and leave."""
        self._press("?", "Moving in a pane")
        self._close("\x1b", "Moving in a pane")
        self._look_at("H", "on its disk")
        self._press("G", "the last line")
        self._terminal.send("y")
        self._await_bytes(COPY.encode())
        self._terminal.send("o")
        self._press("", "enter goes back")
        self._terminal.send("\r")
        self._await_bytes(b"\x1b[?1049h", times=2)
        self._terminal.send("q")
        assert self._terminal.wait_exit() == 0


def visit(home: Home, newest: int, count: int, texts: Sequence[str], **more: str) -> bytes:
    """All that the dashboard of this home writes to a terminal while one looks at all of it.

    Args:
        home: as `record` made it.
        newest, count: what `record` returned.
        texts: to be looked for.
        more: variables of its environment.
    """
    command = [sys.executable, "-c", WHOLE_ROWS]
    with TemporaryDirectory() as directory:
        environ = untold(home, Path(directory), **more)
        return _visit(command, environ, newest, count, texts)


def _visit(
    command: Sequence[str],
    environ: Mapping[str, str],
    newest: int,
    count: int,
    texts: Sequence[str],
) -> bytes:
    with Terminal(command, environ, COLUMNS, ROWS) as terminal:
        visitor = Visitor(terminal, newest)
        visitor.look_at_notices(count)
        visitor.look_at_executions(count)
        visitor.look_at_both_sides()
        visitor.look_at_palette(texts)
        visitor.look_at_steps()
        visitor.look_at_log()
        visitor.look_at_matches()
        visitor.paste(texts)
        visitor.look_at_the_rest()
        return terminal.read_rest()
