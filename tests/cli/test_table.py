from __future__ import annotations

import pytest

from stepflow_tui.cli.table import lined_up, shorten, width


@pytest.mark.parametrize(
    ("text", "cells"),
    [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("\x1b[31mred\x1b[0m", 3), ("a\u200bb", 2)],
)
def test_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells


def test_columns_line_up_whatever_the_script() -> None:
    rows = [("1", "日本", "x"), ("10", "\x1b[31mab\x1b[0m", "yy"), ("", "abcde", "")]
    assert list(lined_up(rows, right=frozenset({0}))) == [
        " 1  日本   x",
        "10  \x1b[31mab\x1b[0m     yy",
        "    abcde",
    ]
    assert list(lined_up([])) == []


def test_what_is_too_long_is_cut_with_a_sign() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdef", 5) == "abcd…"
    assert shorten("日本語", 5) == "日本…"
    assert shorten("日本語", 4) == "日…"
