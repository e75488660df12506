from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.tui.terminal import clipboard
from tests.tui.dashboard import dashboard
from tests.tui.record import numbered

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from tests.tui.record import Recorder

TMUX = {"TMUX": "/tmp/tmux-0/default,1,0"}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "STY", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


def program(directory: Path, name: str, text: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def names(environ: dict[str, str]) -> list[str]:
    return [tool.command[0] for tool in clipboard.tools(environ)]


def test_only_what_reaches_the_user_is_asked() -> None:
    assert names({}) == []
    assert names({"DISPLAY": ":0"}) == ["xclip", "xsel"]
    assert names({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}) == ["wl-copy", "xclip", "xsel"]
    assert names({"DISPLAY": ":0", "SSH_CONNECTION": "a b c d"}) == []
    assert names({**TMUX, "DISPLAY": ":0", "SSH_CONNECTION": "a b c d"}) == ["tmux", "tmux"]


def test_the_sequence_gets_through_tmux_and_screen() -> None:
    plain = f"\x1b]52;c;{base64.b64encode(b'hi').decode()}\x07"
    assert clipboard.wrapped("hi", {}) is None
    assert clipboard.wrapped("hi", TMUX) == f"\x1bPtmux;\x1b{plain}\x1b\\"
    assert clipboard.wrapped("hi", {"STY": "1.x"}) == f"\x1bP{plain}\x1b\\"
    long = clipboard.wrapped("x" * 1000, {"STY": "1.x"})
    assert long is not None
    parts = long.split("\x1b\\")
    assert all(len(part) <= 2 + 240 for part in parts)
    joined = "".join(part.removeprefix("\x1bP") for part in parts)
    assert joined == f"\x1b]52;c;{base64.b64encode(b'x' * 1000).decode()}\x07"


def test_a_text_in_words() -> None:
    assert clipboard.in_words("x") == "1 character"
    assert clipboard.in_words("häuser") == "6 characters"
    assert clipboard.in_words("a\n" * 1499 + "b") == "1,500 lines (3.0 kB)"


def test_the_verdict_is_honest() -> None:
    assert clipboard.verdict("hi", None) == (
        "sent 2 characters to the terminal's clipboard (OSC 52); if nothing arrives, press o"
    )
    assert clipboard.verdict("hi", "copied it") == "copied it"
    assert clipboard.verdict("x" * 80_000, None) == (
        "80,000 characters are too long for a terminal's clipboard (74.0 kB); "
        "W saves them to a file, o opens a pager"
    )


async def test_tmux_is_given_the_text(tmp_path: Path) -> None:
    program(tmp_path, "tmux", f'echo "$@" > {tmp_path}/arguments; /bin/cat > {tmp_path}/text')
    said = await clipboard.hand_over("some\ntext", {**TMUX, "PATH": str(tmp_path)})
    assert said == (
        "2 lines (9 B) in tmux's buffer, prefix ] pastes it, and sent to your terminal's clipboard"
    )
    assert (tmp_path / "text").read_text() == "some\ntext"
    assert (tmp_path / "arguments").read_text() == "load-buffer -w -\n"


async def test_an_old_tmux_only_has_a_buffer(tmp_path: Path) -> None:
    program(tmp_path, "tmux", '[ "$2" = -w ] && exit 1; /bin/cat > /dev/null')
    said = await clipboard.hand_over("text", {**TMUX, "PATH": str(tmp_path)})
    assert said == "4 characters in tmux's buffer: prefix ] pastes it"


async def test_a_tool_that_fails_or_hangs_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "_WITHIN_S", 0.1)
    environ = {"DISPLAY": ":0", "PATH": str(tmp_path)}
    assert await clipboard.hand_over("text", environ) is None
    program(tmp_path, "xclip", "exec /bin/sleep 30")
    assert await clipboard.hand_over("text", environ) is None
    program(tmp_path, "xsel", "/bin/cat > /dev/null")
    assert await clipboard.hand_over("text", environ) == "copied 4 characters to the clipboard"


async def test_in_tmux_the_dashboard_says_so(
    home: Home, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "tmux", f"/bin/cat > {tmp_path}/text")
    monkeypatch.setenv("TMUX", "x")
    monkeypatch.setenv("PATH", str(tmp_path))
    number = recorder.execution()
    recorder.log(number, b"a\tb\n" + b"x" * 80_000 + b"\n")
    async with dashboard(home) as board:
        await board.until_text("a       b")
        await board.press("g", "y") if board.focus == "log" else await board.press("y")
        await board.until(lambda: board.messages)
        assert "in tmux's buffer" in board.messages[0]
        assert (tmp_path / "text").read_text() == "x" * 65_536


async def test_too_much_is_said_and_not_sent(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(5) + b"x" * 60_000 + b"\n" + b"y" * 60_000 + b"\n")
    async with dashboard(home) as board:
        await board.until_text("yyy")
        await board.press("shift+tab", "k", "v", "j", "y")
        await board.until(lambda: board.messages)
        assert board.messages[0].startswith("2 lines (120.0 kB) are too long for")
        assert board.app.clipboard == ""
