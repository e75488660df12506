"""A line too long for one row: on a terminal in rows that say so, elsewhere as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.cli.log_cursor import MAX_LINE
from stepflow_tui.cli.terminal import DIM, standard_output
from stepflow_tui.core.text import LineCleaner, clean, current_state, with_reset

if TYPE_CHECKING:
    from collections.abc import Iterator


class LongLine:
    """Shows one line whose parts come one after the other, and keeps none of them."""

    def __init__(self, stamp: str = "") -> None:
        """Begins a line.

        Args:
            stamp: what stands before each row.
        """
        self._stamp = stamp
        self._cleaner = LineCleaner()
        self._begun = False
        terminal = standard_output()
        self._in_rows, self._colours = terminal.is_terminal, terminal.colours
        self._mark = terminal.paint("↪ " if terminal.unicode else "> ", DIM)

    def text(self, part: bytes, *, final: bool) -> str:
        """What to print for the next part."""
        state = current_state(part).partition(b"\r")[0]
        if self._in_rows:
            return "".join(self._rows(state, final=final))
        stamp = "" if self._begun else self._stamp
        self._begun = True
        end = "\n" if final else ""
        return f"{stamp}{clean(self._cleaner.feed(state, final=final))}{end}"

    def _rows(self, state: bytes, *, final: bool) -> Iterator[str]:
        for start in range(0, max(1, len(state)), MAX_LINE):
            stop = start + MAX_LINE
            shown = self._cleaner.feed(state[start:stop], final=final and stop >= len(state))
            text = with_reset(shown) if self._colours else clean(shown)
            if text or not self._begun:
                yield f"{self._stamp}{self._mark if self._begun else ''}{text}\n"
            self._begun = True
