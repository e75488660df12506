from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from textual.app import App
from textual.geometry import Region

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.settings import Settings
from stepflow_tui.health.examination import Examination
from stepflow_tui.health.process_tree import ProcessTree
from stepflow_tui.health.sample import Sample
from stepflow_tui.requests.runner import RunnerIdentity
from stepflow_tui.tui.screens import health
from stepflow_tui.tui.screens.health import HealthScreen
from stepflow_tui.tui.theme.themes import ANSI_VARIABLES
from stepflow_tui.tui.vitals.gauges import gauges, latency, rate
from stepflow_tui.tui.vitals.samples import Samples
from stepflow_tui.tui.widgets.gauge_pane import GaugePane
from stepflow_tui.tui.widgets.process_trees import ProcessTreeList

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.queries import Query
    from tests.house import House

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


class Host(App[None]):
    CSS_PATH: ClassVar[str] = str(health.__file__).replace("health.py", "main/main.tcss")

    def __init__(self, samples: Samples) -> None:
        super().__init__()
        self._samples = samples
        self.chosen: list[int | None] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(ANSI_VARIABLES)

    def on_mount(self) -> None:
        self.push_screen(HealthScreen(self._samples), self.chosen.append)

    @property
    def rows(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)


@pytest.fixture
def samples(home: Home) -> Shown:
    return Shown(home)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Examination:
    found = Examination(runner=RUNNER, database_bytes=12_300_000, free_bytes=8_000_000_000)
    monkeypatch.setattr(health, "examine", lambda _, *, closely: found if closely else None)
    return found


