from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from textual.geometry import Region

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.settings import Settings
from stepflow_tui.health.examination import Examination
from stepflow_tui.health.process_tree import ProcessTree
from stepflow_tui.health.sample import Sample
from stepflow_tui.requests.runner import RunnerIdentity
from stepflow_tui.tui.screens import health
from stepflow_tui.tui.screens.health import HealthScreen
from stepflow_tui.tui.vitals.gauges import gauges, latency, rate
from stepflow_tui.tui.vitals.samples import Samples
from stepflow_tui.tui.widgets.gauge_pane import GaugePane
from stepflow_tui.tui.widgets.process_trees import ProcessTreeList
from tests.tui.one_screen import OneScreen, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.queries import Query
    from tests.house import House
    from tests.tui.driven import Driven

RUNNER = RunnerIdentity(4242, "0.1.0", 0)
TREES = [
    ProcessTree(40, "nightly", 100, 3, 50_000_000, 0.02),
    ProcessTree(41, "deploy\x1b]52;c;AAAA\x07[red]", 101, 8, 900_000_000, 1.5),
    ProcessTree(42, "train", 102, 1, 7_000_000, None),
]


class Nothing:
    """A source that is never asked."""

    async def all(self, query: Query[object]) -> list[object]:
        raise AssertionError(query.sql)

    async def first(self, query: Query[object]) -> object:
        raise AssertionError(query.sql)


