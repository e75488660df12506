from __future__ import annotations

from msgspec.structs import replace

from stepflow_tui.store.chunks import CHUNK_BYTES, Chunk
from stepflow_tui.store.compaction import Compaction, Run


def chunks(*sizes: int) -> list[Chunk]:
    made, offset = [], 0
    for line, size in enumerate(sizes):
        made.append(Chunk(line, offset, 1, size, 0, 0, None, b""))
        offset += size
    return made


def test_a_quiet_log_is_merged_when_what_comes_next_would_not_fit() -> None:
    compaction = Compaction()
    pieces = chunks(*[CHUNK_BYTES // 4] * 4, 10)
    compaction.add(pieces[:4])
    assert compaction.ready == []
    compaction.add(pieces[4:])
    assert compaction.ready == [Run(0, 0, CHUNK_BYTES, 4)]
    compaction.clear(1)
    assert compaction.ready == []


def test_tiny_chunks_are_merged_before_one_holds_too_many_times() -> None:
    compaction = Compaction()
    compaction.add(chunks(*[10] * 1100))
    assert compaction.ready == [Run(0, 0, 10_240, 1024)]
    times = b"\0" * 8 * 399
    compaction.clear(1)
    compaction.finish()
    compaction.clear(1)
    compaction.add(replace(chunk, arrivals=times) for chunk in chunks(*[800] * 3))
    assert compaction.ready == [Run(0, 0, 2400, 3)]


def test_a_large_chunk_ends_the_run_and_stays_as_it_is() -> None:
    compaction = Compaction()
    compaction.add(chunks(10, 10, CHUNK_BYTES, 10))
    assert compaction.ready == [Run(0, 0, 20, 2)]
    compaction.finish()
    assert compaction.ready == [Run(0, 0, 20, 2)]
