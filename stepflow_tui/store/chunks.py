"""Log chunks: how a stretch of a stream is packed into a row, and read back as lines.

A chunk is cut by bytes, so a line may span chunks. `first_line` counts the newlines before the
chunk (a 0-based line index), `line_count` those inside it. What a limit has left out of a log is a
gap: a chunk that counts lines and bytes, and holds none.
"""

from __future__ import annotations

import struct
import threading
from bisect import bisect_right
from typing import TYPE_CHECKING

import zstandard
from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.errors import NotADatabase
from stepflow_tui.core.text import PLAIN, Style, is_plain
from stepflow_tui.core.visible import current_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CHUNK_BYTES = 128 * 1024
"""A chunk holds at most this much text: small enough to open for one screenful."""

RAW, ZSTD, GAP, ZSTD_PLAIN = 0, 1, 2, 3
"""Codecs of a chunk's body; a gap has none. What is plain can be searched as it is."""

GROWN_BYTES = 3900
"""A chunk grows in its row up to this size, arrival times included: what fits on one page."""

_COMPRESS_FROM = 4096
_LEVEL = 3
_ARRIVAL = struct.Struct("<II")
ARRIVAL_BYTES = _ARRIVAL.size
"""A pair of a chunk's `arrivals` takes so many."""
_LONGEST_MS = 2**31 - 1
"""Arrivals further apart are not held by one chunk, nor any from before its first."""


class _Zstd(threading.local):
    """What packs and opens chunks, one of each for each thread.

    Making one anew takes longer than opening a chunk: that is why it is not the standard library's
    module, which makes one for each call.
    """

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd = _Zstd()


class Chunk(Struct, frozen=True):
    """A stretch of an execution's log as it is stored.

    Attributes:
        arrived_at: when its first byte was read, UTC milliseconds.
        arrivals: packed pairs (lines, milliseconds) since its start, one for each time that more
            of it arrived; None when all of it arrived at once.
        body: the bytes, packed with `codec`.
    """

    first_line: int
    first_byte: int
    line_count: int
    byte_count: int
    arrived_at: int
    codec: int
    arrivals: bytes | None
    body: bytes

    @property
    def is_gap(self) -> bool:
        """Whether this stretch was left out."""
        return self.codec == GAP

    @property
    def is_plain(self) -> bool:
        """Whether its text is surely plain; see `core.text`."""
        return self.codec == ZSTD_PLAIN

    @property
    def notice(self) -> str:
        """What is shown in place of a gap."""
        size = format_size(self.byte_count)
        return f"… {self.line_count:,} lines ({size}) were left out here: the log is too large …"

    @property
    def end_byte(self) -> int:
        """The stream's byte offset behind this chunk."""
        return self.first_byte + self.byte_count

    @property
    def may_grow(self) -> bool:
        """Whether it is small, and stored as it is."""
        return self.codec == RAW and self.byte_count + len(self.arrivals or b"") < GROWN_BYTES

    def may_hold_time_of(self, other: Chunk) -> bool:
        """Whether the arrival of the other one can be told from that of this one."""
        return 0 <= other.arrived_at - self.arrived_at <= _LONGEST_MS

    def grown_by(self, other: Chunk) -> Chunk | None:
        """With a chunk behind it that arrived at once; None if they do not make one small chunk."""
        if self.codec != RAW or other.codec != RAW or not self.may_hold_time_of(other):
            return None
        elapsed = other.arrived_at - self.arrived_at
        size, arrivals = self.byte_count + other.byte_count, self.arrivals or b""
        if elapsed != _last_elapsed(arrivals):
            arrivals += _ARRIVAL.pack(self.line_count, elapsed)
        if size + len(arrivals) > GROWN_BYTES:
            return None
        return Chunk(
            self.first_line,
            self.first_byte,
            self.line_count + other.line_count,
            size,
            self.arrived_at,
            RAW,
            arrivals or None,
            self.body + other.body,
        )

    @property
    def arrival_count(self) -> int:
        """How many pairs `arrival_times` has."""
        return 1 + len(self.arrivals or b"") // _ARRIVAL.size

    def text(self) -> bytes:
        """The bytes as the script wrote them; none for a gap.

        Raises:
            NotADatabase: the stored bytes are damaged.
        """
        if self.codec in (RAW, GAP):
            return self.body
        try:
            return _zstd.decompressor.decompress(self.body, self.byte_count)
        except zstandard.ZstdError as error:
            raise NotADatabase(f"the log is damaged at byte {self.first_byte}: {error}") from error

    def arrival_times(self) -> Iterator[tuple[int, int]]:
        """Pairs of a 0-based line index and the UTC milliseconds from which its lines arrived."""
        yield self.first_line, self.arrived_at
        for lines, elapsed in _ARRIVAL.iter_unpack(self.arrivals or b""):
            yield self.first_line + lines, self.arrived_at + elapsed


def pack(data: bytes, *, first_line: int, first_byte: int, arrived_at: int) -> list[Chunk]:
    """Cut `data` into chunks of at most `CHUNK_BYTES`, compressed where that pays."""
    chunks = []
    for start in range(0, len(data), CHUNK_BYTES):
        piece = data[start : start + CHUNK_BYTES]
        chunk = _chunk(piece, first_line, first_byte + start, arrived_at, None)
        chunks.append(chunk)
        first_line += chunk.line_count
    return chunks


def gap_of(
    line_count: int, byte_count: int, *, first_line: int, first_byte: int, arrived_at: int
) -> list[Chunk]:
    """A gap that counts what is left out."""
    return [Chunk(first_line, first_byte, line_count, byte_count, arrived_at, GAP, None, b"")]


