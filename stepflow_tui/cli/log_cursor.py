"""Reading a stored log from some place to its end, as whole lines, while it grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import format_size
from stepflow_tui.store.queries import chunks_before, chunks_from, chunks_of_lines

if TYPE_CHECKING:
    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.store.reader import Reader

MAX_LINE = 64 * 1024
"""Bytes of a line that are kept; a longer one is cut, with a mark."""

_CHUNKS = 16


@dataclass(frozen=True, slots=True)
class Lines:
    """Adjoining lines of a log, without their newlines.

    Attributes:
        first: number of the first one, from 1.
        arrivals: pairs of a line's number and the UTC milliseconds from which lines arrived, in
            order; the first pair holds for all lines before the second.
    """

    first: int
    texts: list[bytes]
    arrivals: list[tuple[int, int]]

    @property
    def last(self) -> int:
        """Number of the last line; before the first one if there is no line."""
        return self.first + len(self.texts) - 1

    def between(self, first: int, last: int) -> Lines:
        """Those lines that have a number from `first` to `last`."""
        first = max(first, self.first)
        texts = self.texts[first - self.first : max(0, last + 1 - self.first)]
        return Lines(first, texts, self.arrivals)


class LogCursor:
    """A place in the log of one execution.

    Attributes:
        byte: offset of the next byte to read.
        left_out: bytes that a limit has left out of what was read so far.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._line = 0  # of `byte`, from 0
        self.byte = 0
        self.left_out = 0
        self._head = b""
        self._head_size = 0
        self._arrivals: list[tuple[int, int]] = []

    def go_to(self, reader: Reader, line: int) -> None:
        """Go on at the beginning of a line, from 1, or at the end if there is no such line yet."""
        before = line - 1
        chunk = reader.first(chunks_of_lines(self._number, before, line, 1))
        if chunk is not None:
            text = chunk.text()
            rest = text.split(b"\n", before - chunk.first_line)[-1]
            self.byte = chunk.first_byte + len(text) - len(rest)
            self._line = chunk.first_line if chunk.is_gap else before
        elif (chunk := reader.first(chunks_before(self._number, line, 1))) is not None:
            self.byte = chunk.end_byte
            self._line = chunk.first_line + chunk.line_count

    def read_bytes(self, reader: Reader) -> bytes | None:
        """What is stored behind this place, at most a few MB of it; None if nothing is."""
        chunks = self._next(reader)
        return self._advance(chunks) if chunks else None

    def read(self, reader: Reader) -> Lines | None:
        """The lines that were completed behind this place; None if nothing was stored there."""
        chunks = self._next(reader)
        if not chunks:
            return None
        first = self._line + 1
        self._note_arrivals(chunks)
        data = self._advance(chunks)
        texts = self._pass_gap(chunks[0]) if chunks[0].is_gap else self._split(data)
        return Lines(first, texts, self._arrivals)

    def read_unfinished(self) -> Lines:
        """The line that has no newline yet, or no line."""
        texts = [_cut(self._head, self._head_size)] if self._head_size else []
        return Lines(self._line + 1, texts, self._arrivals)

    def _pass_gap(self, gap: Chunk) -> list[bytes]:
        if not gap.line_count:  # it lies within one line
            self._head_size += gap.byte_count
            return []
        texts = [_cut(self._head, self._head_size)] if self._head_size else []
        self._head, self._head_size = b"", 0
        return [*texts, gap.notice.encode()]

    def _next(self, reader: Reader) -> list[Chunk]:
        """The next chunks: up to a gap, or a gap alone."""
        chunks = reader.all(chunks_from(self._number, self._line, self.byte, _CHUNKS))
        gaps = (place for place, chunk in enumerate(chunks) if chunk.is_gap)
        return chunks[: max(1, next(gaps, len(chunks)))]

    def _advance(self, chunks: list[Chunk]) -> bytes:
        # The first chunk may begin before our place, as small chunks are merged after a while.
        known = max(0, self.byte - chunks[0].first_byte)
        self.left_out += chunks[0].is_gap * (chunks[0].byte_count - known)
        self._line = chunks[-1].first_line + chunks[-1].line_count
        self.byte = chunks[-1].end_byte
        return b"".join(chunk.text() for chunk in chunks)[known:]

    def _note_arrivals(self, chunks: list[Chunk]) -> None:
        self._arrivals = [
            (line + 1, time) for chunk in chunks for line, time in chunk.arrival_times()
        ]

    def _split(self, data: bytes) -> list[bytes]:
        pieces = data.split(b"\n")
        sizes = self._head_size + len(pieces[0])
        pieces[0] = self._head + pieces[0][: MAX_LINE + 1]
        if len(pieces) > 1:
            pieces[0] = _cut(pieces[0], sizes)
            sizes = len(pieces[-1])
        self._head, self._head_size = pieces.pop()[: MAX_LINE + 1], sizes
        if pieces and max(map(len, pieces)) > MAX_LINE:
            pieces[1:] = [_cut(piece, len(piece)) for piece in pieces[1:]]
        return pieces


def _cut(text: bytes, size: int) -> bytes:
    if size <= MAX_LINE:
        return text
    return text[:MAX_LINE] + f" … ({format_size(size)} line)".encode()
