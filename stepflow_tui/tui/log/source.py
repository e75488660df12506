"""The lines of one log, of which only what is looked at is read."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core.text import PLAIN
from stepflow_tui.core.visible import current_state, style_after
from stepflow_tui.store import queries
from stepflow_tui.store.chunks import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stepflow_tui.core.text import Style
    from stepflow_tui.store.chunks import Chunk, LogLine
    from stepflow_tui.tui.log.haystack import Haystack
    from stepflow_tui.tui.source import Source

PAGE = 200
"""Lines of a page."""

MAX_LINE = 64 * 1024
"""Bytes of a line that are kept; the rest of it is only in the database."""

KEPT_BYTES = 16 * 1024 * 1024
KEPT_PAGES = 4
"""Pages that are kept however large they are: a screenful and its neighbours."""

_CHUNKS, _LAST_CHUNKS = 64, 8
_LINE_OVERHEAD = 200
_NEAR = 200
"""Picked lines no further apart are read together."""

LOOK_BACK_BYTES = 64 * 1024
"""So far before a page a colour is looked for that lasts into it; within a page it always lasts."""

_LOOK_BACK_CHUNKS, _LOOK_BACK_LINES = 3, 50


class _Page(Struct):
    """Adjoining lines from the page's first on.

    Attributes:
        byte_count: of the whole log, when this was read: an unfinished line may have grown since.
        size: about as much memory as it takes.
    """

    lines: list[LogLine]
    byte_count: int
    size: int

    @property
    def final(self) -> int:
        """Number of lines that can not change any more."""
        return len(self.lines) - bool(self.lines and not self.lines[-1].complete)

    def and_then(self, found: list[LogLine], byte_count: int) -> _Page:
        """The page with these lines behind those that can not change."""
        size = self.size - _size_of(self.lines[self.final :]) + _size_of(found)
        return _Page(self.lines[: self.final] + found, byte_count, size)


class LogPages:
    """Random access to the lines of an execution's log, by 0-based index.

    Attributes:
        source: where they are read.
        number: of the execution.
        line_count: lines there are, an unfinished last one included.
        byte_count: bytes there are.
        picked: single lines that are wanted beside the range that is loaded: what a filter leaves
            in view may be far apart.
        version: another one whenever there are other lines than before.
    """

    def __init__(self, source: Source, number: int) -> None:
        self.source = source
        self._pages: OrderedDict[int, _Page] = OrderedDict()
        self._singles: dict[int, LogLine] = {}
        self._size = 0
        self.picked: list[int] = []
        self.version = 0
        self.number = number
        self.line_count = 0
        self.byte_count = 0
        self._last_chunk: Chunk | None = None

    def resize(self, line_count: int, byte_count: int, last_chunk: Chunk | None = None) -> None:
        """Take note of how far the log has come, and of its last chunk if that was read already."""
        self.version += (line_count, byte_count) != (self.line_count, self.byte_count)
        self.line_count, self.byte_count = line_count, byte_count
        self._last_chunk = last_chunk

    def haystack(self) -> Haystack:
        """The whole log, to be looked through."""
        from stepflow_tui.tui.log.haystack import StoredLog  # it builds on this module

        return StoredLog(self.source, self.number)

    def line(self, index: int) -> LogLine | None:
        """The line, if it is loaded."""
        page = self._pages.get(index // PAGE)
        place = index % PAGE
        if page and 0 <= place < len(page.lines):
            return page.lines[place]
        return self._singles.get(index)

    def is_loaded(self, lines: range) -> bool:
        """Whether `load` would have nothing to read."""
        return all(self._is_whole(page) for page in self._pages_of(lines))

    async def load(self, lines: range) -> None:
        """Read what is missing or unfinished of these lines, and of those that are picked.

        Raises:
            StoreProblem: the database cannot be read.
        """
        for page in self._pages_of(lines):
            if not self._is_whole(page):
                await self._complete(page)
            if page in self._pages:
                self._pages.move_to_end(page)
        while self._size > KEPT_BYTES and len(self._pages) > KEPT_PAGES:
            self._size -= self._pages.popitem(last=False)[1].size
        await self._pick(self.picked)

    async def _pick(self, lines: Iterable[int]) -> None:
        kept = {line: one for line in lines if (one := self.line(line)) and one.complete}
        missing = sorted(set(lines) - set(kept))
        for run in _runs(missing):
            start = max(0, run[0] - _LOOK_BACK_LINES)
            found = coloured(await self._read(start, min(run[-1] + 1, self.line_count)), PLAIN)
            kept |= {one.number - 1: one for one in found if one.number - 1 in run}
        self.version += bool(missing)
        self._singles = kept

    def _pages_of(self, lines: range) -> range:
        start, stop = max(lines.start, 0), min(lines.stop, self.line_count)
        return range(start // PAGE, (stop - 1) // PAGE + 1) if start < stop else range(0)

    def _end(self, page: int) -> int:
        return min((page + 1) * PAGE, self.line_count)

    def _is_whole(self, page: int) -> bool:
        found = self._pages.get(page)
        if found is None:
            return False
        missing = self._end(page) - page * PAGE - found.final
        return missing <= 0 or (missing == 1 and found.byte_count == self.byte_count)

    async def _complete(self, page: int) -> None:
        before, byte_count = self._pages.get(page) or _Page([], 0, 0), self.byte_count
        start = page * PAGE + before.final
        found = self._just_come(before, start, self._end(page))
        if found is None:
            found = await self._read(start, self._end(page))
        if before.final:
            last = before.lines[before.final - 1]
            style = style_after(last.text, last.style)
        else:
            style = await self._style_before(start)
        after = before.and_then(coloured(found, style), byte_count)
        replaced = self._pages.get(page)  # another reader may have been quicker
        self._size += after.size - (replaced.size if replaced else 0)
        self.version += 1
        self._pages[page] = after

    async def _style_before(self, line: int) -> Style:
        """The colours that hold where this line begins."""
        if line == 0:
            return PLAIN
        query = queries.chunks_before(self.number, line, _LOOK_BACK_CHUNKS)
        chunks = await self.source.all(query)
        if not chunks or all(chunk.is_plain or chunk.is_gap for chunk in chunks):
            return PLAIN
        parts = [chunk.text() for chunk in reversed(chunks)]
        parts[-1] = head_lines(parts[-1], line - chunks[0].first_line)
        return style_after(b"".join(parts)[-LOOK_BACK_BYTES:])

    def _just_come(self, before: _Page, start: int, stop: int) -> list[LogLine] | None:
        """The lines `start:stop`, if the last chunk holds all that came since a page was read."""
        chunk = self._last_chunk
        is_whole = before.final == len(before.lines)
        if chunk is None or not is_whole or chunk.first_byte > before.byte_count:
            return None
        return lines_of([chunk], start=start, stop=stop, limit=MAX_LINE)

    async def _read(self, start: int, stop: int) -> list[LogLine]:
        """The lines `start:stop`, however many chunks they are spread over."""
        lines: list[LogLine] = []
        limit = _CHUNKS
        while start < stop:
            chunks = await self.source.all(queries.chunks_of_lines(self.number, start, stop, limit))
            found = lines_of(chunks, start=start, stop=stop, limit=MAX_LINE)
            if len(chunks) < limit:
                return lines + found
            if found and not found[-1].complete:
                line = found.pop()  # its end, or more of it, is in the chunks behind these
                if line.size > MAX_LINE:
                    found.append(await self._with_end(line, chunks[-1].end_byte))
            if found:
                lines += found
                start = found[-1].number
            else:
                limit *= 4
        return lines

    async def _with_end(self, line: LogLine, read: int) -> LogLine:
        """A long line that was read up to a byte, with its true size and its current state."""
        index = line.number - 1
        query = queries.chunks_before(self.number, index + 1, _LAST_CHUNKS)
        chunks = (await self.source.all(query))[::-1]
        if not chunks:
            return line  # all of it was deleted meanwhile
        ends = b"".join(chunk.text() for chunk in chunks).split(b"\n")
        before = ends[: index - chunks[0].first_line + 1]
        size = line.size + chunks[0].first_byte + len(b"\n".join(before)) - read
        line = replace(line, size=size, complete=len(before) < len(ends))
        state = current_state(before[-1])
        if len(state) == len(before[-1]):
            return line
        return replace(line, text=state[:MAX_LINE], truncated=len(state) > MAX_LINE)


def coloured(lines: list[LogLine], style: Style) -> list[LogLine]:
    """The lines with the colours that those before them have set; `style` holds for the first."""
    if style == PLAIN and not any(b"\x1b[" in line.text for line in lines):
        return lines
    found = []
    for line in lines:
        found.append(line if style == PLAIN else replace(line, style=style))
        style = style_after(line.text, style)
    return found


def head_lines(data: bytes, count: int) -> bytes:
    """The first lines, with their newlines."""
    end = 0
    for _ in range(count):
        end = data.find(b"\n", end) + 1
        if end == 0:
            return data
    return data[:end]


def _size_of(lines: Iterable[LogLine]) -> int:
    return sum(len(line.text) + _LINE_OVERHEAD for line in lines)


def _runs(lines: Iterable[int]) -> Iterator[list[int]]:
    """Lines in order, those that are near one another together."""
    run: list[int] = []
    for line in lines:
        if run and line - run[-1] > _NEAR:
            yield run
            run = []
        run.append(line)
    if run:
        yield run
