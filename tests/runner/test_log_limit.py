from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.core.clock import now
from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.runner.ingest import Ingest
from stepflow_tui.runner.log_limit import LogLimit
from stepflow_tui.runner.spool import OUTPUT, Spool
from stepflow_tui.store import queries
from stepflow_tui.store.chunks import lines_of
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.queries import Stream
from stepflow_tui.store.writer import Writer
from tests.house import House, wait_for

if TYPE_CHECKING:
    import pytest

    from stepflow_tui.store.chunks import Chunk

LIMIT = 2_000_000
NOTICE = "its log is over the limit of 2.0 MB: a part in the middle is left out"


def chunks(house: House, execution: Execution) -> list[Chunk]:
    return house.read(queries.chunks_from(execution.number, 0, 0, -1))


def check_kept(house: House, execution: Execution, written: bytes) -> Chunk:
    """The gap of a log whose head and tail are as they were written, each about half the limit."""
    stored = chunks(house, execution)
    [gap] = [chunk for chunk in stored if chunk.is_gap]
    place = stored.index(gap)
    head = b"".join(chunk.text() for chunk in stored[:place])
    tail = b"".join(chunk.text() for chunk in stored[place + 1 :])
    assert head == written[: len(head)]
    assert tail == written[-len(tail) :]
    assert gap.byte_count == len(written) - len(head) - len(tail)
    assert gap.line_count == written[len(head) : -len(tail)].count(b"\n")
    assert gap.first_line == head.count(b"\n")
    assert LIMIT / 2 <= len(head) <= LIMIT / 2 + 300_000
    assert LIMIT / 2 <= len(tail) <= LIMIT / 2 + 500_000
    assert execution.byte_count == len(written)
    assert execution.line_count == written.count(b"\n")
    return gap


def test_head_and_tail_of_a_log_over_its_limit_are_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_MAX_LOG_BYTES", str(LIMIT))
    # 401 bytes each: no line ends where a page of the pipe does, at which the head is cut.
    done = house.run("seq", "-f", "%0400.0f", "30000")
    written = b"".join(b"%0400d\n" % number for number in range(1, 30_001))
    gap = check_kept(house, done, written)
    assert done.warnings == [NOTICE]
    lines = lines_of(
        chunks(house, done), start=gap.first_line - 1, stop=gap.first_line + 3, limit=100
    )
    assert [line.missing for line in lines[-2:]] == [True, True]
    assert lines[-3].truncated  # the line that the gap has cut
    assert lines[-2].text.decode() == gap.notice
    assert [line.number for line in lines] == [gap.first_line + place for place in range(4)]


def test_a_flood_is_read_past_while_no_runner_keeps_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_MAX_LOG_BYTES", str(LIMIT))
    gate = house.root / "gate"
    os.mkfifo(gate)
    script = f"echo begin\nread x <{gate}\nseq 1 3000000\necho STEP_START:Last\nexit 4"
    execution = house.submit(house.script(script))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    house.kill_runner()
    gate.write_text("go\n")
    wait_for(lambda: (house.home.spool / f"{execution}.exit").read_bytes().count(b"drained"))
    house.start_runner()
    done = house.wait(execution)
    assert (done.status, done.exit_code) == (Status.FAILED, 4)
    numbers = b"".join(b"%d\n" % number for number in range(1, 3000001))
    check_kept(house, done, b"begin\n" + numbers + b"STEP_START:Last\n")
    [step] = house.steps(done)
    assert step.first_line == 3000002


