"""The files of an execution in the spool directory: what the shim and its cat leave there.

`ID.lock` who started it (made once, by hard link), `ID.out` the output, `ID.exit` the exit status,
`ID.masks` what is hidden in it, `ID.stop` why it is stopped, if the database cannot take that,
`ID.signalled` that it was told to stop.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core import clock
from stepflow_tui.core.models import Instant, Status
from stepflow_tui.runner import proc
from stepflow_tui.runner.held_files import HeldFiles
from stepflow_tui.runner.hole import hole_at, punch_hole
from stepflow_tui.runner.stop import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home

OUTPUT, LOCK, EXIT, MASKS, STOP = ".out", ".lock", ".exit", ".masks", ".stop"
SIGNALLED = ".signalled"
FILES = (OUTPUT, LOCK, EXIT, MASKS, STOP, SIGNALLED, ".room")

_log = logging.getLogger(__name__)

_SIGNAL_BASE = 128
_SIGNALS = frozenset(map(int, signal.valid_signals()))  # asked each time it makes 64 enums
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EINTR)
"""What passes: it says nothing of the file."""
_DRAINED = "drained"
_FULL = "full"
_LEFT = "left "
_ENDED = "ended "
_AWAY_MS = 500
_FILES_MADE_S = 0.1
"""A shim makes its files right after its start lock; so long nobody looks for them in /proc."""
_EXIT_BYTES = 4096
_MOST_BYTES = 64 * 1024**2
_LARGEST = 2**53


class Start(Struct, frozen=True):
    """Who runs an execution, since when: the content of its start lock.

    Attributes:
        request: what was asked for, without the environment.
        directory: where it was started, without links; empty if nobody has said.
        is_barred: a runner took the lock, so that the execution never starts.
        is_damaged: the lock is there, and cannot be read.
        pid_ns: the PID namespace in which `pid` was given; empty if nobody has said.
        is_unseen: it is another one than ours, and its processes cannot be seen from here.
    """

    boot_id: str
    pid: int
    start: int
    at: Instant
    request: dict[str, Any] | None = None
    is_barred: bool = False
    is_damaged: bool = False
    directory: str = ""
    pid_ns: str = ""
    is_unseen: bool = False

    @classmethod
    def of_nobody(cls) -> Start:
        """In place of a lock that is gone or damaged: it was started, and none can say by whom."""
        return cls(clock.boot_id(), pid=0, start=0, at=clock.now(), is_damaged=True)

    @property
    def is_elsewhere(self) -> bool:
        """Whether it was started in another PID namespace of this boot than ours."""
        known = self.pid_ns and clock.pid_namespace() and self.boot_id == clock.boot_id()
        return bool(known) and self.pid_ns != clock.pid_namespace()

    def as_seen_from_here(self) -> Start:
        """The same, with the pid that the shim has in our PID namespace."""
        if not self.is_elsewhere:
            return self
        found = proc.find_in_namespace(self.pid_ns, self.pid, self.start)
        return replace(self, pid=found.pid if found else 0, is_unseen=found is None)

    def is_alive(self) -> bool:
        """Whether the shim lives (in this boot), as far as it can be seen."""
        return self.boot_id == clock.boot_id() and proc.is_alive(self.pid, self.start)

    def has_output(self) -> bool:
        """Whether output may still come: the shim or, should it have been killed, its cat lives."""
        if self.is_damaged or self.boot_id != clock.boot_id():
            return False
        if self.is_unseen:
            return True
        leader = proc.process(self.pid)
        if leader is not None:  # while a session lives, no other process gets its leader's pid
            return leader.start == self.start
        return proc.ProcessTable().has_session(self.pid)


class Exit(Struct, frozen=True):
    """How the script ended.

    Attributes:
        signal: set where the shell said that a signal ended it; `exit 137` alone does not tell.
        drained: nobody holds the output any more.
        disk_full: it was at times, and then a part of the output did not reach the spool.
        output_lost: the cat failed, so not all of the output reached the spool.
        left: pids of processes that the script has left in the background, at most ten.
        ended_s: when the script ended, in seconds of /proc/uptime; None if the shim cannot tell.
    """

    code: int
    signal: int | None
    drained: bool
    disk_full: bool = False
    output_lost: bool = False
    left: tuple[int, ...] = ()
    ended_s: float | None = None


class Output(Struct, frozen=True):
    """A stretch of a spool.

    Attributes:
        inode: of the file; None while there is none.
        unread: bytes that wait behind `data`.
        hole: bytes that were given back from there on; no data then.
    """

    data: bytes
    inode: int | None
    unread: int
    hole: int = 0


class SpoolProblem(Exception):
    """The spool is not what it was: truncated, replaced or deleted from outside."""


class SpoolGone(SpoolProblem):
    """What was read before is not at its path, nor has anybody it open; it may come back."""


class Spool:
    """One execution's files. Nothing is kept open, so a thousand cost no descriptors.

    Only what is moved or deleted while the script runs is: by way of who has it open.
    """

    def __init__(self, home: Home, execution: str) -> None:
        self.prefix = home.spool / execution
        self._output = f"{self.prefix}{OUTPUT}"
        self._exit = f"{self.prefix}{EXIT}"
        self._held: HeldFiles | None = None
        self._held_from = 0.0
        self._inode: int | None = None

    def begun(self, start: Start) -> None:
        """It runs: what is not at its path any more is to be read through these processes."""
        if self._held is None and not start.is_damaged:
            name = f"{self.prefix.name}{OUTPUT}"
            self._held = HeldFiles(start.boot_id, start.pid, start.start, name)
            self._held_from = start.at.mono_ms / 1000 + _FILES_MADE_S

    def hold(self) -> None:
        """Open what is not at its path any more, while those live who have it open."""
        if self._held is not None:
            self._held.hold(self._exit, self._output, self._inode)

    def close(self) -> None:
        """Keep nothing open any more."""
        if self._held is not None:
            self._held.close()

    def start(self) -> Start | None:
        """The start lock's content, or None while nobody has taken it.

        Raises:
            OSError: it cannot be read now, as too many files are open.
        """
        try:
            content = _content(f"{self.prefix}{LOCK}")
        except SpoolProblem:
            return Start.of_nobody()
        return None if content is None else _start(content).as_seen_from_here()

    def exit(self) -> Exit | None:
        """The exit status, or None while the shim has not written it."""
        content = self._exit_file()
        return None if content is None else read_exit(content)

    def start_failure(self) -> str | None:
        """Why a shim that has ended without a status could not run its script, if it said so."""
        content = self._exit_file() or b""
        text = content.partition(b"\0")[0].decode("ascii", "replace").strip()
        return text if "fork" in text else None

    def _exit_file(self) -> bytes | None:
        try:
            content = _content(self._exit)
        except (SpoolProblem, OSError):
            content = None  # nothing can be said of it now
        if content is None and self._held is not None:
            held = self._held.exit_file()
            return None if held is None else os.pread(held, _EXIT_BYTES, 0)
        return content

    def has_exit_file(self) -> bool:
        """Whether it can be looked into, wherever it is."""
        return self._exit_file() is not None

    def written_at(self) -> int | None:
        """When the exit file was written last, in UTC milliseconds; None if it is gone."""
        try:
            return Path(self._exit).stat().st_mtime_ns // 1_000_000
        except OSError:
            return None

    def exited_at(self, found: Exit, start: Start, now: Instant) -> Instant:
        """When the script ended, for a runner that may have been away by then.

        The exit file itself may have been written later: when the last who held the output let go.
        """
        written_ms = self.written_at()
        if written_ms is None:
            return now
        told_ms = _ended_ms(found, start, now)
        ended_ms = written_ms if told_ms is None else min(written_ms, told_ms)
        ago = now.wall_ms - ended_ms
        if ago < _AWAY_MS:
            return now  # noticed at once; a clock set back must not make it later than now
        return Instant(wall_ms=ended_ms, mono_ms=now.mono_ms - ago)

    def read(self, offset: int, limit: int, inode: int | None, *, holes: bool = False) -> Output:
        """At most `limit` bytes of output from `offset`; with `holes` it may be in one.

        Raises:
            SpoolGone: it is gone, another file, or cannot be read.
            SpoolProblem: it is shorter than before.
        """
        try:
            descriptor = self._open_output(inode)
        except OSError:
            return Output(b"", inode, 0)  # later
        if descriptor is None:
            return Output(b"", None, 0)
        try:
            found = os.fstat(descriptor)
            self._inode = found.st_ino
            if found.st_size < offset:
                raise SpoolProblem(
                    f"the spool was truncated from outside to {found.st_size} bytes, "
                    f"{offset} were read before"
                )
            hole = hole_at(descriptor, offset) if holes else 0
            if hole:
                return Output(b"", found.st_ino, found.st_size - offset - hole, hole)
            data = os.pread(descriptor, limit, offset)
            return Output(data, found.st_ino, max(0, found.st_size - offset - len(data)))
        finally:
            os.close(descriptor)

    def _open_output(self, inode: int | None) -> int | None:
        """A descriptor of the file that was read before; None if none was, and none is there.

        Raises:
            SpoolGone: nobody can open it.
            OSError: it cannot be opened now, as too many files are open.
        """
        problem = "the spool was deleted from outside"
        is_link = False
        try:
            descriptor = _open(self._output)
        except OSError as error:
            if error.errno in _SCARCE:
                raise
            descriptor = None
            problem = f"the spool cannot be read: {error.strerror}"
            is_link = error.errno == errno.ELOOP
        if descriptor is not None:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and inode in (None, found.st_ino):
                return descriptor
            os.close(descriptor)
            problem = "the spool was replaced from outside"
        is_made = time.monotonic() >= self._held_from
        held = self._held.output(inode) if self._held and is_made else None
        if held is not None:
            return os.dup(held)
        if inode is None and not is_link:
            return None
        raise SpoolGone(problem)

    def size(self) -> int:
        """Bytes of output; 0 if there is none, or none any more."""
        try:
            return Path(self._output).stat().st_size
        except OSError:
            return 0

    def masks(self) -> list[str]:
        """The texts that are hidden in what is stored of this output.

        Raises:
            SpoolProblem: nobody knows them any more.
        """
        try:
            content = _content(f"{self.prefix}{MASKS}")
            return [] if content is None else [str(mask) for mask in json.loads(content)]
        except (ValueError, TypeError, RecursionError) as error:
            raise SpoolProblem("what is to be hidden of its output is not known") from error

    def save_masks(self, masks: Sequence[str]) -> None:
        """Keep what is hidden, on the disk before anything is stored that depends on it.

        Raises:
            OSError: it could not be kept.
        """
        _replace(f"{self.prefix}{MASKS}", list(masks))

    def stop_reason(self) -> Reason | None:
        """Why it is being stopped, where the database could not take that."""
        try:
            content = _content(f"{self.prefix}{STOP}")
            told = json.loads(content or b"null")
            return None if told is None else Reason(Status(told["status"]), str(told["error"]))
        except (SpoolProblem, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.warning("why %s was to be stopped cannot be read: %s", self.prefix.name, error)
            return None

    def save_stop_reason(self, reason: Reason) -> None:
        """Keep why it is stopped, on the disk before anybody is signalled.

        Raises:
            OSError: it could not be kept.
        """
        told = {"status": reason.status.value, "error": reason.error}
        _replace(f"{self.prefix}{STOP}", told)

    def discard(self) -> None:
        """Delete all that this execution has left in the spool."""
        self.close()
        for suffix in FILES:
            with suppress(IsADirectoryError):  # somebody else's
                Path(f"{self.prefix}{suffix}").unlink(missing_ok=True)

    def give_back(self, end: int) -> None:
        """Free the disk space of the output before offset `end`; the file keeps its length.

        Raises:
            OSError: the file system cannot do that, or the file is gone.
        """
        descriptor = os.open(self._output, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            punch_hole(descriptor, 0, end)
        finally:
            os.close(descriptor)


def _replace(name: str, content: object) -> None:
    """Write a file of JSON, which is on the disk on return.

    Raises:
        OSError: it could not be written; what was there before is there still.
    """
    path = Path(name)
    temporary = path.with_name(f"{path.name}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _open(path: str) -> int | None:
    """A descriptor to read with; None if there is no such file. Never blocks, as a FIFO would."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _content(path: str) -> bytes | None:
    """All of a small file; None if there is none.

    Raises:
        SpoolProblem: it is no file, or may not be read.
        OSError: it cannot be read now, as too many files are open.
    """
    try:
        descriptor = _open(path)
    except OSError as error:
        if error.errno in (*_SCARCE, errno.ENOTDIR):  # something stands in the spool's place
            raise
        raise SpoolProblem(f"{path}: {error.strerror}") from error
    if descriptor is None:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SpoolProblem(f"{path} is no file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(_MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MOST_BYTES:
        raise SpoolProblem(f"{path} is larger than any of ours")
    return content


def _start(content: bytes) -> Start:
    try:
        lock = json.loads(content)
        return Start(
            str(lock["boot_id"]),
            _bounded(lock["pid"]),
            _bounded(lock["start"]),
            Instant(wall_ms=_bounded(lock["wall_ms"]), mono_ms=_bounded(lock["mono_ms"])),
            request=lock.get("request"),
            is_barred=bool(lock.get("barred", False)),
            directory=os.fsdecode(bytes.fromhex(lock.get("directory", ""))),
            pid_ns=str(lock.get("pid_ns", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Start.of_nobody()


def _ended_ms(found: Exit, start: Start, now: Instant) -> int | None:
    """When the script ended, in UTC milliseconds, by the clock of its boot."""
    if found.ended_s is None:
        return None
    if start.boot_id != clock.boot_id():
        ran_s = found.ended_s - start.start / os.sysconf("SC_CLK_TCK")
        return start.at.wall_ms + int(ran_s * 1000) if ran_s >= 0 else None
    ago_s = proc.uptime() - found.ended_s
    return now.wall_ms - int(ago_s * 1000) if ago_s >= 0 else None


def _bounded(value: object) -> int:
    """A count or a time as we write them; nothing that the database or the kernel cannot take."""
    if not isinstance(value, int) or not 0 <= value < _LARGEST:
        raise ValueError(f"{value} is no pid and no time")
    return value


def read_exit(content: bytes) -> Exit | None:
    """Read an exit file: what the shell said of a signal, the status, `drained`; then zeros.

    `full` tells that the disk was full at times, `left PID…` what runs on in the background,
    `ended SECONDS` when the script ended. An older shim does not write the latter.
    """
    text = content.partition(b"\0")[0].decode("ascii", "replace")
    lines = text.split("\n")[:-1]  # a line without its newline is not written yet
    status = next((i for i, line in enumerate(lines) if line.isdigit()), None)
    if status is None:
        return None
    code = int(lines[status])
    drained = next((line for line in lines[status + 1 :] if line.startswith(_DRAINED)), None)
    left = next((line.split()[1:] for line in lines if line.startswith(_LEFT)), [])
    return Exit(
        code=code,
        signal=_signal_told(lines[:status], code - _SIGNAL_BASE),
        drained=drained is not None,
        disk_full=_FULL in lines,
        output_lost=drained not in (None, _DRAINED, f"{_DRAINED} 0"),
        left=tuple(int(pid) for pid in left if pid.isdigit()),
        ended_s=_seconds_told(lines[status + 1 :]),
    )


def _seconds_told(lines: list[str]) -> float | None:
    told = next((line.removeprefix(_ENDED) for line in lines if line.startswith(_ENDED)), "")
    return float(told) if told.replace(".", "", 1).isdecimal() and told.isascii() else None


def _signal_told(lines: list[str], number: int) -> int | None:
    """The signal, if it is one and the shell itself has named it."""
    if number not in _SIGNALS:
        return None
    told = signal.strsignal(number)
    return number if told and any(told in line for line in lines) else None
