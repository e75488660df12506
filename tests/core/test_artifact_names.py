from __future__ import annotations

import pytest

from stepflow_tui.core.artifact_names import Reading, plain_path, readings


@pytest.mark.parametrize(
    ("given", "ways"),
    [
        ("a", [Reading("a")]),
        ("a.gz:All of it", [Reading("a.gz:All of it"), Reading("a.gz", "All of it")]),
        (
            "a:b:c",
            [Reading("a:b:c"), Reading("a:b", "c"), Reading("a", "b:c")],
        ),
        (
            "a:b [type=x]",
            [Reading("a:b [type=x]"), Reading("a:b", type="x"), Reading("a", "b", "x")],
        ),
        (
            "a : b ",
            [Reading("a : b "), Reading("a : b"), Reading("a ", "b"), Reading("a", "b")],
        ),
        ("a\tb", [Reading("a\tb")]),
        ("\x1b[1ma\x1b[0m", [Reading("\x1b[1ma\x1b[0m"), Reading("a")]),
        ("a\udce9:é\udce9", [Reading("a\udce9:é\udce9"), Reading("a\udce9", "é\ufffd")]),
        ("a\r", [Reading("a\r"), Reading("a")]),
        ("a\0b:c", [Reading("ab:c"), Reading("ab", "c")]),
    ],
)
def test_the_ways_to_read_it_begin_with_the_longest_path(given: str, ways: list[Reading]) -> None:
    found = readings(given)
    assert sorted(found, key=lambda way: way.path) == sorted(ways, key=lambda way: way.path)
    lengths = [len(way.path) for way in found]
    assert lengths == sorted(lengths, reverse=True)


def test_what_no_system_opens_is_not_tried() -> None:
    assert readings("x" * 4097) == []
    assert len(readings(":" * 60_000)) < 200
    assert max(len(way.path) for way in readings("a:" * 30_000)) < 4097


def test_where_nothing_tells_more_the_first_colon_parts() -> None:
    assert plain_path(" a\t\udce9 : b:c [type=x]") == "a\t\udce9"
