"""Copying to the clipboard of the terminal in front of the user, wherever we run."""

from __future__ import annotations

import asyncio
import base64
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.durations import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES = 74_000
"""What terminals, and programs on the way to them, take in one OSC 52 sequence."""

_WITHIN_S = 2.0
_SCREEN_PART = 240


class Tool(Struct, frozen=True):
    """A program that takes the text on its standard input.

    Attributes:
        command: starts it.
        success: what is true if it ends well; `{}` is the text in words.
    """

    command: tuple[str, ...]
    success: str


_TMUX = "{} in tmux's buffer, prefix ] pastes it, and sent to your terminal's clipboard"
_OLD_TMUX = "{} in tmux's buffer: prefix ] pastes it"
_DESKTOP = "copied {} to the clipboard"


def tools(environ: Mapping[str, str]) -> Iterator[Tool]:
    """What may know the way to the clipboard here, best first.

    Over SSH the clipboard of the machine we run on is not the user's.
    """
    if environ.get("TMUX"):
        yield Tool(("tmux", "load-buffer", "-w", "-"), _TMUX)
        yield Tool(("tmux", "load-buffer", "-"), _OLD_TMUX)
    elif not environ.get("SSH_CONNECTION") and not environ.get("STY"):
        if sys.platform == "darwin":
            yield Tool(("pbcopy",), _DESKTOP)
        if environ.get("WAYLAND_DISPLAY"):
            yield Tool(("wl-copy",), _DESKTOP)
        if environ.get("DISPLAY"):
            yield Tool(("xclip", "-selection", "clipboard"), _DESKTOP)
            yield Tool(("xsel", "--clipboard", "--input"), _DESKTOP)


def wrapped(text: str, environ: Mapping[str, str]) -> str | None:
    """OSC 52 through tmux or GNU screen, which keep the plain one to themselves; None elsewhere."""
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    if environ.get("TMUX"):  # only where allow-passthrough is on
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        parts = range(0, len(sequence), _SCREEN_PART)
        return "".join(f"\x1bP{sequence[at : at + _SCREEN_PART]}\x1b\\" for at in parts)
    return None


def in_words(text: str) -> str:
    """`8 characters`, `214 lines (18.2 kB)`."""
    lines = text.count("\n") + 1
    if lines > 1:
        return f"{lines:,} lines ({format_size(len(text.encode()))})"
    return f"{len(text):,} character{'s' if len(text) != 1 else ''}"


def fits(text: str) -> bool:
    """Whether terminals take so much."""
    return len(text.encode()) <= MAX_BYTES


async def hand_over(text: str, environ: Mapping[str, str]) -> str | None:
    """Give the text to the first tool that takes it; says what became of it, or None."""
    for tool in tools(environ):
        if await asyncio.to_thread(_takes, tool, text, environ):
            return tool.success.format(in_words(text))
    return None


def _takes(tool: Tool, text: str, environ: Mapping[str, str]) -> bool:
    path = shutil.which(tool.command[0], path=environ.get("PATH"))
    if path is None:
        return False
    try:
        done = subprocess.run(
            [path, *tool.command[1:]],
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_WITHIN_S,
            check=False,
            env=dict(environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def verdict(text: str, taken: str | None) -> str:
    """What the user is told: what was copied, and what to do if it did not arrive."""
    if taken is not None:
        return taken
    if fits(text):
        return (
            f"sent {in_words(text)} to the terminal's clipboard (OSC 52); "
            "if nothing arrives, press o"
        )
    return (
        f"{in_words(text)} are too long for a terminal's clipboard "
        f"({format_size(MAX_BYTES)}); W saves them to a file, o opens a pager"
    )
