"""Looking after the disk and the database, so that recording waits where it would fail."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import NO_ROOM, SCARCE, system_reason
from stepflow_tui.runner.disk import Disk

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.runner.trouble import Trouble
    from stepflow_tui.store.writer import WriteFailed, Writer

_log = logging.getLogger(__name__)

_BLOCKED_EVERY_S = 1.0
_RETRY_S, _LOCKED_RETRY_S = 1.0, 0.2
_CHECKUP_EVERY_S = 60.0


class Guard:
    """What stands in the way of recording, and what can be done about it.

    Attributes:
        displaced: the database was `moved` or `overwritten` by somebody else, or is `damaged`;
            None while all is well.
        retry_s: after so many seconds a commit that has failed is tried again.
    """

    def __init__(self, home: Home, settings: Settings, writer: Writer, trouble: Trouble) -> None:
        self._home = home
        self._writer = writer
        self._trouble = trouble
        self._disk = Disk(home, settings)
        self._blocked = False
        self._blocked_at = 0.0
        self._checkup_from = 0.0
        self._hindered_at: float | None = None
        self.displaced: str | None = None
        self.retry_s = _RETRY_S

    @property
    def is_disk_low(self) -> bool:
        """Whether there is too little room to start anything."""
        return self._disk.is_low

    def look(self) -> None:
        """See to the disk and to the place of the database."""
        try:
            self._disk.look()
        except OSError as error:  # its directories are about to be made again, or the disk fails
            _log.warning("the disk of %s cannot be looked at: %s", self._home.root, error)
        if self._disk.is_low:
            self._trouble.note("space", self._disk.shortage)
        else:
            self._trouble.over("space")
        self._look_for_database()

    def _look_for_database(self) -> None:
        found = self._writer.displacement()
        if found is not None and self.displaced is None:
            self.displaced = found
            _log.error("the database %s was %s by somebody else", self._home.database, found)

    def wants_checkup(self) -> bool:
        """Whether somebody has written into the database, so that it is worth a look through."""
        now = time.monotonic()
        if now < self._checkup_from or not self._writer.take_suspicion():
            return False
        self._checkup_from = now + _CHECKUP_EVERY_S
        _log.info("another program has written into %s: looking it through", self._home.database)
        return True

    def find_damage(self, damage: str) -> None:
        """The database turned out to be damaged."""
        self.displaced = "damaged"
        _log.error("the database %s is damaged: %s", self._home.database, damage)

    def may_record(self) -> bool:
        """Whether output may be committed: not while a reader lets the WAL grow without end."""
        now = time.monotonic()
        if now - self._blocked_at >= _BLOCKED_EVERY_S:
            self._blocked_at = now
            self._blocked = self._writer.is_blocked()
            if self._blocked:
                self._trouble.note(
                    "wal",
                    "a program that reads the database keeps its write-ahead log from being "
                    "emptied; output waits in the spool until it ends (see: stepflow health)",
                )
            else:
                self._trouble.over("wal")
        return not self._blocked

    def hindered(self, error: OSError) -> None:
        """The system has refused something that it may give again, which is said; else it raises.

        Raises:
            OSError: that same one, if it does not pass by itself.
        """
        if error.errno not in NO_ROOM | SCARCE:
            raise error
        self._hindered_at = time.monotonic()
        reason = system_reason(error)
        _log.warning("waiting for the system: %s", reason)
        self._trouble.note("system", f"some of the work waits: {reason}")

    def unhindered(self) -> None:
        """Nothing was refused now; all is well once that has lasted for longer than a retry."""
        since = self._hindered_at
        if since is not None and time.monotonic() > since + 2 * _RETRY_S:
            self._hindered_at = None
            self._trouble.over("system")

    def failed(self, error: WriteFailed) -> bool:
        """A commit failed; True if something was done so that another try may succeed at once."""
        if error.is_damaged:
            self.find_damage(str(error))
        self.retry_s = _LOCKED_RETRY_S if error.is_locked else _RETRY_S
        why = "the disk is full" if error.is_full else str(error)
        self._trouble.note("write", f"nothing can be recorded, output waits in the spool: {why}")
        return error.is_full and self._disk.throw_off_ballast()

    def succeeded(self) -> None:
        """A commit came through."""
        self._trouble.over("write")
