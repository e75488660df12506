"""Reading the two clocks together."""

from __future__ import annotations

import time

from stepflow_tui.core.models import Instant


def now() -> Instant:
    """The present moment on the wall clock and on the monotonic clock."""
    return Instant(wall_ms=time.time_ns() // 1_000_000, mono_ms=time.monotonic_ns() // 1_000_000)