class Shown(Samples):
    """Samples that a test hands in."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, Nothing())  # type: ignore[arg-type]
        self.wanted: list[bool] = []

    def show_trees(self, *, wanted: bool) -> None:
        self.wanted.append(wanted)

    def add(self, *trees: ProcessTree, **fields: object) -> None:
        self._history.append(Sample(time.monotonic(), 1.0, **fields))  # type: ignore[arg-type]
        self.trees = list(trees)
        self._taken.set()
        self._taken.clear()


@pytest.fixture
def samples(home: Home) -> Shown:
    return Shown(home)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Examination:
    found = Examination(runner=RUNNER, database_bytes=12_300_000, free_bytes=8_000_000_000)
    monkeypatch.setattr(health, "examine", lambda _, *, closely: found if closely else None)
    return found


@asynccontextmanager
async def health_of(
    samples: Shown, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Driven[OneScreen]]:
    async with shown(HealthScreen(samples), size) as board:
        await board.until(lambda: "looking" not in board.text)
        yield board


def rows_of(board: Driven[OneScreen]) -> list[str]:
    return board.text.split("\n")


def row_with(board: Driven[OneScreen], text: str) -> str:
    return next(row for row in rows_of(board) if text in row)


def squeezed(board: Driven[OneScreen], text: str) -> str:
    return " ".join(row_with(board, text).split())


def selected_number(trees: ProcessTreeList) -> int | None:
    return None if trees.selected is None else trees.selected.number


@pytest.mark.usefixtures("found")
async def test_figures_and_curves(samples: Shown) -> None:
    async with health_of(samples) as board:
        samples.add(
            unfinished=3,
            lines_per_s=1234.4,
            ended_per_min=7,
            commit_p50_ms=0.42,
            commit_p99_ms=4.1,
            wal_bytes=3_200_000,
            backlog_bytes=0,
            memory_bytes=31_000_000,
            cpu=0.07,
        )
        await board.pilot.pause()
        assert squeezed(board, "lines/s") == (
            "│ lines/s 1,234 peak 1,234 write-ahead log 3.2 MB alert at 50.0 MB │"
        )
        assert squeezed(board, "ended/min") == (
            "│ ended/min 7 peak 7 not stored yet 0 B alert at 64.0 MB │"
        )
        assert squeezed(board, "commit p99") == (
            "│ commit p99 4.1 ms p50 0.42 ms peak 4.1 ms runner memory 31.0 MB alert at 500.0 MB │"
        )
        assert squeezed(board, "unfinished") == ("│ unfinished 3 peak 3 runner CPU 7% peak 7% │")
        plot = rows_of(board)[rows_of(board).index(row_with(board, "lines/s")) + 5]
        assert plot.split() == ["│", "█", "▃", "│"]  # 1,234 of 2,000 in five rows; 3.2 of 50 MB


@pytest.mark.usefixtures("found")
async def test_only_what_has_changed_is_drawn(
    samples: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.add(lines_per_s=5, cpu=0.1)
    async with health_of(samples) as board:
        pane = board.app.screen.query_one(GaugePane)
        assert pane.plot_rows == 5
        drawn: list[Region] = []
        monkeypatch.setattr(pane, "refresh", drawn.append)
        pane.show(samples.history)
        assert drawn == []
        pane.show([replace(samples.history[-1], cpu=0.2)])
        # The fourth row of cards has 18 lines above it.
        assert drawn == [Region(0, 18, pane.width, 1), Region(0, 23, pane.width, 1)]


async def test_alerts_are_sentences(samples: Shown, found: Examination) -> None:
    found.strains.append("the runner takes 612.0 MB of memory")
    found.notes.append("a damaged database was set aside")
    found.readers = [(811, "python3"), (812, "sqlite3\x1b[2J")]
    samples.add(memory_bytes=612_000_000)
    async with health_of(samples) as board:
        assert rows_of(board)[0].startswith(" ▲ degraded")
        assert rows_of(board)[0].endswith(
            "runner 0.1.0, process 4242, up " + rows_of(board)[0].split()[-1]
        )
        assert rows_of(board)[1:5] == [
            " ▲ the runner takes 612.0 MB of memory",
            " · a damaged database was set aside",
            " · database 12.3 MB, 8.0 GB free on its disk",
            " · database also open in python3 (811), sqlite3 (812)",
        ]
        assert "runner memory   ▲ 612.0 MB" in board.text


async def test_healthy_and_down(samples: Shown, found: Examination) -> None:
    async with health_of(samples) as board:
        assert rows_of(board)[0].startswith(" ✓ healthy")
        assert rows_of(board)[2] == " · no other program has the database open"
    found.runner = None
    found.failures.append("no runner is alive, with 2 unfinished executions")
    async with health_of(samples) as board:
        assert rows_of(board)[0].startswith(" ✗ down")
        assert "no runner is alive; one starts when there is something to do" in rows_of(board)[0]
        assert rows_of(board)[1] == " ✗ no runner is alive, with 2 unfinished executions"


async def test_settings_that_cannot_be_read_are_told(
    samples: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examine(_: Home, *, closely: bool) -> Examination:
        raise UsageProblem(f"STEPFLOW_GRACE=x: closely {closely}")

    monkeypatch.setattr(health, "examine", examine)
    monkeypatch.setenv("STEPFLOW_ALERT_WAL_BYTES", "many")
    samples.add()
    async with health_of(samples) as board:
        assert rows_of(board)[0].strip() == "STEPFLOW_GRACE=x: closely True"
        assert "alert at 50.0 MB" in board.text


@pytest.mark.usefixtures("found")
async def test_levels_come_from_the_settings(
    samples: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_ALERT_WAL_BYTES", "2MB")
    samples.add(wal_bytes=3_000_000)
    async with health_of(samples) as board:
        assert "write-ahead log ▲ 3.0 MB" in board.text
        assert "alert at 2.0 MB" in board.text


@pytest.mark.usefixtures("found")
async def test_processes_are_sorted_by_what_is_asked_for(samples: Shown) -> None:
    async with health_of(samples) as board:
        trees = board.app.screen.query_one(ProcessTreeList)
        assert trees.border_title == "Processes"
        samples.add(*TREES)
        await board.pilot.pause()
        rows = [trees.render_line(y).text.split() for y in range(3)]
        assert trees.border_title == "Processes by CPU"
        assert rows[0][:8] == [
            "#41",
            "deploy[red]",
            "8",
            "processes",
            "900.0",
            "MB",
            "150%",
            "━" * 12,
        ]
        assert rows[1][:7] == ["#40", "nightly", "3", "processes", "50.0", "MB", "2%"]
        assert rows[2][:7] == ["#42", "train", "1", "process", "7.0", "MB", "-"]
        await board.press("s")
        assert trees.border_title == "Processes by memory"
        samples.add(*(ProcessTree(tree.number, "x", 1, 1, tree.number, 0.0) for tree in TREES))
        await board.pilot.pause()
        assert [trees.render_line(y).text.split()[0] for y in range(3)] == ["#40", "#41", "#42"]


@pytest.mark.usefixtures("found")
async def test_the_cursor_stays_on_its_execution(samples: Shown) -> None:
    samples.add(*TREES)
    async with health_of(samples) as board:
        trees = board.app.screen.query_one(ProcessTreeList)
        await board.press("j", "j")
        assert selected_number(trees) == 40
        samples.add(TREES[2], ProcessTree(40, "nightly", 100, 3, 1, 2.0), TREES[1])
        await board.pilot.pause()
        assert [trees.cursor, selected_number(trees)] == [0, 40]
        samples.add(TREES[2])
        await board.pilot.pause()
        assert [trees.cursor, selected_number(trees)] == [0, 42]
        samples.add()
        await board.pilot.pause()
        assert [trees.cursor, selected_number(trees)] == [None, None]
        await board.press("enter", "j")
        assert board.app.results == []


@pytest.mark.usefixtures("found")
async def test_enter_leaves_for_the_execution(samples: Shown) -> None:
    samples.add(*TREES)
    async with health_of(samples) as board:
        await board.press("j", "enter")
        await board.pilot.pause()
        assert board.app.results == [41]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("key", ["escape", "q", "H"])
async def test_it_closes_and_lets_go(samples: Shown, key: str) -> None:
    async with health_of(samples) as board:
        await board.press(key)
        await board.pilot.pause()
        assert board.app.results == [None]
        assert samples.wanted == [True, False]
        assert not [
            worker for worker in board.app.workers if worker.group in ("samples", "examine")
        ]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("size", [(100, 30), (120, 32), (120, 36), (160, 50), (300, 80)])
@pytest.mark.parametrize("count", [0, 1, 3])
async def test_no_room_is_left_empty(samples: Shown, size: tuple[int, int], count: int) -> None:
    samples.add(*TREES[:count])
    async with health_of(samples, size) as board:
        trees = board.app.screen.query_one(ProcessTreeList)
        assert len(TREES) < trees.outer_size.height <= size[1] // 3


@pytest.mark.usefixtures("found")
async def test_many_processes_get_their_room(samples: Shown) -> None:
    samples.add(*(ProcessTree(n, "train", n, 1, 7_000_000, None) for n in range(100, 130)))
    async with health_of(samples, (120, 36)) as board:
        trees = board.app.screen.query_one(ProcessTreeList)
        assert trees.outer_size.height >= 12


SIZES = [(80, 24), (100, 30), (120, 36), (160, 45), (200, 60), (300, 80)]
WARNINGS = ["the runner takes 612.0 MB of memory", "64.0 MB of output are not stored yet", "late"]


def trees_of(count: int) -> list[ProcessTree]:
    return [ProcessTree(number, "job", 1, number, 10**6, 0.5) for number in range(1, count + 1)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strains", [[], WARNINGS])
@pytest.mark.parametrize("count", [0, 1, 8, 40])
async def test_the_room_is_used(
    samples: Shown, found: Examination, size: tuple[int, int], strains: list[str], count: int
) -> None:
    found.strains.extend(strains)
    async with health_of(samples, size) as board:
        samples.add(*trees_of(count))
        await board.pilot.pause()
        trees = board.app.screen.query_one(ProcessTreeList)
        pane = board.app.screen.query_one(GaugePane)
        used = len(strains) + 3 + pane.outer_size.height + trees.outer_size.height + 1
        assert used == size[1]
        assert trees.height >= 3
        higher = pane.rows_at(pane.width, pane.plot_rows + 1) - pane.rows_at(
            pane.width, pane.plot_rows
        )
        # No higher plots would have left enough for the list.
        assert trees.height - max(3, count) < higher
        if pane.plot_rows > 3:
            assert trees.height >= count


@pytest.mark.usefixtures("found")
async def test_the_list_grows_and_never_shrinks(samples: Shown) -> None:
    async with health_of(samples, (160, 45)) as board:
        pane = board.app.screen.query_one(GaugePane)
        rows = []
        for count in (0, 40, 1):
            samples.add(*trees_of(count))
            await board.pilot.pause()
            assert pane.outer_size.height == pane.rows_at(pane.width, pane.plot_rows) + 2
            assert ("no execution is running" in board.text) == (count == 0)
            rows.append(pane.plot_rows)
        assert rows == [7, 3, 3]  # they do not jump when one ends


@pytest.mark.parametrize("size", SIZES)
async def test_columns_stand_below_one_another(
    samples: Shown, found: Examination, size: tuple[int, int]
) -> None:
    found.strains.extend(WARNINGS)
    async with health_of(samples, size) as board:
        samples.add(*trees_of(40), memory_bytes=612_000_000, wal_bytes=62_000_000)
        await board.pilot.pause()
        starts, values = set(), set()
        for gauge in gauges(Settings()):
            row = next(row for row in rows_of(board) if f" {gauge.title} " in row and row[0] == "│")
            starts.add(row.index(f" {gauge.title} "))
            value = row[row.index(f" {gauge.title} ") + 1 + len(gauge.title) :]
            values.add(len(row) - len(value.lstrip()))
        assert len(starts) == len(values) == (4 if size[0] >= 205 else 2)
        assert ("alert at" in board.text) != (" of 64.0 MB  " in board.text)
        listed = [row for row in rows_of(board) if " job " in row]
        assert len({row.index(" MB") for row in listed}) == 1
        assert len({row.index("%") for row in listed}) == 1


@pytest.mark.parametrize("size", [(40, 20), (60, 16), (80, 24), (300, 80)])
async def test_nothing_is_cut_off(samples: Shown, size: tuple[int, int]) -> None:
    samples.add(*TREES, wal_bytes=3_200_000, commit_p99_ms=1.0)
    async with health_of(samples, size) as board:
        width, height = size
        assert len(rows_of(board)) == height
        assert max(map(len, rows_of(board))) <= width
        assert rows_of(board)[-1].endswith("esc close")
        assert " tab pane " in rows_of(board)[-1]
        assert "900.0 MB   150%" in board.text
        await board.press("tab")
        assert "lines/s" in board.text
        assert board.focus == "health-gauges"
        assert board.app.screen.max_scroll_y == 0
        await board.press("tab")
        assert board.focus == "health-trees"


@pytest.mark.usefixtures("found")
async def test_gauges_scroll_where_there_is_no_room(samples: Shown) -> None:
    samples.add()
    async with health_of(samples, (40, 14)) as board:
        await board.press("tab")
        assert "runner CPU" not in board.text
        await board.press(*["j"] * 10)
        await board.until(lambda: "runner CPU" in board.text)
        await board.press("g")
        await board.until(lambda: "lines/s" in board.text)
        await board.press("G")
        await board.until(lambda: "runner CPU" in board.text)


async def test_a_long_list_of_alerts_leaves_room(samples: Shown, found: Examination) -> None:
    found.strains.extend(f"strain {number} " + "word " * 30 for number in range(9))
    samples.add(*TREES)
    async with health_of(samples, (80, 24)) as board:
        assert rows_of(board)[7] == "   … 23 more lines: stepflow health"
        assert rows_of(board)[8].startswith("╭─")


async def test_a_real_house_is_shown(house: House) -> None:
    from stepflow_tui.store.feed import Feed

    execution = house.submit(house.script("while echo line; do sleep 0.01; done"), name="chatty")
    house.wait_running(execution)
    async with Feed(house.home) as feed:
        await feed.next_change()
        samples = Samples(house.home, feed)
        async with shown(HealthScreen(samples)) as board:
            board.app.run_worker(samples.run())
            await board.until(lambda: "chatty" in board.text)
            await board.until(lambda: samples.history[-1].lines_per_s > 5)
            await board.until(lambda: samples.trees[0].cpu is not None)
            assert rows_of(board)[0].startswith(" ✓ healthy")
            assert samples.history[-1].lines_per_s < 120
            assert samples.history[-1].memory_bytes > 5_000_000
            assert samples.trees[0].count >= 4


def test_every_gauge_takes_a_sample_of_nothing() -> None:
    sample = Sample(1.0, 1.0)
    texts = [
        gauge.form(value) if (value := gauge.value(sample)) is not None else "-"
        for gauge in gauges(Settings())
    ]
    assert texts == ["0", "0 B", "0", "0 B", "-", "0 B", "0", "0%"]


def test_rates_and_latencies_are_short() -> None:
    assert [rate(value) for value in (0, 0.25, 3.0, 9.96, 12.4, 1_234_567.8)] == [
        "0", "0.2", "3", "10.0", "12", "1,234,568",
    ]  # fmt: skip
    assert [latency(ms) for ms in (0.034, 0.42, 4.1, 9.96, 12.3, 999.4, 1300)] == [
        "0.034 ms", "0.42 ms", "4.1 ms", "10 ms", "12 ms", "999 ms", "1.3 s",
    ]  # fmt: skip
