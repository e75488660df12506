"""Finding the markers in a stream of output that arrives in chunks."""

from __future__ import annotations

from msgspec import Struct

from stepflow_tui.core.markers import MARKER_HINT, MAX_LINE, Marker, last_part, parse_line


class Found(Struct, frozen=True):
    """A marker and the line it stands on, counted from 1."""

    line: int
    marker: Marker


class MarkerScanner:
    """Counts lines and finds markers, wherever the chunks of the stream are cut.

    Costs no Python work per line: a chunk without a keyword is counted and searched once. Of a
    line that is not ended yet the last `MAX_LINE` bytes are kept: see `parse_line`.

    Attributes:
        lines: newlines seen so far.
        partial_size: bytes after the last newline, the ones that were not kept included.
    """

    def __init__(self, *, lines: int = 0, partial: bytes = b"") -> None:
        """Starts anew, or goes on in the middle of a stream.

        Args:
            lines: newlines that were already seen.
            partial: all bytes after the last of them.
        """
        self.lines = lines
        self.partial_size = 0
        self._partial = bytearray()
        self._keep(memoryview(partial))

    def feed(self, data: bytes) -> list[Found]:
        """Takes the next chunk and returns the markers on the lines that it ends."""
        if not self.partial_size and data.endswith(b"\n"):  # as most scripts print
            return self._whole_lines(data, 0, len(data))
        view = memoryview(data)
        first_end = data.find(b"\n")
        if first_end < 0:
            self._keep(view)
            return []
        self._keep(view[:first_end])
        found = self.finish()
        self.lines += 1
        last_end = data.rfind(b"\n")
        found += self._whole_lines(data, first_end + 1, last_end + 1)
        self._keep(view[last_end + 1 :])
        return found

    def finish(self) -> list[Found]:
        """Takes the last line, which no newline ended, and returns the marker on it."""
        marker = None
        if MARKER_HINT.search(self._partial):
            line = bytes(self._partial)
            marker = parse_line(line if self.partial_size <= MAX_LINE else last_part(line))
        self.partial_size = 0
        self._partial.clear()
        return [Found(self.lines + 1, marker)] if marker else []

    def _keep(self, data: memoryview) -> None:
        self.partial_size += len(data)
        self._partial += data[-MAX_LINE:]
        if len(self._partial) > MAX_LINE:
            del self._partial[:-MAX_LINE]

    def _whole_lines(self, data: bytes, position: int, end: int) -> list[Found]:
        """The markers in `data[position:end]`, which starts and ends with whole lines."""
        found: list[Found] = []
        if data.find(b":", position, end) < 0:  # quicker told than that there is no keyword
            self.lines += data.count(b"\n", position, end)
            return found
        while hint := MARKER_HINT.search(data, position, end):
            start = max(position, data.rfind(b"\n", position, hint.start()) + 1)
            stop = data.find(b"\n", hint.end(), end)
            self.lines += data.count(b"\n", position, start)
            if stop - start > MAX_LINE:
                marker = parse_line(last_part(data[stop - MAX_LINE : stop]))
            else:
                marker = parse_line(data[start:stop])
            if marker is not None:
                found.append(Found(self.lines + 1, marker))
            self.lines += 1
            position = stop + 1
        self.lines += data.count(b"\n", position, end)
        return found
