"""Writing a log as text that may be shown: for a pager, an editor, a file of the user's."""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING

from stepflow_tui.core.text import PLAIN, LineCleaner, clean, with_reset
from stepflow_tui.core.visible import current_state, style_after, visible_line
from stepflow_tui.store import queries
from stepflow_tui.tui.log.source import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.tui.source import Source

_CHUNKS = 16


async def write_log(
    source: Source,
    number: int,
    file: IO[str],
    *,
    lines: range | None = None,
    colours: bool = True,
    numbered: bool = True,
) -> int:
    """Write the log of an execution, or some lines of it.

    Args:
        source: where it is read.
        number: of the execution.
        file: where it goes.
        lines: only these, by index; None for all.
        colours: keep them; else write plain text.
        numbered: lines that were left out of the log are empty ones, so that each line of the file
            has the number that it has in the log.

    Returns:
        How many lines were written.

    Raises:
        StoreProblem: the database cannot be read.
        OSError: the file cannot be written.
    """
    line = lines.start if lines else 0
    text = _LogText(file, lines, colours=colours, numbered=numbered)
    while chunks := await source.all(queries.chunks_from(number, line, text.byte, _CHUNKS)):
        await asyncio.to_thread(text.add, chunks)
        line = chunks[-1].first_line
        if lines is not None and line >= lines.stop:
            break
    text.end()
    return text.written


class _LogText:
    """Of a long line no more than a part is kept in memory.

    Attributes:
        byte: offset behind what was added.
        written: lines.
    """

    def __init__(
        self, file: IO[str], lines: range | None, *, colours: bool, numbered: bool
    ) -> None:
        self._file = file
        self._lines = lines
        self._colours = colours
        self._numbered = numbered
        self._index = -1
        self.byte = 0
        self._head = b""
        self._style = PLAIN
        self._long: LineCleaner | None = None
        self.written = 0

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Write what follows."""
        for chunk in chunks:
            if self._index < 0:
                self._index = chunk.first_line
            if chunk.is_gap:
                self._add_gap(chunk)
            else:
                # It may have grown, or been merged, since a part of it was read.
                self._add(chunk.text()[max(0, self.byte - chunk.first_byte) :])
            self.byte = chunk.end_byte

    def _add(self, data: bytes) -> None:
        *lines, head = (self._head + data).split(b"\n")
        for line in lines:
            self._write(line)
        if len(head) > MAX_LINE:
            head = current_state(head)
        if len(head) > MAX_LINE:
            self._long = self._long or LineCleaner()
            self._put(self._long.feed(head, final=False))
            head = b""
        self._head = head

    def _add_gap(self, gap: Chunk) -> None:
        lines = gap.first_line + gap.line_count - self._index
        if lines and (self._head or self._long):
            self._write(self._head)
            self._head = b""
            lines -= 1
        if lines:
            self._write(gap.notice.encode())
            self._skip(lines - 1)

    def _skip(self, count: int) -> None:
        if self._numbered:
            stop = self._index + count
            wanted = self._lines or range(stop)
            blank = max(0, min(stop, wanted.stop) - max(self._index, wanted.start))
            self._file.write("\n" * blank)
            self.written += blank
        self._index += count

    def _write(self, line: bytes) -> None:
        if self._long is None:
            self._put(with_reset(visible_line(line, self._style)), end="\n")
            self._style = style_after(line, self._style)
        else:
            self._put(f"{self._long.feed(line, final=True)}\x1b[0m", end="\n")
            self._long = None
        self.written += self._is_wanted
        self._index += 1

    @property
    def _is_wanted(self) -> bool:
        return self._lines is None or self._index in self._lines

    def _put(self, text: str, end: str = "") -> None:
        if self._is_wanted:
            self._file.write((text if self._colours else clean(text)) + end)

    def end(self) -> None:
        """Write what is left of the last line."""
        if self._head or self._long:
            self._write(self._head)