def test_one_endless_line(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPFLOW_MAX_LOG_BYTES", str(LIMIT))
    done = house.run("sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo end")
    gap = check_kept(house, done, b"x" * 20_000_000 + b"\nend\n")
    assert gap.line_count == 0
    [first, second] = lines_of(chunks(house, done), start=0, stop=2, limit=10)
    assert (first.text, first.truncated, second.text) == (b"x" * 10, True, b"end")


def test_the_space_of_a_flooding_spool_is_given_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_MAX_LOG_BYTES", str(LIMIT))
    gate = house.root / "gate"
    os.mkfifo(gate)
    script = f"head -c 200000000 /dev/zero | tr '\\0' '\\n'\nread x <{gate}\necho end"
    execution = house.submit(house.script(script))
    spool = house.home.spool / f"{execution}.out"

    def is_given_back() -> bool:
        found = spool.stat() if spool.exists() else None
        return found is not None and found.st_size == 200_000_000 and blocks(spool) < 40_000_000

    wait_for(is_given_back)
    house.kill_runner()
    gate.write_text("go\n")
    house.start_runner()
    done = house.wait(execution)
    check_kept(house, done, b"\n" * 200_000_000 + b"end\n")
    assert house.home.database.stat().st_size < 20_000_000


def blocks(path: Path) -> int:
    return path.stat().st_blocks * 512


def reading(home: Home, writer: Writer, *, limit: int) -> tuple[Ingest, int]:
    """Reads the spool of a new execution, whose number comes with it."""
    spool = Spool(home, "it")
    spool.save_masks(["secret-value"])
    with writer.transaction(durable=False) as transaction:
        execution = Execution(0, "it", "run", ["true"], "/", Status.RUNNING, 0)
        number = transaction.insert_execution(execution)
    assert number is not None
    stream = Stream(number, None, 0, 0, 0, 0, None, is_open=True)
    return Ingest(spool, stream, max_log_bytes=limit), number


@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(1, 300)), min_size=1, max_size=6),
    st.integers(1, 3),
)
def test_what_was_left_out_is_one_gap(pieces: list[tuple[int, int]], reads: int) -> None:
    """However output and reads come, and however many of them a commit takes."""
    with TemporaryDirectory() as directory:
        home = Home(Path(directory, "home"))
        prepare_home(home)
        writer = Writer(home.database)
        ingest, number = reading(home, writer, limit=400_000)
        written = b""
        for written_kb, read_kb in pieces:
            written += b"x" * 999 * written_kb + b"\n"
            Path(home.spool, f"it{OUTPUT}").write_bytes(written)
            more = True
            while more:
                for _ in range(reads):
                    _, more = ingest.read(now(), read_kb * 1024)
                with writer.transaction(durable=False) as transaction:
                    ingest.save(transaction, number)
                ingest.saved()
        ingest.close()
        with writer.transaction(durable=False) as transaction:
            ingest.save(transaction, number)
        stored = writer.all(queries.chunks_from(number, 0, 0, -1))
        writer.close()
    assert sum(chunk.is_gap for chunk in stored) <= 1
    assert sum(chunk.byte_count for chunk in stored) == len(written)
    starts = itertools.accumulate((chunk.byte_count for chunk in stored), initial=0)
    for start, chunk in zip(starts, stored, strict=False):
        assert chunk.first_byte == start
        assert chunk.is_gap or chunk.text() == written[start : start + chunk.byte_count]


def test_what_is_to_be_left_out_is_so_after_a_commit_that_failed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    prepare_home(home)
    writer = Writer(home.database)
    ingest, number = reading(home, writer, limit=LIMIT)
    with Path(home.spool, f"it{OUTPUT}").open("ab", buffering=0) as file:
        for _ in range(30):
            file.write(b"a line\n" * 15_000)
            ingest.read(now())
        file.write(b"secret")  # is held back until it is known that no more comes
        ingest.read(now())
    with suppress(ZeroDivisionError), writer.transaction(durable=False) as transaction:
        ingest.save(transaction, number)
        raise ZeroDivisionError
    ingest.close()
    with writer.transaction(durable=False) as transaction:
        ingest.save(transaction, number)
    stored = writer.all(queries.chunks_from(number, 0, 0, -1))
    writer.close()
    assert [chunk.text() for chunk in stored][-1].endswith(b"secret")
    assert sum(chunk.byte_count for chunk in stored if not chunk.is_gap) < LIMIT + 300_000


def test_strides() -> None:
    limit = LogLimit(8_000_000)
    assert limit.head == 4_000_000
    assert not limit.leaves_out(3_999_999, 4_000_000)
    assert not limit.leaves_out(4_000_000, 3_999_999)
    assert limit.leaves_out(4_000_000, 4_000_000)
    assert limit.trim_before(8_000_000) is None
    assert limit.trim_before(8_500_000) == 4_500_000
    assert limit.trim_before(8_900_000) is None
    assert limit.trim_before(9_000_000) == 5_000_000
    assert not limit.is_exceeded(8_000_000)
    assert limit.is_exceeded(8_000_001)
