from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import stepflow_tui
from stepflow_tui.core.lazy_pattern import _Uncompiled, lazy_pattern


def test_it_is_a_pattern_from_its_first_use_on() -> None:
    found = lazy_pattern(r"(\w+)=(\d+)", re.ASCII)
    match = found.search("level=3")
    assert match is not None
    assert match.groups() == ("level", "3")
    assert (found.pattern, found.groups) == (r"(\w+)=(\d+)", 2)
    assert found.sub(r"\2", "a=1 b=2") == "1 2"
    assert lazy_pattern(rb"x+").fullmatch(b"xx")


def test_a_wrong_one_fails_when_it_is_used() -> None:
    wrong = lazy_pattern("(")
    with pytest.raises(re.error):
        wrong.match("")


def test_all_of_ours_are_right() -> None:
    names = [
        module.name for module in pkgutil.walk_packages(stepflow_tui.__path__, "stepflow_tui.")
    ]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    ours = [
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, _Uncompiled)
    ]
    assert len(ours) > 20
    assert all(re.compile(one.pattern, one.flags & ~re.UNICODE) for one in ours)
