"""Regular expressions match alike on every Python that is supported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import stepflow_tui

PACKAGE = Path(stepflow_tui.__file__).parent
POSSESSIVE_GROUP = re.compile(r"""(?<!\\)\)[*+?]\+|(?<!\\)\)\{[^}]*\}\+|\(\?>""")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=str)
def test_no_group_is_repeated_possessively(path: Path) -> None:
    """Python 3.11.2, as Debian 12 has it, matches such a repeat wrongly."""
    if path.name != "needle.py":  # it describes the syntax of users' own patterns
        assert POSSESSIVE_GROUP.findall(path.read_text(encoding="utf-8")) == []
