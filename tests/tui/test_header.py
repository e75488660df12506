from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from textual.app import App

from stepflow_tui.core.models import Instant, Status
from stepflow_tui.tui.vitals.activity import SPAN_MS, SPANS, Activity, Curve
from stepflow_tui.tui.widgets.header import Gauge, Header, gauges, one_line, two_lines
from tests.tui.record import START_MS

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from stepflow_tui.tui.widgets.line import Part
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder


def text(parts: list[Part]) -> str:
    return "".join(part for part, _ in parts)


def sample_gauges() -> list[Gauge]:
    return [
        Gauge("● 12 running", "● 12", "line--busy", [None] * 20 + [1, 2, 3, 4, 5, 6, 7, 8, 9, 12]),
        Gauge("○ 3 pending", "○ 3", "line--dim"),
        Gauge("✗ 5 failed today", "✗ 5", "line--bad"),
        Gauge("✓ 14 ended/min", "✓ 14", "line--good", [0] * 29 + [4]),
        Gauge("✗ 0 failed/min", "✗ 0", "line--faint", [0] * 30),
        Gauge("1,234 lines/s", "1,234/s", "line--dim", [None] * 28 + [10, 1234], 10.0),
    ]


def test_a_curve_keeps_the_highest_of_each_span() -> None:
    curve = Curve()
    for value, second in ((1, 0), (3, 5), (2, 10), (7, 25)):
        curve.note(value, START_MS + second * 1000)
    values = curve.values(START_MS + 25_000)
    assert (len(values), values[-2:], set(values[:-2])) == (SPANS, [3, 7], {None})
    assert curve.values(START_MS + 25_000 + 2 * SPAN_MS)[-4:] == [3, 7, None, None]
    assert set(curve.values(START_MS + 10**9)) == {None}
    curve.note(5, START_MS + 10**12)
    assert curve.values(START_MS + 10**12) == [None] * (SPANS - 1) + [5]


async def test_what_ended_is_known_from_before(recorder: Recorder, source: CountingSource) -> None:
    for ago_s, status in ((1, Status.FAILED), (30, Status.COMPLETED), (90, Status.LOST)):
        number = recorder.execution()
        recorder.change(number, status=status, finished_at=START_MS - ago_s * 1000)
    recorder.execution()
    activity = Activity(source)
    before = activity.is_flat
    await activity.sample({Status.RUNNING: 1}, Instant(START_MS, 0))
    assert (activity.ended_per_minute, activity.failed_per_minute) == (2, 1)
    assert (sum(activity.ended), sum(activity.failed), activity.failed_today) == (3, 2, 2)
    assert activity.running.values(START_MS)[-1] == 1
    assert (before, activity.is_flat) == (True, False)
    await activity.sample({}, Instant(START_MS + 3_600_000, 3_600_000))
    assert (sum(activity.ended), activity.is_flat) == (0, True)


@pytest.mark.parametrize("into_span_ms", [0, 1, SPAN_MS // 2, SPAN_MS - 1])
async def test_a_minute_is_a_minute_at_any_moment(
    recorder: Recorder, source: CountingSource, into_span_ms: int
) -> None:
    now_ms = START_MS // SPAN_MS * SPAN_MS + into_span_ms
    for ago_s, status in ((59, Status.FAILED), (58, Status.COMPLETED), (61, Status.FAILED)):
        number = recorder.execution()
        recorder.change(number, status=status, finished_at=now_ms - ago_s * 1000)
    activity = Activity(source)
    await activity.sample({}, Instant(now_ms, 0))
    assert (activity.ended_per_minute, activity.failed_per_minute) == (2, 1)


async def test_gauges_name_what_they_count(recorder: Recorder, source: CountingSource) -> None:
    recorder.execution()
    activity = Activity(source)
    await activity.sample({Status.RUNNING: 1234, Status.PENDING: 2}, Instant(START_MS, 0))
    shown = gauges(activity)
    assert [gauge.text for gauge in shown] == [
        "● 1,234 running",
        "○ 2 pending",
        "✗ 0 failed today",
        "✓ 0 ended/min",
        "✗ 0 failed/min",
        "0 lines/s",
    ]
    assert [gauge.style for gauge in shown] == ["line--busy", "line--dim", *["line--faint"] * 4]


def test_a_wide_line_has_numbers_and_curves() -> None:
    line = text(one_line(sample_gauges(), 160))
    assert line.startswith(" ● 12 running ")
    assert "▂▂▂▂▂▃▃▄▄▅   ○ 3 pending   ✗ 5 failed today   ✓ 14 ended/min ▁▁▁" in line


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (
            80,
            " ● 12 running   ○ 3 pending   ✗ 5 failed today   ✓ 14 ended/min   ✗ 0 failed/min",
        ),
        (79, " ● 12 running   ○ 3 pending   ✗ 5 failed today   ✓ 14 ended/min"),
        (50, " ● 12 running   ○ 3 pending   ✗ 5 failed today"),
        (40, " ● 12   ○ 3   ✗ 5   ✓ 14   ✗ 0   1,234/s"),
        (20, " ● 12   ○ 3   ✗ 5"),
        (3, ""),
    ],
)
def test_a_narrow_line_keeps_what_matters_most(width: int, line: str) -> None:
    assert text(one_line(sample_gauges(), width)) == line


def test_with_two_lines_the_curves_stand_below() -> None:
    numbers, curves = map(text, two_lines(sample_gauges(), 110))
    assert numbers.startswith(" ● 12 running")
    assert curves[numbers.index("✓") :].startswith("▁▁▁▁")
    assert two_lines(sample_gauges(), 40)[1] == []


def test_the_first_curves_stay_where_there_is_no_room_for_all() -> None:
    shown = sample_gauges()
    shown[0] = replace(shown[0], text="● 1,000 running")
    line = text(one_line(shown, 120))
    assert line.startswith(" ● 1,000 running ▂▃▃▄▄▅   ○")
    assert "✗ 0 failed/min ▁▁▁▁▁▁" in line
    assert line.endswith("   1,234 lines/s")
    line = text(one_line(shown, 107))
    assert "running ▂▂▃▃▄▄▅   ○" in line
    assert line.endswith("✓ 14 ended/min   ✗ 0 failed/min   1,234 lines/s")


def test_with_two_lines_the_first_gauges_keep_their_curves() -> None:
    numbers, curves = map(text, two_lines(sample_gauges(), 80))
    assert numbers.rstrip().endswith("✓ 14 ended/min")
    assert curves[numbers.index("✓") :].startswith("▁▁▁▁")


@given(st.integers(1, 300))
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    for line in (one_line(sample_gauges(), width), *two_lines(sample_gauges(), width)):
        assert cell_len(text(line)) <= width


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Header(id="header")


async def test_it_is_drawn_only_when_something_has_changed(
    recorder: Recorder, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.execution()
    activity = Activity(source)
    await activity.sample({Status.RUNNING: 1}, Instant(START_MS, 0))
    app = Host()
    async with app.run_test(size=(100, 10)):
        header, drawn = app.query_one(Header), list[int]()
        monkeypatch.setattr(header, "refresh", lambda: drawn.append(1))
        header.show(activity)
        header.show(activity)
        await activity.sample({Status.RUNNING: 1}, Instant(START_MS + 1, 1))
        header.show(activity)
        assert len(drawn) == 1
        assert header.render_line(0).text.startswith(" ● 1 running ")
        await activity.sample({Status.RUNNING: 2}, Instant(START_MS + 2, 2))
        header.show(activity)
        assert len(drawn) == 2
