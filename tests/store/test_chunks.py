from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stepflow_tui.core.errors import NotADatabase
from stepflow_tui.core.text import plain
from stepflow_tui.store.chunks import (
    CHUNK_BYTES,
    RAW,
    ZSTD_PLAIN,
    Chunk,
    lines_of,
    merge,
    pack,
)

NO_LIMIT = 1 << 30


def packed(pieces: list[bytes]) -> list[Chunk]:
    """Chunks of a stream that arrived in these pieces, one every millisecond."""
    chunks: list[Chunk] = []
    lines = size = 0
    for time, piece in enumerate(pieces):
        chunks += pack(piece, first_line=lines, first_byte=size, arrived_at=1000 + time)
        lines += piece.count(b"\n")
        size += len(piece)
    return chunks


def whole(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.text() for chunk in chunks)


def test_small_text_is_kept_as_it_is() -> None:
    [chunk] = pack(b"one\ntwo", first_line=7, first_byte=70, arrived_at=5)
    assert chunk == Chunk(7, 70, 1, 7, 5, RAW, None, b"one\ntwo")
    assert chunk.end_byte == 77


def test_large_text_is_cut_and_compressed() -> None:
    data = b"the same line again\n" * 20_000
    chunks = pack(data, first_line=0, first_byte=0, arrived_at=5)
    assert [chunk.byte_count for chunk in chunks] == [CHUNK_BYTES] * 3 + [400_000 - 3 * CHUNK_BYTES]
    assert {chunk.codec for chunk in chunks} == {ZSTD_PLAIN}
    assert sum(len(chunk.body) for chunk in chunks) < len(data) // 50
    assert whole(chunks) == data
    assert chunks[-1].first_line + chunks[-1].line_count == 20_000


def test_damage_is_told_apart_from_a_fault_of_ours() -> None:
    [chunk] = pack(b"line\n" * 2000, first_line=0, first_byte=7, arrived_at=5)
    with pytest.raises(NotADatabase, match="damaged at byte 7"):
        replace(chunk, body=chunk.body[:-9]).text()


def test_a_line_that_spans_chunks_is_put_together() -> None:
    chunks = packed([b"one\ntw", b"o st", b"ill\nthree\nrest"])
    lines = lines_of(chunks, start=0, stop=99, limit=NO_LIMIT)
    assert [(line.number, line.text, line.complete) for line in lines] == [
        (1, b"one", True),
        (2, b"two still", True),
        (3, b"three", True),
        (4, b"rest", False),
    ]


def test_a_long_line_is_cut_and_says_so() -> None:
    chunks = packed([b"a" * 50, b"a" * 50, b"b\nshort\n"])
    first, second = lines_of(chunks, start=0, stop=9, limit=20)
    assert (first.text, first.truncated, first.size) == (b"a" * 20, True, 101)
    assert (second.text, second.truncated, second.size) == (b"short", False, 5)
    [unfinished] = lines_of(chunks[:2], start=0, stop=9, limit=20)
    assert (unfinished.text, unfinished.complete, unfinished.size) == (b"a" * 20, False, 100)


def test_of_a_long_line_that_is_redrawn_the_last_state_is_kept() -> None:
    chunks = packed([b"\r 10% of it", b" all\r 20% of", b" it all\r", b" 30% of it", b"\nnext\n"])
    first, second = lines_of(chunks, start=0, stop=9, limit=20)
    assert (first.text, first.truncated, first.size) == (b" 30% of it", False, 41)
    assert second.text == b"next"
    [half] = lines_of(chunks[:2], start=0, stop=9, limit=20)
    assert (half.text, half.truncated, half.size) == (b" 20% of", False, 23)


@pytest.mark.parametrize(
    "new", [b"\r", b"\x1b[1G", b"\x1b[G", b"\x1b[2K\x1b[1G", b"\x1b[1A\x1b[2K\r"]
)
@pytest.mark.parametrize("cut", [1, 7, 40, 1000])
def test_a_long_line_has_the_state_that_the_whole_line_ends_in(new: bytes, cut: int) -> None:
    line = b"".join(new + b"%d%% loaded" % share for share in range(101))
    stream = line + b"\nnext\n"
    chunks = packed([stream[at : at + cut] for at in range(0, len(stream), cut)])
    first, second = lines_of(chunks, start=0, stop=9, limit=60)
    assert (plain(first.text), first.truncated, first.size) == ("100% loaded", False, len(line))
    assert second.text == b"next"


def test_merging_keeps_when_lines_arrived() -> None:
    chunks = packed([b"one\n", b"two\nthree\n", b"four\n"])
    [merged] = merge(chunks)
    assert list(merged.arrival_times()) == [(0, 1000), (1, 1001), (3, 1002)]
    [again] = merge([merged, replace(chunks[0], first_line=4, first_byte=19, arrived_at=1500)])
    assert [line.arrived_at for line in lines_of([again], start=0, stop=9, limit=9)] == [
        1000, 1001, 1001, 1002, 1500,
    ]  # fmt: skip


def test_merged_chunks_stay_within_the_size_of_a_chunk() -> None:
    chunks = packed([b"x" * 50_000] * 7)
    merged = merge(chunks)
    assert [chunk.byte_count for chunk in merged] == [100_000, 100_000, 100_000, 50_000]
    assert whole(merged) == b"x" * 350_000


PIECES = st.lists(st.text("ab\n", min_size=1, max_size=9).map(str.encode), min_size=1, max_size=30)


@given(PIECES)
def test_any_chunking_holds_the_same_lines(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    expected = data.split(b"\n")
    expected = expected if expected[-1] else expected[:-1]
    for chunks in (packed(pieces), merge(packed(pieces)), packed([data])):
        assert whole(chunks) == data
        lines = lines_of(chunks, start=0, stop=10**6, limit=NO_LIMIT)
        assert [line.text for line in lines] == expected
        assert [line.number for line in lines] == list(range(1, len(expected) + 1))


@given(PIECES, st.integers(0, 12), st.integers(1, 12))
def test_a_range_of_lines_is_cut_from_the_whole(
    pieces: list[bytes], start: int, count: int
) -> None:
    chunks = packed(pieces)
    every = lines_of(chunks, start=0, stop=10**6, limit=NO_LIMIT)
    part = lines_of(chunks, start=start, stop=start + count, limit=NO_LIMIT)
    assert part == every[start : start + count]