def merge(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Pack adjoining chunks anew, as few as possible, keeping their arrival times."""
    groups: list[list[Chunk]] = [[]]
    size = 0
    for chunk in chunks:
        if groups[-1] and (
            size + chunk.byte_count > CHUNK_BYTES or not groups[-1][0].may_hold_time_of(chunk)
        ):
            groups.append([])
            size = 0
        groups[-1].append(chunk)
        size += chunk.byte_count
    return [_merge_group(group) for group in groups if group]


def _last_elapsed(arrivals: bytes) -> int:
    """When the last part of a chunk arrived, in milliseconds since its first."""
    return _ARRIVAL.unpack_from(arrivals, len(arrivals) - _ARRIVAL.size)[1] if arrivals else 0


def _merge_group(group: Sequence[Chunk]) -> Chunk:
    first = group[0]
    times = [time for chunk in group for time in chunk.arrival_times()]
    arrivals = b"".join(
        _ARRIVAL.pack(line - first.first_line, time - first.arrived_at) for line, time in times[1:]
    )
    data = b"".join(chunk.text() for chunk in group)
    return _chunk(data, first.first_line, first.first_byte, first.arrived_at, arrivals or None)


def _chunk(
    data: bytes, first_line: int, first_byte: int, arrived_at: int, arrivals: bytes | None
) -> Chunk:
    codec, body = RAW, data
    if len(data) >= _COMPRESS_FROM:
        packed = _zstd.compressor.compress(data)
        if len(packed) < len(data):
            codec, body = ZSTD_PLAIN if is_plain(data) else ZSTD, packed
    return Chunk(
        first_line, first_byte, data.count(b"\n"), len(data), arrived_at, codec, arrivals, body
    )


class LogLine(Struct, frozen=True):
    """A line of the log as it was written, without its newline.

    Attributes:
        number: from 1.
        text: its bytes; of a line that is longer than what was asked for the first ones, or if it
            was redrawn its last state.
        arrived_at: UTC milliseconds.
        size: how many bytes the whole line has.
        complete: its newline is there.
        truncated: `text` is only the beginning.
        missing: it was left out; the first one of a gap has a text that says so.
        style: the colours that earlier lines have set, as far as that was looked for.
    """

    number: int
    text: bytes
    arrived_at: int
    size: int
    complete: bool = True
    truncated: bool = False
    missing: bool = False
    style: Style = PLAIN


def lines_of(chunks: Iterable[Chunk], *, start: int, stop: int, limit: int) -> list[LogLine]:
    """The lines with 0-based index in `start:stop` that adjoining `chunks` hold.

    The first chunk must hold the beginning of line `start`, or come before it. The last line may
    be unfinished. Of a line no more than `limit` bytes are kept.
    """
    found: list[LogLine] = []
    head, size, index = b"", 0, 0
    chunk = None
    for chunk in chunks:
        if chunk.is_gap:
            size += chunk.byte_count
            found.extend(_missing(chunk, head[:limit], start, stop))
            index = chunk.first_line + chunk.line_count
            if chunk.line_count:  # else it lies within a line, which goes on
                head, size = b"", 0
            continue
        pieces = chunk.text().split(b"\n")
        size += len(pieces[0])
        pieces[0] = head + pieces[0]
        low, high = max(start - chunk.first_line, 0), min(stop - chunk.first_line, chunk.line_count)
        if low < high:
            times = _Times(chunk)
            found.extend(
                _line(chunk.first_line + i, pieces[i], times, limit, size if i == 0 else None)
                for i in range(low, high)
            )
        if len(pieces) > 1:
            size = len(pieces[-1])
        head, index = head_of(pieces[-1], limit + 1), chunk.first_line + chunk.line_count
    if chunk is not None and head and start <= index < stop:
        found.append(replace(_line(index, head, _Times(chunk), limit, size), complete=False))
    return found


def _missing(gap: Chunk, head: bytes, start: int, stop: int) -> Iterator[LogLine]:
    """The lines `start:stop` that a gap has swallowed; of the first one `head` may be left."""
    first, last = gap.first_line, gap.first_line + gap.line_count
    for index in range(max(start, first), min(stop, last)):
        if head and index == first:
            yield LogLine(index + 1, head, gap.arrived_at, len(head), truncated=True)
        else:
            text = gap.notice.encode() if index == first + bool(head) else b""
            yield LogLine(index + 1, text, gap.arrived_at, len(text), missing=True)


def head_of(line: bytes, limit: int) -> bytes:
    """At most `limit` bytes of a line: the first ones of what was not written over."""
    return (current_state(line) if len(line) > limit else line)[:limit]


class _Times:
    """Looks up when a line of one chunk arrived."""

    def __init__(self, chunk: Chunk) -> None:
        self._first_line, self._arrived_at = chunk.first_line, chunk.arrived_at
        numbers: Sequence[int] = ()
        if chunk.arrivals:  # hundreds, maybe, of which one is asked for
            numbers = struct.unpack(f"<{len(chunk.arrivals) // 4}I", chunk.arrivals)
        self._lines, self._elapsed = numbers[::2], (0, *numbers[1::2])

    def of(self, index: int) -> int:
        place = bisect_right(self._lines, index - self._first_line)
        return self._arrived_at + self._elapsed[place]


def _line(index: int, text: bytes, times: _Times, limit: int, size: int | None) -> LogLine:
    """A line of `size` bytes, or as long as `text`; complete."""
    if size is None:
        size = len(text)
    if size <= limit:  # as most are
        return LogLine(index + 1, text, times.of(index), size)
    head = current_state(text)[: limit + 1]  # of what is long some states are gone already
    return LogLine(index + 1, head[:limit], times.of(index), size, truncated=len(head) > limit)
