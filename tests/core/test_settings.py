from __future__ import annotations

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.settings import Settings


def test_defaults_without_an_environment() -> None:
    assert Settings.from_environment({"HOME": "/root"}) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("grace", "1m30s", 90.0),
        ("max_log_bytes", "1.5GB", 1_500_000_000),
        ("ballast_bytes", "64MiB", 67_108_864),
        ("max_steps", " 12 ", 12),
        ("min_free_share", "5%", 0.05),
        ("min_free_share", "0.5", 0.5),
        ("orphans", "stop", "stop"),
    ],
)
def test_values_as_users_write_them(name: str, text: str, value: object) -> None:
    settings = Settings.from_environment({f"STEPFLOW_{name.upper()}": text})
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("grace", "soon", "a duration is a number of seconds"),
        ("max_log_bytes", "much", "a size is a number of bytes"),
        ("max_steps", "1.5", "a count is a whole number"),
        ("max_steps", "-1", "a count is a whole number"),
        ("min_free_share", "101%", "a share is a number from 0 to 1"),
        ("min_free_share", "nan", "a share is a number from 0 to 1"),
        ("min_free_share", "5%%", "a share is a number from 0 to 1"),
        ("orphans", "eat", "it is keep or stop"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, text: str, told: str) -> None:
    variable = f"STEPFLOW_{name.upper()}"
    with pytest.raises(UsageProblem, match=f"^{variable}={text}: {told}"):
        Settings.from_environment({variable: text})
