"""Shows a picture in the terminal's own graphics, as large as it fits, until a key is pressed.

A program of its own: the library asks the terminal what it can do, which only works while nobody
else reads from it; and a decoder that is led astray by a file takes no dashboard with it.
"""

from __future__ import annotations

import logging
import sys
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def show(path: str) -> int:
    """Show the picture at `path`.

    Returns:
        The exit code: 1 if it cannot be shown.
    """
    logging.disable()  # the library tells the terminal of questions that were not answered
    from PIL import Image as Pictures
    from rich.console import Console
    from textual_image.renderable import Image

    from stepflow_tui.tui.previews.picture import FORMATS, MAX_PIXELS

    console = Console()
    try:
        with Pictures.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return 1
            with _silent_keys(), console.screen(hide_cursor=True):
                image = Image(picture, width="auto", height="auto")
                console.print(image, height=console.height - 1, end="")
                sys.stdin.read(1)
    except Exception:  # noqa: BLE001 - a decoder raises anything when a file is broken
        return 1
    return 0


@contextmanager
def _silent_keys() -> Iterator[None]:
    """Keys arrive at once and are not shown."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


if __name__ == "__main__":
    sys.exit(show(sys.argv[1]))
