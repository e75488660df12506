from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from benchmarks import stamps
from benchmarks.stamps import Arrivals, Stamp
from benchmarks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND_NS = 10**9


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop(quick=True) as workshop:
        yield workshop


def test_a_stamp_is_found_among_other_text() -> None:
    stamps_printed = [Stamp(0, 7), Stamp(9_999_999, 123_456_789_012_345)]
    screen = "\n".join(f"│ {stamp.line}   │" for stamp in stamps_printed)
    assert list(stamps.find(screen)) == stamps_printed


def test_a_stamp_half_written_over_by_the_next_is_none() -> None:
    old, new = Stamp(41, 5 * SECOND_NS).line, Stamp(42, 6 * SECOND_NS + 1234).line
    for place in range(len(new) + 1):
        found = list(stamps.find(new[:place] + old[place:]))
        assert found in ([], [Stamp(41, 5 * SECOND_NS)], [Stamp(42, 6 * SECOND_NS + 1234)])


def test_the_first_sight_of_each_line_of_the_measured_time_counts() -> None:
    arrivals = Arrivals(10 * SECOND_NS, 20 * SECOND_NS)
    early, first, last, late = (
        Stamp(number, printed_s * SECOND_NS) for number, printed_s in enumerate((9, 10, 19, 20))
    )
    arrivals.note(f"{early.line}\n{first.line}", 10 * SECOND_NS + 2_000_000)
    arrivals.note(f"{first.line}\n{last.line}", 19 * SECOND_NS + 500_000)
    arrivals.note(late.line, 21 * SECOND_NS)
    assert arrivals.delays_ms == [2.0, 0.5]


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_the_ticker_prints_stamps_as_long_as_its_file_is_there(workshop: Workshop) -> None:
    alive = workshop.root / "alive"
    alive.touch()
    command = [str(stamps.build(workshop)), str(alive), "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as ticker:
        assert ticker.stdout is not None
        printed = [next(ticker.stdout) for _ in range(5)]
        alive.unlink()
        rest = ticker.stdout.read()
    assert ticker.returncode == 0
    found = list(stamps.find("".join(printed) + rest))
    assert [stamp.number for stamp in found] == list(range(len(found)))
    assert [f"{stamp.line}\n" for stamp in found[:5]] == printed
    assert sorted(found, key=lambda stamp: stamp.printed_ns) == found
