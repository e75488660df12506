from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepflow_tui.tui.memory import Memory, recall, remember

if TYPE_CHECKING:
    from pathlib import Path

LEFT = Memory(
    selected=7,
    pane="log",
    zoomed=True,
    wrap=True,
    filter="status:failed",
    sort="name",
    folded=(1, 3),
)


def test_what_was_remembered_is_recalled(tmp_path: Path) -> None:
    remember(tmp_path, LEFT)
    assert recall(tmp_path) == LEFT
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    assert recall(tmp_path) == Memory()
    assert recall(tmp_path / "missing") == Memory()


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\udcff", '{"selected": "x", "wrap": 3}'])
def test_what_makes_no_sense_is_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / "dashboard.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert recall(tmp_path) == Memory()


def test_what_is_known_is_kept_beside_what_is_not(tmp_path: Path) -> None:
    (tmp_path / "dashboard.json").write_text('{"wrap": true, "pane": 3, "of tomorrow": []}')
    assert recall(tmp_path) == Memory(wrap=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_json_will_do(tmp_path: Path, value: object) -> None:
    (tmp_path / "dashboard.json").write_text(json.dumps({"selected": value, "filter": value}))
    assert isinstance(recall(tmp_path), Memory)


def test_a_home_that_cannot_be_written_is_no_reason_to_stay(tmp_path: Path) -> None:
    remember(tmp_path / "missing", LEFT)
    assert list(tmp_path.iterdir()) == []
