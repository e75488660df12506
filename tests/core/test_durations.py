from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.core.durations import (
    format_age,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("0", 0.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("1e3", 1000.0),
        ("1e-05", 1e-05),
        ("90s", 90.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("3d", 259_200.0),
        ("1h30m", 5400.0),
        ("1h 30m 5s", 5405.0),
        ("3d 04h", 273_600.0),
        ("0.5h", 1800.0),
        ("1m.5s", 60.5),
        (" 90s ", 90.0),
        ("007", 7.0),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "-5",
        "+5",
        "-5s",
        "nan",
        "inf",
        "Infinity",
        "1e999",
        "9" * 400,
        "9" * 400 + "d",
        "1_000",
        "5M",
        "5 m",
        "5min",
        "500ms",
        "1h30",
        "30m1h",
        "5m5m",
        "1..5",
        ".",
        "s",
        "\u0665",
        "5m\x00",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is a number of seconds, or like 90s"):
        parse_duration(text)


@pytest.mark.timeout(10)
def test_a_hostile_duration_takes_linear_time() -> None:
    with pytest.raises(ValueError, match="a duration"):
        parse_duration("1" * 1_000_000 + "x")


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, "-"),
        (-5, "0.0s"),
        (0, "0.0s"),
        (99, "0.0s"),
        (400, "0.4s"),
        (12_345, "12.3s"),
        (59_999, "59.9s"),
        (MINUTE, "1m 00s"),
        (125 * SECOND, "2m 05s"),
        (HOUR - 1, "59m 59s"),
        (HOUR, "1h 00m"),
        (62 * MINUTE, "1h 02m"),
        (DAY - 1, "23h 59m"),
        (DAY, "1d 00h"),
        (76 * HOUR, "3d 04h"),
        (1000 * DAY, "1000d 00h"),
    ],
)
def test_a_duration_is_shown(ms: int | None, shown: str) -> None:
    assert format_duration(ms) == shown


@given(st.integers(min_value=0, max_value=1000 * DAY))
def test_a_shown_duration_reads_back_as_no_more_than_it_was(ms: int) -> None:
    unit = 100 if ms < MINUTE else SECOND if ms < HOUR else MINUTE if ms < DAY else HOUR
    assert round(parse_duration(format_duration(ms)) * 1000) == ms - ms % unit


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (-1, "0s"),
        (0, "0s"),
        (12_999, "12s"),
        (MINUTE - 1, "59s"),
        (5 * MINUTE, "5m"),
        (3 * HOUR + 59 * MINUTE, "3h"),
        (2 * DAY, "2d"),
        (400 * DAY, "400d"),
    ],
)
def test_an_age_is_shown_in_its_largest_unit(ms: int, shown: str) -> None:
    assert format_age(ms) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (999_999, "1.0 MB"),
        (3 * 10**9, "3.0 GB"),
        (10**12, "1.0 TB"),
        (10**15, "1.0 PB"),
        (10**18, "1000.0 PB"),
    ],
)
def test_a_size_is_shown_in_powers_of_1000(count: int, shown: str) -> None:
    assert format_size(count) == shown


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500", 500),
        ("20k", 20_000),
        ("1.5GB", 1_500_000_000),
        ("64 MiB", 67_108_864),
        ("1KiB", 1024),
        ("2TB", 2 * 10**12),
        (" 7b ", 7),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1ib", "1e3", "5 parsecs", "1.2.3k", "٣k"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a size is a number of bytes"):
        parse_size(text)
