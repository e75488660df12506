"""Room on the disk of the home: when to start nothing more, and a ballast to throw off."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import format_size

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.settings import Settings

_log = logging.getLogger(__name__)


class Disk:
    """The disks that hold a home: one as a rule, two if the spool lies elsewhere.

    The ballast is a file that takes space while there is plenty. On a full disk SQLite cannot even
    free what it no longer needs; thrown off, the ballast gives it room to go on.
    """

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._min_bytes = settings.min_free_bytes
        self._min_share = settings.min_free_share
        self._ballast_bytes = settings.ballast_bytes
        self.is_low = False
        self.free = 0
        self.shortage = ""

    def look(self) -> None:
        """See how much room there is; set or throw off the ballast as that demands."""
        home, spool = os.statvfs(self._home.root), os.statvfs(self._home.spool)
        self.free = min(_free(home), _free(spool))
        self.shortage = self._shortage_of(home) or self._shortage_of(spool)
        self.is_low = bool(self.shortage)
        if _is_read_only(home):
            return
        if _free(home) < self._ballast_bytes // 4:
            if self.throw_off_ballast():
                self.look()
        elif not self.is_low and _free(home) > 4 * self._ballast_bytes:
            self._set_ballast()

    def _is_low(self, found: os.statvfs_result) -> bool:
        """Whether less than both is free: a share alone would waste a large disk."""
        share = self._min_share * found.f_blocks * found.f_frsize
        return _free(found) < min(self._min_bytes, share)

    def _shortage_of(self, found: os.statvfs_result) -> str:
        """What to say of a disk on which there is too little room; nothing if there is enough."""
        root = self._home.root
        if _is_read_only(found):
            return (
                f"the file system of {root} is read-only: nothing is started, and output waits, "
                "until it can be written again"
            )
        if self._is_low(found):
            return (
                f"only {format_size(self.free)} are free on the disk of {root}: "
                "nothing is started until there is more"
            )
        return ""

    def throw_off_ballast(self) -> bool:
        """Give the ballast's space back; False if there is none."""
        try:
            self._home.ballast.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            _log.warning("the ballast cannot be thrown off: %s", error)
            return False
        _log.warning("the disk is nearly full: the ballast is thrown off")
        return True

    def _set_ballast(self) -> None:
        if not self._ballast_bytes or self._home.ballast.exists():
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._home.ballast, flags, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._ballast_bytes)
            finally:
                os.close(descriptor)
        except OSError as error:
            _log.warning("no ballast could be set aside: %s", error)
            self.throw_off_ballast()


def _is_read_only(found: os.statvfs_result) -> bool:
    return bool(found.f_flag & os.ST_RDONLY)


def _free(found: os.statvfs_result) -> int:
    return found.f_bavail * found.f_frsize
