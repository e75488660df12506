from __future__ import annotations

import pytest

from stepflow_tui.health.sample import Sample
from stepflow_tui.tui.vitals.plot import blocks, ceiling, columns


def lines(sample: Sample) -> float:
    return sample.lines_per_s


def at(moment: float, height: float, span_s: float = 1.0) -> Sample:
    return Sample(moment, span_s, lines_per_s=height)


def test_each_column_has_its_highest_value() -> None:
    samples = [at(100.5, 3), at(109.9, 7), at(110.0, 2), at(139.0, 1)]
    found = columns(samples, lines, width=4, now=139.0, history_s=40.0)
    assert found == [7, 2, None, 1]


def test_a_full_column_does_not_change_as_time_goes_by() -> None:
    samples = [at(moment, moment % 7) for moment in range(100, 160)]
    before = columns(samples, lines, width=6, now=150.0, history_s=60.0)
    after = columns(samples, lines, width=6, now=159.9, history_s=60.0)
    assert before == after
    later = columns(samples, lines, width=6, now=160.0, history_s=60.0)
    assert later == [*after[1:], None]


def test_a_sample_of_a_long_time_fills_its_columns() -> None:
    samples = [at(105.0, 1.0), at(145.0, 2.0, span_s=40.0)]
    found = columns(samples, lines, width=5, now=145.0, history_s=50.0)
    assert found == [1, 2, 2, 2, 2]


def test_what_is_older_than_the_plot_is_not_in_it() -> None:
    assert columns([at(10.0, 5)], lines, width=3, now=100.0, history_s=30.0) == [None] * 3
    assert columns([], lines, width=1, now=0.0, history_s=600.0) == [None]


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0.0, 3.0), (2.9, 3.0), (3.1, 5.0), (10.0, 10.0), (10.5, 20.0), (501.0, 1000.0)],
)
def test_a_scale_ends_at_a_round_number(highest: float, top: float) -> None:
    assert ceiling([None, 0.0, highest], least=3.0) == top


def test_one_row_has_eight_levels() -> None:
    assert blocks([0, 1, 2, 3, 4, 5, 6, 7, 8], 8, 1) == ["▁▂▂▃▄▅▆▇█"]


def test_two_rows_have_sixteen() -> None:
    assert blocks([0, 8, 9, 16, 99], 16, 2) == ["  ▁██", "▁████"]


def test_zero_is_a_line_and_nothing_is_blank() -> None:
    assert blocks([None, 0.0, 0.001], 1e9, 2) == ["   ", " ▁▂"]
