from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from stepflow_tui.core.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "SETTINGS.md"
ROW = re.compile(r"^\| `(STEPFLOW_[A-Z_]+)` \| (\S+) \|", re.MULTILINE)


def test_the_page_names_every_setting_with_its_default() -> None:
    told = dict(ROW.findall(PAGE.read_text()))
    assert told.keys() == {f"STEPFLOW_{setting.name.upper()}" for setting in fields(Settings)}
    assert Settings.from_environment(told) == Settings()
