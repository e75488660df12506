from __future__ import annotations

import pytest

from stepflow_tui.health.examination import has_wal_reset_fix


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ("3.40.1", False),
        ("3.44.5", False),
        ("3.44.6", True),
        ("3.45.9", False),
        ("3.50.6", False),
        ("3.50.7", True),
        ("3.51.2", False),
        ("3.51.3", True),
        ("3.52.0", True),
        ("4.0.0", True),
    ],
)
def test_versions_with_the_fix_of_the_wal_reset(version: str, fixed: bool) -> None:
    assert has_wal_reset_fix(version) is fixed
