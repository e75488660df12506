from __future__ import annotations

import pytest

from stepflow_tui.core.histogram import bucket, difference, middle, quantile, total


@pytest.mark.parametrize("ms", [0.001, 0.013, 0.4, 1.0, 3.7, 12.0, 250.0, 61_000.0])
def test_a_bucket_stands_for_what_is_in_it(ms: float) -> None:
    assert middle(bucket(ms)) == pytest.approx(ms, rel=0.091)


def test_four_buckets_make_a_doubling() -> None:
    assert [bucket(1.0), bucket(2.0), bucket(0.5)] == [0, 4, -4]
    assert bucket(0.0) == bucket(0.001)


def test_quantiles_of_a_hundred() -> None:
    counts = {0: 50, 4: 48, 8: 1, 40: 1}
    assert quantile(counts, 0.0) == 1.0
    assert quantile(counts, 0.5) == 1.0
    assert quantile(counts, 0.51) == 2.0
    assert quantile(counts, 0.99) == 4.0
    assert quantile(counts, 1.0) == 1024.0


def test_nothing_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None


def test_what_came_between_two_histograms() -> None:
    assert difference({0: 5, 4: 2, 8: 1}, {0: 3, 4: 2}) == {0: 2, 8: 1}
    assert difference({0: 1}, {0: 9}) == {}


def test_all_together() -> None:
    assert total([{0: 1, 4: 2}, {4: 3}, {}]) == {0: 1, 4: 5}
