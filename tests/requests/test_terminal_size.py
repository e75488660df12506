from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.requests.terminal_size import caller_size, parse_terminal_size

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("text", "size"), [("80x24", [80, 24]), (" 1X65535 ", [1, 65535]), ("007x05", [7, 5])]
)
def test_a_size(text: str, size: list[int]) -> None:
    assert parse_terminal_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "80", "80x", "x24", "0x24", "80x0", "65536x1", "80*24", "-1x2"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="COLUMNSxROWS"):
        parse_terminal_size(text)
    if text:
        with pytest.raises(UsageProblem, match="STEPFLOW_TTY_SIZE="):
            caller_size({"STEPFLOW_TTY_SIZE": text})


@pytest.fixture
def streams() -> Iterator[None]:
    """Standard streams that lead nowhere."""
    before = [os.dup(stream) for stream in range(3)]
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    yield
    os.close(null)
    for stream, descriptor in enumerate(before):
        os.dup2(descriptor, stream)
        os.close(descriptor)


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize("stream", [0, 1, 2])
def test_that_of_the_callers_terminal(stream: int) -> None:
    master, terminal = pty.openpty()
    os.dup2(terminal, stream)
    sizes = [caller_size({})]  # of a terminal that knows none
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
    sizes += [caller_size({}), caller_size({"STEPFLOW_TTY_SIZE": "90x20"})]
    os.close(master)
    os.close(terminal)
    assert sizes == [None, [111, 33], [90, 20]]