@asynccontextmanager
async def shown(
    samples: Samples, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    host = Host(samples)
    async with host.run_test(size=size) as pilot:
        await until(pilot, lambda: "looking" not in host.text)
        yield host, pilot


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < deadline, pilot.app.screen._compositor.render_strips()
        await pilot.pause(0.01)


def squeezed(host: Host, text: str) -> str:
    return " ".join(row_with(host, text).split())


def focus(host: Host) -> str | None:
    return None if host.screen.focused is None else host.screen.focused.id


def selected_number(trees: ProcessTreeList) -> int | None:
    return None if trees.selected is None else trees.selected.number


def row_with(host: Host, text: str) -> str:
    return next(row for row in host.rows if text in row)


@pytest.mark.usefixtures("found")
async def test_figures_and_curves(samples: Shown) -> None:
    async with shown(samples) as (host, pilot):
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
        await pilot.pause()
        assert squeezed(host, "lines/s") == (
            "│ lines/s 1,234 peak 1,234 write-ahead log 3.2 MB alert at 50.0 MB │"
        )
        assert squeezed(host, "ended/min") == (
            "│ ended/min 7 peak 7 not stored yet 0 B alert at 64.0 MB │"
        )
        assert squeezed(host, "commit p99") == (
            "│ commit p99 4.1 ms p50 0.42 ms peak 4.1 ms runner memory 31.0 MB alert at 500.0 MB │"
        )
        assert squeezed(host, "unfinished") == ("│ unfinished 3 peak 3 runner CPU 7% peak 7% │")
        plot = host.rows[host.rows.index(row_with(host, "lines/s")) + 3]
        assert plot.split() == ["│", "█", "▂", "│"]  # 1,234 of 2,000 in three rows; 3.2 of 50 MB


@pytest.mark.usefixtures("found")
async def test_only_what_has_changed_is_drawn(
    samples: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.add(lines_per_s=5, cpu=0.1)
    async with shown(samples) as (host, _):
        pane = host.screen.query_one(GaugePane)
        assert pane.plot_rows == 3
        drawn: list[Region] = []
        monkeypatch.setattr(pane, "refresh", drawn.append)
        pane.show(samples.history)
        assert drawn == []
        pane.show([replace(samples.history[-1], cpu=0.2)])
        # The fourth row of cards has twelve lines above it.
        assert drawn == [Region(0, 12, pane.width, 1), Region(0, 15, pane.width, 1)]


async def test_alerts_are_sentences(samples: Shown, found: Examination) -> None:
    found.strains.append("the runner takes 612.0 MB of memory")
    found.notes.append("a damaged database was set aside")
    found.readers = [(811, "python3"), (812, "sqlite3\x1b[2J")]
    samples.add(memory_bytes=612_000_000)
    async with shown(samples) as (host, _):
        assert host.rows[0].startswith(" ▲ degraded")
        assert host.rows[0].endswith("runner 0.1.0, process 4242, up " + host.rows[0].split()[-1])
        assert host.rows[1:5] == [
            " ▲ the runner takes 612.0 MB of memory",
            " · a damaged database was set aside",
            " · also read by python3 (811), sqlite3 (812)",
            " · database 12.3 MB, 8.0 GB free on its disk",
        ]
        assert "runner memory   ▲ 612.0 MB" in host.text


async def test_healthy_and_down(samples: Shown, found: Examination) -> None:
    async with shown(samples) as (host, _):
        assert host.rows[0].startswith(" ✓ healthy")
        assert host.rows[1] == " · read by nobody else"
    found.runner = None
    found.failures.append("no runner is alive, with 2 unfinished executions")
    async with shown(samples) as (host, _):
        assert host.rows[0].startswith(" ✗ down")
        assert "no runner is alive; one starts when there is something to do" in host.rows[0]
        assert host.rows[1] == " ✗ no runner is alive, with 2 unfinished executions"


async def test_settings_that_cannot_be_read_are_told(
    samples: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examine(_: Home, *, closely: bool) -> Examination:
        raise UsageProblem(f"STEPFLOW_GRACE=x: closely {closely}")

    monkeypatch.setattr(health, "examine", examine)
    monkeypatch.setenv("STEPFLOW_ALERT_WAL_BYTES", "many")
    samples.add()
    async with shown(samples) as (host, _):
        assert host.rows[0].strip() == "STEPFLOW_GRACE=x: closely True"
        assert "alert at 50.0 MB" in host.text


@pytest.mark.usefixtures("found")
async def test_levels_come_from_the_settings(
    samples: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_ALERT_WAL_BYTES", "2MB")
    samples.add(wal_bytes=3_000_000)
    async with shown(samples) as (host, _):
        assert "write-ahead log ▲ 3.0 MB" in host.text
        assert "alert at 2.0 MB" in host.text


@pytest.mark.usefixtures("found")
async def test_processes_are_sorted_by_what_is_asked_for(samples: Shown) -> None:
    async with shown(samples) as (host, pilot):
        trees = host.screen.query_one(ProcessTreeList)
        assert trees.border_title == "Processes of what runs"
        samples.add(*TREES)
        await pilot.pause()
        rows = [trees.render_line(y).text.split() for y in range(3)]
        assert trees.border_title == "Processes by CPU"
        assert rows[0][:8] == ["#41", "deploy[red]", "8", "proc.", "900.0", "MB", "150%", "━" * 12]
        assert rows[1][:7] == ["#40", "nightly", "3", "proc.", "50.0", "MB", "2%"]
        assert rows[2][:7] == ["#42", "train", "1", "process", "7.0", "MB", "-"]
        await pilot.press("s")
        assert trees.border_title == "Processes by memory"
        samples.add(*(ProcessTree(tree.number, "x", 1, 1, tree.number, 0.0) for tree in TREES))
        await pilot.pause()
        assert [trees.render_line(y).text.split()[0] for y in range(3)] == ["#40", "#41", "#42"]


@pytest.mark.usefixtures("found")
async def test_the_cursor_stays_on_its_execution(samples: Shown) -> None:
    samples.add(*TREES)
    async with shown(samples) as (host, pilot):
        trees = host.screen.query_one(ProcessTreeList)
        await pilot.press("j", "j")
        assert selected_number(trees) == 40
        samples.add(TREES[2], ProcessTree(40, "nightly", 100, 3, 1, 2.0), TREES[1])
        await pilot.pause()
        assert [trees.cursor, selected_number(trees)] == [0, 40]
        samples.add(TREES[2])
        await pilot.pause()
        assert [trees.cursor, selected_number(trees)] == [0, 42]
        samples.add()
        await pilot.pause()
        assert [trees.cursor, selected_number(trees)] == [None, None]
        await pilot.press("enter", "j")
        assert host.chosen == []


@pytest.mark.usefixtures("found")
async def test_enter_leaves_for_the_execution(samples: Shown) -> None:
    samples.add(*TREES)
    async with shown(samples) as (host, pilot):
        await pilot.press("j", "enter")
        await pilot.pause()
        assert host.chosen == [41]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("key", ["escape", "q", "H"])
async def test_it_closes_and_lets_go(samples: Shown, key: str) -> None:
    async with shown(samples) as (host, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert host.chosen == [None]
        assert samples.wanted == [True, False]
        assert not [worker for worker in host.workers if worker.group in ("samples", "examine")]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("size", [(40, 20), (60, 16), (80, 24), (300, 80)])
async def test_nothing_is_cut_off(samples: Shown, size: tuple[int, int]) -> None:
    samples.add(*TREES, wal_bytes=3_200_000, commit_p99_ms=1.0)
    async with shown(samples, size) as (host, pilot):
        width, height = size
        assert len(host.rows) == height
        assert max(map(len, host.rows)) <= width
        assert host.rows[-1].endswith("esc close")
        assert "900.0 MB   150%" in host.text
        await pilot.press("tab")
        assert "lines/s" in host.text
        assert focus(host) == "health-gauges"
        assert host.screen.max_scroll_y == 0
        await pilot.press("tab")
        assert focus(host) == "health-trees"


@pytest.mark.usefixtures("found")
async def test_gauges_scroll_where_there_is_no_room(samples: Shown) -> None:
    samples.add()
    async with shown(samples, (40, 14)) as (host, pilot):
        await pilot.press("tab")
        assert "runner CPU" not in host.text
        await pilot.press(*["j"] * 10)
        await until(pilot, lambda: "runner CPU" in host.text)
        await pilot.press("g")
        await until(pilot, lambda: "lines/s" in host.text)
        await pilot.press("G")
        await until(pilot, lambda: "runner CPU" in host.text)


async def test_a_long_list_of_alerts_leaves_room(samples: Shown, found: Examination) -> None:
    found.strains.extend(f"strain {number} " + "word " * 30 for number in range(9))
    samples.add(*TREES)
    async with shown(samples, (80, 24)) as (host, _):
        assert host.rows[7] == "   … 23 more lines: stepflow health"
        assert host.rows[8].startswith("╭─")


async def test_a_real_house_is_shown(house: House) -> None:
    from stepflow_tui.store.feed import Feed

    execution = house.submit(house.script("while echo line; do sleep 0.01; done"), name="chatty")
    house.wait_running(execution)
    async with Feed(house.home) as feed:
        await feed.next_change()
        samples = Samples(house.home, feed)
        host = Host(samples)
        async with host.run_test(size=(120, 36)) as pilot:
            host.run_worker(samples.run())
            await until(pilot, lambda: "chatty" in host.text)
            await until(pilot, lambda: samples.history[-1].lines_per_s > 5)
            await until(pilot, lambda: samples.trees[0].cpu is not None)
            assert host.rows[0].startswith(" ✓ healthy")
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
