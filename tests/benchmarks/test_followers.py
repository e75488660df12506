from __future__ import annotations

from benchmarks.followers import Tail
from stepflow_tui.store import chunks
from stepflow_tui.store.queries import Stream

STREAM = Stream(1, 1, 8, 8, 2, 0, None, is_open=True)
"""Holds `one\\ntwo\\n`."""


def test_a_line_in_two_chunks_is_taken_when_it_is_whole() -> None:
    tail = Tail(STREAM)
    assert tail.take(chunks.pack(b"three\nfo", first_line=2, first_byte=8, arrived_at=0)) == (
        "three\n"
    )
    assert tail.take(chunks.pack(b"ur\n", first_line=3, first_byte=16, arrived_at=0)) == "four\n"
    assert tail.query.parameters[-2:] == (19, -1)


def test_what_was_before_is_left_out_of_a_merged_chunk() -> None:
    tail = Tail(STREAM)
    merged = chunks.pack(b"one\ntwo\nthree\n", first_line=0, first_byte=0, arrived_at=0)
    assert tail.take(merged) == "three\n"
