"""Removing, now and then, the files that nobody needs any more."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from stepflow_tui.requests import inbox
from stepflow_tui.runner.retention import prune_spools, sweep_up

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.runner.timers import Timers
    from stepflow_tui.runner.trusted_clock import TrustedClock

_log = logging.getLogger(__name__)

_EVERY_S = 600.0
_LEFT_OVER_S = 86_400.0


class Cleaning:
    """Prunes the spools of finished executions, and sweeps up what crashes have left."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        timers: Timers,
        trusted: TrustedClock,
        *,
        needed: Container[str],
        may_clean: Callable[[], bool],
    ) -> None:
        """Makes one that does nothing before `clean_regularly`.

        Args:
            home: to be cleaned.
            settings: how long spools are kept, and how many.
            timers: of the loop.
            trusted: by which something is old.
            needed: ids of executions that are still recorded.
            may_clean: whether the home is in its place.
        """
        self._home = home
        self._settings = settings
        self._timers = timers
        self._trusted = trusted
        self._needed = needed
        self._may_clean = may_clean

    def clean_regularly(self) -> None:
        """Clean now, and every ten minutes from then on."""
        self._timers.after(_EVERY_S, self.clean_regularly)
        if not self._may_clean():
            return
        try:
            self._clean()
        except OSError as error:
            _log.error("not all that is old could be removed: %s", error)

    def _clean(self) -> None:
        confirmed_ms, keep_s = self._trusted.confirmed_ms, self._settings.keep_spools
        # How far the clock is ahead of what it is trusted for; infinitely, if for nothing yet.
        ahead_s = math.inf if confirmed_ms is None else time.time() - confirmed_ms / 1000
        prune_spools(
            self._home,
            needed=self._needed,
            max_age_s=keep_s + ahead_s if keep_s else 0.0,
            max_bytes=self._settings.keep_spools_bytes,
        )
        sweep_up(self._home, needed=self._needed, older_than_s=_LEFT_OVER_S + ahead_s)
        inbox.clean_up(self._home, older_than_s=_LEFT_OVER_S + ahead_s)
