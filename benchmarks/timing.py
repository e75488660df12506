"""How long a call takes, again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def times_ms(call: Callable[[], object], count: int, *, warm_up: int = 3) -> list[float]:
    """Milliseconds of each of `count` calls, after some that do not count."""
    for _ in range(warm_up):
        call()
    found = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1000)
    return found
