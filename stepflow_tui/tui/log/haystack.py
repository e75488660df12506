"""Where one searches: a log as stretches of lines, which are opened off the screen's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from stepflow_tui.store import queries
from stepflow_tui.store.chunks import head_of
from stepflow_tui.tui.log.shown import shown_text
from stepflow_tui.tui.log.source import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.tui.source import Source

_STRETCH_BYTES = 6 * 1024 * 1024
"""A stretch is opened as a whole, so this is what a search takes of the memory, some times over."""

_FEW_CHUNKS, _MANY_CHUNKS = 8, 1024


class Passage(Struct, frozen=True):
    """Some lines: those that end in a chunk.

    Attributes:
        chunk: as they were written, and maybe more of the line behind them.
        first: index of the first one.
        rest: with what the first one begins, from the chunk before.
        is_open: the last one has no end yet.
        is_plain: they are surely shown as they were written, but for tabs.
    """

    chunk: bytes
    first: int
    rest: bytes = b""
    is_open: bool = False
    is_plain: bool = False

    @property
    def data(self) -> bytes:
        """The lines with line ends between them; put together anew each time."""
        return self.rest + (self.chunk if self.is_open else self.chunk[: self._end])

    @property
    def _end(self) -> int:
        end = self.chunk.rfind(b"\n")
        return len(self.chunk) if end < 0 else end

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """What is in none of these is in none of the lines; quicker to come by than `data`."""
        if not self.rest:
            return (self.chunk,)
        end = self.chunk.find(b"\n")
        return self.chunk, self.rest + self.chunk[: None if end < 0 else end]

    @property
    def stop(self) -> int:
        """Index of the line behind the last one."""
        return self.first + self.data.count(b"\n") + 1

    @property
    def text(self) -> str:
        """The lines as they are shown; made anew each time."""
        return shown_text(self.data, is_plain=self.is_plain)


class Stretch(Protocol):
    """Adjoining lines of a log that are looked through in one go."""

    @property
    def start(self) -> int:
        """Index of the first line."""

    @property
    def stop(self) -> int:
        """Index of the line behind the last one."""

    @property
    def first(self) -> int:
        """Index of the line that `text` begins in, at or before `start`."""

    @property
    def text(self) -> str:
        """All passages in one, with empty lines where lines were left out.

        Raises:
            NotADatabase: what is stored is damaged.
        """

    def passages(self) -> Iterator[Passage]:
        """The lines, and maybe some around them; takes its time, so not for the screen's thread.

        Raises:
            NotADatabase: what is stored is damaged.
        """


class Haystack(Protocol):
    """What one can search."""

    def stretches(self, start: int, stop: int) -> AsyncGenerator[Stretch, None]:
        """The lines `start:stop`, one stretch after the other.

        Raises:
            StoreProblem: the database cannot be read.
        """


class _PackedStretch(Struct, frozen=True):
    start: int
    stop: int
    chunks: Sequence[Chunk]

    @property
    def first(self) -> int:
        head = self.chunks[0]
        return head.first_line + head.line_count if head.is_gap else head.first_line

    @property
    def text(self) -> str:
        return joined(self.passages(), self.first)

    def passages(self) -> Iterator[Passage]:
        rest, is_plain = b"", True  # of a line that goes on in the next chunk
        for chunk in self.chunks:
            if chunk.is_gap:
                if rest and chunk.line_count:
                    yield Passage(b"", chunk.first_line, rest)
                    rest = b""
                continue
            data = chunk.text()
            cut = data.rfind(b"\n")
            is_plain = chunk.is_plain and (is_plain or not rest)
            if cut < 0:
                rest = head_of(rest + data, MAX_LINE + 1)
                continue
            if chunk.first_line + chunk.line_count > self.start:
                yield Passage(data, chunk.first_line, rest, is_plain=is_plain)
            is_plain = chunk.is_plain
            rest = data[cut + 1 :]  # of the chunk ahead of `start` it may be all that matters
        if rest:
            yield Passage(rest, _end(self.chunks), is_open=True)


class StoredLog:
    """The log of one execution, as it is in the database."""

    def __init__(self, source: Source, number: int) -> None:
        self._source = source
        self._number = number

    async def stretches(self, start: int, stop: int) -> AsyncGenerator[Stretch, None]:
        """The lines `start:stop`: first a few, for a quick answer, then many at once.

        Raises:
            StoreProblem: the database cannot be read.
        """
        limit = _FEW_CHUNKS
        while start < stop:
            query = queries.chunks_of_lines(self._number, start, stop, limit)
            found = await self._source.all(query)
            if not found:
                return
            chunks = _opened_together(found, start)
            is_last = len(found) < limit and len(chunks) == len(found)
            end = stop if is_last else min(stop, _end(chunks))
            size = _size_of(chunks)
            if end == start and size > MAX_LINE + _size_of(chunks[:1]):
                end += 1  # of a line longer than all these chunks its head is enough
            if end > start:
                yield _PackedStretch(start, end, chunks)
            if size < _STRETCH_BYTES:
                limit = min(limit * 2, _MANY_CHUNKS) if end > start else limit * 4
            else:
                limit = max(_FEW_CHUNKS, len(chunks))
            start = end


def _opened_together(chunks: list[Chunk], start: int) -> list[Chunk]:
    """The first ones, until they are large enough and hold the end of the line `start`.

    A gap ends them too: of millions of lines that were left out not even the ends are wanted.
    """
    size = 0
    for place, chunk in enumerate(chunks, 1):
        size += _size_of([chunk])
        is_enough = size >= _STRETCH_BYTES or (chunk.is_gap and chunk.line_count > 0)
        if is_enough and _end([chunk]) > start:
            return chunks[:place]
    return chunks


def joined(passages: Iterable[Passage], first: int) -> str:
    """The passages as one text that begins in line `first`."""
    parts, line = [], first
    for passage in passages:
        parts.append("\n" * (passage.first - line) + passage.text)
        line = passage.stop
    return "\n".join(parts)


def _size_of(chunks: Iterable[Chunk]) -> int:
    """Bytes of text that is there."""
    return sum(chunk.byte_count for chunk in chunks if not chunk.is_gap)


def _end(chunks: Sequence[Chunk]) -> int:
    """The line that goes on, or begins, behind these chunks."""
    return chunks[-1].first_line + chunks[-1].line_count
