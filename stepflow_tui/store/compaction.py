"""When to merge small chunks: a quiet log would be all overhead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.store.chunks import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.store.chunks import Chunk

_LARGE = CHUNK_BYTES // 2
_MANY_ARRIVALS = 1024
"""Each takes eight bytes of the merged chunk, and is looked through when lines of it are read."""


class Run(Struct, frozen=True):
    """Adjoining small chunks of one execution, from `first_byte` up to `end_byte`."""

    first_line: int
    first_byte: int
    end_byte: int
    count: int


class Compaction:
    """Follows the chunks of one execution and says which are ready to be merged."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._arrivals = 0
        self._ready: list[Run] = []

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Take note of chunks that grow no more, in the order in which they are stored."""
        for chunk in chunks:
            if chunk.byte_count >= _LARGE or chunk.is_gap:
                self.finish()
                continue
            if self._run is not None and chunk.end_byte - self._run.first_byte > CHUNK_BYTES:
                self.finish()
            run = self._run or Run(chunk.first_line, chunk.first_byte, chunk.first_byte, 0)
            self._run = Run(run.first_line, run.first_byte, chunk.end_byte, run.count + 1)
            self._arrivals += chunk.arrival_count
            if self._arrivals >= _MANY_ARRIVALS:
                self.finish()

    def finish(self) -> None:
        """Nothing will be added to the present run."""
        if self._run is not None and self._run.count > 1:
            self._ready.append(self._run)
        self._run, self._arrivals = None, 0

    @property
    def ready(self) -> list[Run]:
        """The runs to merge now."""
        return self._ready

    def clear(self, count: int) -> None:
        """The first ones of the ready runs are merged."""
        del self._ready[:count]
