"""Telling environment variables that hold secrets, by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

REDACTED = "***"
"""What is stored in place of a secret."""

_SECRET = lazy_pattern(
    r"TOKEN|SECRET|PASS|KEY(?!BOARD)|CRED|AUTH(?!OR(?!I))|PRIVATE|_PWD|COOKIE|WEBHOOK|DSN",
    re.IGNORECASE,
)


def looks_secret(name: str) -> bool:
    """Whether an environment variable of this name probably holds a secret.

    Errs on the side of yes: a redacted harmless value costs less than a shown password.
    """
    return _SECRET.search(name) is not None


def redacted(env: Mapping[str, str]) -> dict[str, str]:
    """The pairs as they may be stored and shown: values of secrets are replaced."""
    return {name: REDACTED if looks_secret(name) else value for name, value in env.items()}
