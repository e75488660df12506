"""Reading a stored log from some place to its end, as whole lines, while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.frames import moves_up
from stepflow_tui.core.text import PLAIN
from stepflow_tui.core.visible import current_state, style_after
from stepflow_tui.store.queries import chunks_before, chunks_from, chunks_of_lines

if TYPE_CHECKING:
    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.store.reader import Reader

MAX_LINE = 64 * 1024
"""Bytes of an unfinished line that are kept; of a longer one parts are given out."""

_CHUNKS = 16


class Lines(Struct, frozen=True):
    """Adjoining lines of a log, without their newlines.

    Attributes:
        first: number of the first one, from 1.
        arrivals: pairs of a line's number and the UTC milliseconds from which lines arrived, in
            order; the first pair holds for all lines before the second.
        continues: the first text goes on a line of which a part was given out before.
        open: the last text is a part of a line, of which more comes.
        moves_up: some line may go up with the cursor.
    """

    first: int
    texts: list[bytes]
    arrivals: list[tuple[int, int]]
    continues: bool = False
    open: bool = False
    moves_up: bool = False

    @property
    def last(self) -> int:
        """Number of the last line; before the first one if there is no line."""
        return self.first + len(self.texts) - 1

    @property
    def last_whole(self) -> int:
        """Number of the last line of which no more comes."""
        return self.last - self.open

    def between(self, first: int, last: int) -> Lines:
        """Those lines that have a number from `first` to `last`."""
        first = max(first, self.first)
        texts = self.texts[first - self.first : max(0, last + 1 - self.first)]
        continues = self.continues and first == self.first
        is_open = self.open and last >= self.last
        return Lines(first, texts, self.arrivals, continues, is_open, self.moves_up)


class LogCursor:
    """A place in the log of one execution.

    Attributes:
        byte: offset of the next byte to read.
        left_out: bytes that a limit has left out of what was read so far.
        style: the colours that hold where `go_to` has led, as far as its chunk tells.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._line = 0  # of `byte`, from 0
        self.byte = 0
        self.left_out = 0
        self.style = PLAIN
        self._head = b""
        self._continues = False
        self._arrivals: list[tuple[int, int]] = []

    def go_to(self, reader: Reader, line: int) -> None:
        """Go on at the beginning of a line, from 1, or at the end if there is no such line yet."""
        before = line - 1
        chunk = reader.first(chunks_of_lines(self._number, before, line, 1))
        if chunk is not None:
            text = chunk.text()
            rest = text.split(b"\n", before - chunk.first_line)[-1]
            self.byte = chunk.first_byte + len(text) - len(rest)
            self.style = style_after(text[: len(text) - len(rest)])
            self._line = chunk.first_line if chunk.is_gap else before
        elif (chunk := reader.first(chunks_before(self._number, line, 1))) is not None:
            self.byte = chunk.end_byte
            self._line = chunk.first_line + chunk.line_count

    def read_bytes(self, reader: Reader) -> bytes | None:
        """What is stored behind this place, at most a few MB of it; None if nothing is."""
        chunks = self._next(reader)
        return self._advance(chunks) if chunks else None

    def read(self, reader: Reader) -> Lines | None:
        """The lines that were completed behind this place; None if nothing was stored there.

        A line longer than `MAX_LINE` may come in several parts.
        """
        chunks = self._next(reader)
        if not chunks:
            return None
        first, continues = self._line + 1, self._continues
        self._note_arrivals(chunks)
        data = self._advance(chunks)
        if chunks[0].is_gap and chunks[0].line_count:
            texts = self._end_line()
            up = any(map(moves_up, texts))
            return Lines(first, texts, self._arrivals, continues, moves_up=up)
        up = moves_up(data) or b"\x1b" in self._head or b"\x9b" in self._head
        texts, is_open = self._split(data)
        return Lines(first, texts, self._arrivals, continues, is_open, up)

    def read_unfinished(self) -> Lines:
        """What is left of the line that has no newline yet, or no line."""
        texts = self._unfinished
        up = any(map(moves_up, texts))
        return Lines(self._line + 1, texts, self._arrivals, self._continues, moves_up=up)

    def _next(self, reader: Reader) -> list[Chunk]:
        """The next chunks: up to a gap, or a gap alone."""
        chunks = reader.all(chunks_from(self._number, self._line, self.byte, _CHUNKS))
        gaps = (place for place, chunk in enumerate(chunks) if chunk.is_gap)
        return chunks[: max(1, next(gaps, len(chunks)))]

    def _advance(self, chunks: list[Chunk]) -> bytes:
        # The first chunk may begin before our place, as small chunks grow and are merged.
        known = max(0, self.byte - chunks[0].first_byte)
        self.left_out += chunks[0].is_gap * (chunks[0].byte_count - known)
        self._line = chunks[-1].first_line + chunks[-1].line_count
        self.byte = chunks[-1].end_byte
        return b"".join(chunk.text() for chunk in chunks)[known:]

    def _note_arrivals(self, chunks: list[Chunk]) -> None:
        self._arrivals = [
            (line + 1, time) for chunk in chunks for line, time in chunk.arrival_times()
        ]

    def _end_line(self) -> list[bytes]:
        """What there is of a line whose rest was left out, with its end."""
        texts = self._unfinished
        self._head, self._continues = b"", False
        return texts

    @property
    def _unfinished(self) -> list[bytes]:
        """What there is of the line that has no newline yet; nothing if there is no such line."""
        return [self._head] if self._head or self._continues else []

    def _split(self, data: bytes) -> tuple[list[bytes], bool]:
        """Lines, and whether the last of them is only a part."""
        pieces = (self._head + data).split(b"\n")
        self._continues = self._continues and len(pieces) == 1
        head = pieces.pop()
        if len(head) > MAX_LINE:
            head = current_state(head)
        if len(head) <= MAX_LINE:
            self._head = head
            return pieces, False
        self._head, self._continues = b"", True
        return [*pieces, head], True
