"""Looking for a text in a whole log, a piece at a time and off the thread of the screen."""

from __future__ import annotations

import asyncio
import re
from array import array
from bisect import bisect_left
from itertools import groupby
from typing import TYPE_CHECKING

from stepflow_tui.core.text import plain
from stepflow_tui.store import queries
from stepflow_tui.store.chunks import head_of
from stepflow_tui.tui.log_source import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.tui.source import Source

MAX_MATCHES = 100_000
"""Matching lines that are counted; beyond them each is looked for when it is asked for."""

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL_SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, mostly
    rb"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC: links, titles
    rb"|\x1b[PX^_][^\x1b\n]*\x1b\\"  # DCS, SOS, PM, APC
    rb"|\x1b[ -/]*[0-Z\\^-~]"  # two-byte escapes and character sets
    rb"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
"""What `plain` leaves out of a line, so that a text is found as it is shown."""

_PIECE_BYTES = 512 * 1024
_FEW_CHUNKS, _MANY_CHUNKS = 8, 1024
_WINDOW_LINES = 16_384


class Needle:
    """A text to look for. Upper and lower case are one, unless it has an upper case letter.

    Attributes:
        text: as it was typed.
        pattern: finds it in a line as it is shown.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._any_case = text == text.lower()
        self.pattern = re.compile(re.escape(text), re.IGNORECASE if self._any_case else 0)
        self._bytes = text.encode("utf-8", "replace")

    def lines_in(self, data: bytes, first_line: int) -> list[int]:
        """Indexes of the lines that hold it; `data` starts at the head of line `first_line`."""
        hay = self._hay(data)
        found: list[int] = []
        line, counted, hit = first_line, 0, hay.find(self._bytes)
        while hit >= 0:
            start, end = hay.rfind(b"\n", 0, hit) + 1, hay.find(b"\n", hit)
            end = len(hay) if end < 0 else end
            line += hay.count(b"\n", counted, start)
            counted = start
            if self.pattern.search(plain(head_of(hay[start:end], MAX_LINE))):
                found.append(line)
            hit = hay.find(self._bytes, end + 1)
        return found

    def _hay(self, data: bytes) -> bytes:
        if _CONTROL.search(data):
            data = _CONTROL_SEQUENCE.sub(b"", data)
        if not self._any_case:
            return data
        if self._bytes.isascii():
            return data.lower()
        return data.decode("utf-8", "replace").lower().encode()


class LogSearch:
    """Finds the lines of one log that hold a needle.

    Attributes:
        number: of the execution.
        needle: what is looked for.
        matches: indexes of matching lines among the first `scanned` lines, in order.
        scanned: lines that were looked through from the first on.
    """

    def __init__(self, source: Source, number: int, needle: Needle) -> None:
        self._source = source
        self.number = number
        self.needle = needle
        self.matches = array("Q")
        self.scanned = 0

    @property
    def is_capped(self) -> bool:
        """Whether there are more matches than are counted."""
        return len(self.matches) >= MAX_MATCHES

    async def scan(self, stop: int) -> None:
        """Go on looking through the lines before `stop`, and count.

        Raises:
            StoreProblem: the database cannot be read.
        """
        async for found, scanned in self._scan(self.scanned, stop):
            self.matches.extend(found)
            self.scanned = scanned
            if self.is_capped:
                return

    async def first(self, start: int, stop: int) -> int | None:
        """The first of the lines `start:stop` that matches.

        Raises:
            StoreProblem: the database cannot be read.
        """
        place = bisect_left(self.matches, start)
        if place < len(self.matches):
            return self.matches[place] if self.matches[place] < stop else None
        async for found, _ in self._scan(max(start, self.scanned), stop):
            if found:
                return found[0]
        return None

    async def last(self, start: int, stop: int) -> int | None:
        """The last of the lines `start:stop` that matches.

        Raises:
            StoreProblem: the database cannot be read.
        """
        high = stop
        while high > (unknown := max(start, self.scanned)):  # a scan may come to meet us
            low = max(high - _WINDOW_LINES, unknown)
            last = [found[-1] async for found, _ in self._scan(low, high) if found]
            if last:
                return last[-1]
            high = low
        place = bisect_left(self.matches, stop)
        return self.matches[place - 1] if place and self.matches[place - 1] >= start else None

    async def _scan(self, start: int, stop: int) -> AsyncIterator[tuple[list[int], int]]:
        """Matching lines of one piece after the other, and the line up to which that goes."""
        async for chunks, low, high in self._pieces(start, stop):
            found = await asyncio.to_thread(self._lines_in, chunks)
            yield [line for line in found if low <= line < high], high

    def _lines_in(self, chunks: Iterable[Chunk]) -> list[int]:
        found: list[int] = []
        for is_gap, group in groupby(chunks, lambda chunk: chunk.is_gap):
            adjoining = list(group)
            if not is_gap:
                data = b"".join(chunk.text() for chunk in adjoining)
                found += self.needle.lines_in(data, adjoining[0].first_line)
        return found

    async def _pieces(self, start: int, stop: int) -> AsyncIterator[tuple[list[Chunk], int, int]]:
        """Adjoining chunks, and the lines `low:high` that they hold from head to end."""
        limit = _FEW_CHUNKS
        while start < stop:
            chunks = await self._source.all(
                queries.chunks_of_lines(self.number, start, stop, limit)
            )
            if not chunks:
                return
            end = _end(chunks) if len(chunks) == limit else stop
            size = sum(chunk.byte_count for chunk in chunks)
            if end > start:
                yield chunks, start, end
            elif size > MAX_LINE + chunks[0].byte_count:
                end = start + 1  # of a line longer than all these chunks its head is enough
                yield chunks, start, end
            if size < _PIECE_BYTES:
                limit = min(limit * 2, _MANY_CHUNKS) if end > start else limit * 4
            start = max(start, end)


def _end(chunks: list[Chunk]) -> int:
    """The line that goes on, or begins, behind these chunks."""
    return chunks[-1].first_line + chunks[-1].line_count
