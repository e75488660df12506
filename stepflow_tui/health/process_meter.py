"""Memory and processor time of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psutil import Process


class ProcessMeter:
    """Measures one process; processor time from look to look."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._used_s: float | None = None
        self._looked_at = 0.0

    def look(self, pid: int | None, moment: float) -> tuple[int, float]:
        """Bytes of memory, and cores in use since the last look; zeros for a process that is gone.

        Args:
            pid: of the process; another one than before is measured anew.
            moment: the present one, monotonic seconds.
        """
        import psutil

        try:
            if pid is None:
                raise psutil.NoSuchProcess(0)
            if self._process is None or self._process.pid != pid:
                self._process, self._used_s = psutil.Process(pid), None
            with self._process.oneshot():
                memory_bytes = self._process.memory_info().rss
                used_s = sum(self._process.cpu_times()[:2])
        except psutil.Error:
            self._process = None
            return 0, 0.0
        cpu = 0.0 if self._used_s is None else (used_s - self._used_s) / (moment - self._looked_at)
        self._used_s, self._looked_at = used_s, moment
        return memory_bytes, max(0.0, cpu)
