from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.core.markers import (
    MAX_LINE,
    Malformed,
    Meta,
    StepComplete,
    StepError,
    StepStart,
    parse_line,
)
from stepflow_tui.core.scanner import Found, MarkerScanner

PIECES = st.sampled_from(
    [
        *(b"\n", b"\n", b"\n", b"\r\n", b"STEP_START:", b"STEP_COMPLETE:", b"META:", b"ARTIFACT:"),
        *(b"STEP_", b"ERROR:", b"name", " größe 🚀".encode(), b"[a=1]", b"\x1b[32m", b"#1 0.1 "),
        *(b" ", b":", b"\x00", b"\xff", b"+ echo "),
    ]
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)
CUTS = st.lists(st.integers(min_value=0, max_value=300), max_size=12)


def scan(*chunks: bytes) -> list[Found]:
    scanner = MarkerScanner()
    return [found for chunk in chunks for found in scanner.feed(chunk)] + scanner.finish()


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(place, len(stream)) for place in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def test_markers_are_found_with_their_lines() -> None:
    stream = (
        b"hello\n"
        b"STEP_START:Build [duration=9]\n"
        b"+ echo STEP_START:no\n"
        b"\n"
        b"  STEP_ERROR:broken\r\n"
        b"META:\n"
        b"say META:a:b\n"
        b"META:a:b\n"
        b"STEP_COMPLETE:Build"
    )
    assert scan(stream) == [
        Found(2, StepStart("Build", 9.0)),
        Found(5, StepError("broken")),
        Found(6, Malformed('META needs a key and a value, META:key:value: "META:"')),
        Found(8, Meta("a", "b")),
        Found(9, StepComplete("Build")),
    ]


def test_several_hints_on_one_line_are_one_marker() -> None:
    assert scan(b"META:META:META:\nSTEP_START:STEP_START:x\n") == [
        Found(1, Meta("META", "META:")),
        Found(2, StepStart("STEP_START:x")),
    ]


def test_a_marker_is_found_once_its_line_ends() -> None:
    scanner = MarkerScanner()
    assert scanner.feed(b"a\nSTEP_START:Bu") == []
    assert (scanner.lines, scanner.partial_size) == (1, 13)
    assert scanner.feed(b"ild") == []
    assert scanner.feed(b"\nb") == [Found(2, StepStart("Build"))]
    assert (scanner.lines, scanner.partial_size) == (2, 1)


def test_the_last_line_needs_no_newline() -> None:
    scanner = MarkerScanner()
    assert scanner.feed(b"STEP_START:Build") == []
    assert scanner.finish() == [Found(1, StepStart("Build"))]
    assert scanner.finish() == []
    assert (scanner.lines, scanner.partial_size) == (0, 0)


def test_nothing_comes_of_nothing() -> None:
    assert scan() == scan(b"") == scan(b"", b"\n", b"") == []


def test_utf8_split_across_reads() -> None:
    stream = "STEP_START:Größe 🚀\n".encode()
    for place in range(len(stream)):
        assert scan(stream[:place], stream[place:]) == [Found(1, StepStart("Größe 🚀"))]


def test_a_line_beyond_the_limit_is_no_marker() -> None:
    longest = b"STEP_ERROR:".ljust(MAX_LINE, b"a")
    for line, count in ((longest, 1), (longest + b"a", 0)):
        for size in (len(line), 1000):
            chunks = [line[start : start + size] for start in range(0, len(line), size)]
            assert len(scan(*chunks)) == count
            assert len(scan(*chunks, b"\n")) == count
            assert len(scan(b"x\n", *chunks, b"\nx")) == count
        assert len(scan(b"x\n" + line + b"\nx")) == count


def test_an_endless_line_costs_no_memory_and_no_quadratic_time() -> None:
    scanner = MarkerScanner()
    chunk = b"STEP_START:a" * 400
    for _ in range(10_000_000 // len(chunk)):
        assert scanner.feed(chunk) == []
    assert scanner.partial_size == 10_000_000 // len(chunk) * len(chunk)
    assert len(scanner._partial) <= MAX_LINE
    assert scanner.feed(b"\nSTEP_START:b\n") == [Found(2, StepStart("b"))]
    assert scanner.partial_size == 0


def test_a_whole_endless_line_in_one_chunk() -> None:
    line = b"META:a:" * 1_500_000
    assert scan(line + b"\nSTEP_START:b\n" + line) == [Found(2, StepStart("b"))]


@pytest.mark.timeout(10)
def test_a_line_that_comes_byte_by_byte() -> None:
    stream = b"STEP_START:" + b"a" * 200_000 + b"\nSTEP_START:b\n"
    scanner = MarkerScanner()
    found = [found for byte in stream for found in scanner.feed(bytes([byte]))]
    assert found == [Found(2, StepStart("b"))]


def test_an_overlong_line_stays_overlong_when_resumed() -> None:
    scanner = MarkerScanner(lines=7, partial=b"META:a:" + b"a" * MAX_LINE)
    assert scanner.partial_size == MAX_LINE + 7
    assert scanner.feed(b"\nMETA:a:b\n") == [Found(9, Meta("a", "b"))]


@given(STREAMS)
def test_a_scan_finds_what_every_line_alone_holds(stream: bytes) -> None:
    lines = enumerate(stream.split(b"\n"), start=1)
    expected = [Found(number, marker) for number, line in lines if (marker := parse_line(line))]
    assert scan(stream) == expected


@given(STREAMS, CUTS)
def test_any_chunks_give_the_same(stream: bytes, cuts: list[int]) -> None:
    assert scan(*cut(stream, cuts)) == scan(stream)


@given(STREAMS, CUTS, st.integers(min_value=0, max_value=300))
def test_resuming_anywhere_gives_the_same(stream: bytes, cuts: list[int], place: int) -> None:
    scanner = MarkerScanner()
    found = [found for chunk in cut(stream[:place], cuts) for found in scanner.feed(chunk)]
    partial = stream[:place].rpartition(b"\n")[2]
    assert scanner.partial_size == len(partial)

    resumed = MarkerScanner(lines=scanner.lines, partial=partial)
    found += [found for chunk in cut(stream[place:], cuts) for found in resumed.feed(chunk)]
    assert found + resumed.finish() == scan(stream)
    assert resumed.lines == stream.count(b"\n")


def test_output_without_keywords_is_scanned_fast() -> None:
    chunk = b"2024-05-06T12:33:44Z INFO worker-7: processed item 000123, all well\n" * 963
    scanner = MarkerScanner()
    began = time.thread_time()
    for _ in range(200):
        scanner.feed(chunk)
    # Far below what is measured (over 500 MB/s), far above what any work per line would reach.
    assert len(chunk) * 200 / (time.thread_time() - began) > 100e6
