"""The launcher: a small single-threaded process that forks and sets up shims.

Run as a file by an isolated interpreter (`python -I -S launcher.py FD VERSION`), so that it stays
small; of ours it imports only what imports next to nothing. Orders and complaints are packets of
JSON on the socket FD: the runner sends `{"id", "request", "prefix"}`, the launcher answers
`{"id", "error"}` if a start failed; a start that succeeds shows itself by its lock file.

PR_SET_CHILD_SUBREAPER is lost by fork and kept by exec, so it is set between the two; Python code
there is safe only in a process without threads, which is why this one exists.

Each page that is touched after a fork has to be mapped or copied by the kernel, on either side.
So what can be done before is done before, for some starts at once; little is left for the child.
Nor does the child look up attributes of modules: each would cost it three pages.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import json
import os
import resource
import signal
import socket
import stat
import sys
import zlib

# `signal` makes enums of what this takes and gives, for which a child touches 30 pages more.
from _signal import SIG_DFL  # type: ignore[import-not-found]
from _signal import signal as set_signal
from os import (
    chdir,
    close,
    dup2,
    execve,
    fsync,
    getcwdb,
    getpid,
    link,
    pipe,
    pwrite,
    read,
    rename,
    setsid,
    umask,
    unlink,
    write,
)
from os import memfd_create as create_memory_file
from os import open as open_file
from time import monotonic_ns, time_ns

if __name__ == "__main__":  # an isolated interpreter does not know where we are
    sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))

from stepflow_tui.requests.interpreter import find_program, interpreter_problem
from stepflow_tui.runner import script_setup
from stepflow_tui.runner.script_setup import DESCRIPTOR, ULIMITS, limit_kind, refusal_text

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would be dear here
    from collections.abc import Callable, Iterator
    from typing import Any

    from stepflow_tui.runner.script_setup import Limits

SHELL = "/bin/sh"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of a disk without blocks, inodes or quota, or read-only, which passes."""

EXIT_FILE_SIZE = 256
"""The exit file is made beforehand and overwritten: on a full disk a new file would stay empty."""

BATCH = 16
"""So many starts are made ready before the first of them forks."""

_LARGE = 65536

_NEW = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_NEW_LOCK = _NEW | os.O_WRONLY
_NEW_LOG = _NEW | os.O_WRONLY | os.O_APPEND
_NEW_STATUS = _NEW | os.O_RDWR
_READ, _DIRECTORY = os.O_RDONLY, os.O_RDONLY | os.O_DIRECTORY
_NO_STATUS = b"\0" * EXIT_FILE_SIZE
_STAT_BYTES = 300  # of /proc/self/stat, with more than is read of it
_PR_SET_CHILD_SUBREAPER = 36
_FILES = (".out", ".exit")
_HIGH = 16
_SHIM_MODE = 0o600
REQUEST_DEFAULTS = {
    "env": {},
    "limits": {},
    "nice": 0,
    "processors": [],
    "rlimits": {},
    "shell": False,
    "tty": False,
    "umask": 0o022,
    "added_env": True,
    "tty_size": None,
    "caller_size": None,
}
"""Those fields of a run request that may be left out and decide how the script is started."""

_HINDERING = ("AS", "CPU", "DATA", "FSIZE", "NPROC")


class Plan:
    """All of a start that is made ready before the fork."""

    __slots__ = (
        *("arguments", "claim", "cwd", "environment", "prefix", "processors", "program"),
        *("raised", "search_path", "setup", "umask"),
    )

    def __init__(self, prefix: str, request: dict[str, Any], shim: str, inherited: Limits) -> None:
        """The start of what `request` asks for, with its files at `prefix`, by the shim's file."""
        limits = script_setup.script_limits(request, inherited)
        self.prefix = prefix
        self.cwd, self.umask = request["cwd"], request["umask"]
        self.claim = claim(request)
        processors = set(request.get("processors", ()))
        self.processors = processors if processors != os.sched_getaffinity(0) else None
        self.raised = script_setup.raised_limits(limits)
        commands = script_setup.limit_commands(limits, self.raised)
        self.setup = script_setup.setup_text(request, commands, shell=SHELL)
        self.program = None if request["shell"] else request["command"][0]
        self.search_path = request["environment"].get("PATH", os.defpath)
        self.arguments = [os.fsencode(word) for word in (SHELL, shim, prefix)]
        own = {"PATH": script_setup.SYSTEM_PATH, "STEPFLOW_EXECUTION_ID": request["id"]}
        self.environment = {os.fsencode(n): os.fsencode(value) for n, value in own.items()}

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return len(self.claim) + len(self.setup)


def main(descriptor: int, version: str = "0") -> None:
    """Start what the socket asks for until its other end is gone.

    Args:
        descriptor: of the socket.
        version: of the program, which the shim's file has in its name.
    """
    starter = Starter(descriptor, version)
    gc.freeze()
    while orders := starter.next_orders():
        starter.start(orders)


class Starter:
    """What is the same for all starts, made once."""

    def __init__(self, descriptor: int, version: str) -> None:
        """Makes the process what its children are to inherit; orders come from the socket."""
        self._channel = _set_up_descriptors(descriptor)
        self._ignored = _set_up_signals()
        self._inherited = _lift_limits()
        self._reap = _subreaping()
        with open(os.path.join(os.path.dirname(__file__), "shim.sh"), "rb") as file:
            self._shim = file.read()
        self._shim_name = f"stepflow-shim-{version}-{zlib.crc32(self._shim):08x}"

    def next_orders(self) -> list[dict[str, str]]:
        """The orders that are there, or the first that comes; none once the runner is gone."""
        packets = [self._next_packet()]
        with contextlib.suppress(BlockingIOError):
            while packets[-1] and len(packets) < BATCH:
                packets.append(self._next_packet(socket.MSG_DONTWAIT))
        return [json.loads(packet) for packet in packets if packet]

    def _next_packet(self, flags: int = 0) -> bytes:
        """The next packet; nothing once the runner is gone, whether or not it had heard us out."""
        try:
            return self._channel.recv(65536, flags)
        except ConnectionResetError:
            return b""

    def start(self, orders: list[dict[str, str]]) -> None:
        """Follow these orders."""
        for execution, plan in self._plans(orders):
            try:
                child = os.fork()
            except OSError as error:
                self._complain(execution, error)
                continue
            if child == 0:
                self._become_shim(execution, plan)

    def _plans(self, orders: list[dict[str, str]]) -> Iterator[tuple[str, Plan]]:
        """The orders that can be followed, made ready; a large one does not wait for others."""
        plans = []
        for order in orders:
            try:
                request, prefix = read_request(order["request"]), order["prefix"]
                shim = f"{os.path.dirname(prefix)}/{self._shim_name}"
                keep_file(shim, self._shim)
                plan = Plan(prefix, request, shim, self._inherited)
            except Exception as error:  # whatever it is: the others are to be started
                self._complain(order["id"], error)
                continue
            plans.append((order["id"], plan))
            if plan.weight > _LARGE:
                yield from plans
                plans.clear()
        yield from plans

    def _complain(self, execution: str, error: Exception) -> None:
        complaint = {"id": execution, "pid": os.getpid(), "error": str(error)}
        if isinstance(error, OSError):
            name = error.filename  # the number of a descriptor, if it was opened by that
            path = os.fsdecode(name) if isinstance(name, str | bytes) else ""
            complaint |= {"errno": error.errno, "path": path}
            complaint["error"] = ": ".join(filter(None, (path, error.strerror or str(error))))
        packet = json.dumps(complaint).encode()
        with contextlib.suppress(OSError):  # the runner is gone; its successor finds no lock
            self._channel.send(packet)

    def _become_shim(self, execution: str, plan: Plan) -> None:
        try:
            for number in self._ignored:
                set_signal(number, SIG_DFL)
            setsid()
            self._reap()
            _enter(plan.cwd)
            files = _make_files(plan.prefix)
            if not take_lock(plan.prefix, plan.claim):
                _drop_files(plan.prefix)
                os._exit(99)  # started before: never twice
            _open_descriptors(plan.prefix, files, _checked_setup(plan))
            for name, limits in plan.raised.items():
                resource.setrlimit(limit_kind(name), limits)
            if plan.processors:
                _run_on(plan.processors)
            umask(plan.umask)
            execve(SHELL, plan.arguments, plan.environment)
        except BaseException as error:
            _drop_files(plan.prefix)
            self._complain(execution, error if isinstance(error, Exception) else Exception())
        finally:
            os._exit(98)


def _enter(directory: str) -> None:
    try:
        chdir(directory)
    except OSError as error:
        # As `repr` has it: bytes that are no UTF-8 have no place in a sentence.
        sentence = f"its working directory {directory!r} cannot be entered: {error.strerror}"
        raise RuntimeError(sentence) from error


def _set_up_descriptors(descriptor: int) -> socket.socket:
    """Keep free what the shim knows, so that what is opened for it never stands in its own way."""
    channel = socket.socket(fileno=fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH))
    os.close(descriptor)
    while (null := os.open(os.devnull, os.O_RDONLY)) <= DESCRIPTOR:
        pass
    os.dup2(null, 0)
    os.close(null)
    return channel


def _set_up_signals() -> list[int]:
    """Ignore what would end us, block nothing, and return what a child has to stop ignoring."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it leaves when the runner does
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    numbers = map(int, signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
    return [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]


def _subreaping() -> Callable[[], None]:
    """A function that makes its process a subreaper, made and tried here for the children."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def reap(on: int = 1) -> None:
        if prctl(_PR_SET_CHILD_SUBREAPER, on, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot become a subreaper")

    reap(0)
    return reap


def _lift_limits() -> Limits:
    """Let no limit of whoever started the runner cut a log, and return what they were."""
    inherited = {name: resource.getrlimit(limit_kind(name)) for name in ULIMITS}
    for name in _HINDERING:
        _, hard = inherited[name]
        resource.setrlimit(limit_kind(name), (hard, hard))
        with contextlib.suppress(ValueError, OSError):  # only root may
            resource.setrlimit(limit_kind(name), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return inherited


def keep_file(path: str, content: bytes) -> None:
    """See to it that there is a file of this content, which nobody changes while it is read.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if file.read(len(content) + 1) == content:
                return
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(os.open(temporary, _NEW_LOCK, _SHIM_MODE), "wb") as file:
            file.write(content)
        rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            unlink(temporary)
        raise


def read_request(path: str) -> dict[str, Any]:
    """The request at `path`, which is ours and a file: nothing else is opened, or waited for.

    What it does not say has the default that it has for the runner, which has checked the rest.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError("its request is no file any more")
    with open(descriptor, "rb") as file:
        request: dict[str, Any] = json.load(file)
        return REQUEST_DEFAULTS | request


def take_lock(prefix: str, content: bytes | None = None) -> bool:
    """Make the start lock of this execution, with our identity in it, or find it taken.

    Whoever makes it is the only one who ever may run the script. It appears with its content or
    not at all, and is on the disk before the script runs: no crash makes a second start possible.
    Without `content`, which is that of a `claim`, it is barred.
    """
    pid = getpid()
    temporary = f"{prefix}.{pid}.tmp"
    descriptor = open_file(temporary, _NEW_LOCK, 0o600)
    try:
        who = _identity(pid), _directory()
        _write(descriptor, b"{%b, %b, %b" % (*who, (content or claim())[1:]))
        fsync(descriptor)
        link(temporary, f"{prefix}.lock")
    except FileExistsError:
        return False
    finally:
        close(descriptor)
        unlink(temporary)
    directory = open_file(prefix.rpartition("/")[0], _DIRECTORY)
    fsync(directory)
    close(directory)
    return True


def claim(request: dict[str, Any] | None = None) -> bytes:
    """What a start lock holds beside the identity of who takes it.

    Without a request nobody runs it: it is barred. Else the request goes into it, so that a lost
    database can be made anew, but for its secrets and the values of its environment.
    """
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        content: dict[str, Any] = {"boot_id": file.read().strip()}
    with contextlib.suppress(OSError):
        content["pid_ns"] = os.readlink("/proc/self/ns/pid")
    if request is None:
        content["barred"] = True
    else:
        env = dict.fromkeys(request["env"], "***")
        content["request"] = {**request, "environment": {}, "secrets": [], "env": env}
    return json.dumps(content).encode("ascii")


def _identity(pid: int) -> bytes:
    """What tells this process from all others of this boot, and when it was, as a part of JSON."""
    descriptor = open_file("/proc/self/stat", _READ)
    start = read(descriptor, _STAT_BYTES).rpartition(b")")[2].split(None, 20)[19]
    close(descriptor)
    now = time_ns() // 1_000_000, monotonic_ns() // 1_000_000
    return b'"pid": %d, "start": %b, "wall_ms": %d, "mono_ms": %d' % (pid, start, *now)


def _directory() -> bytes:
    """Where this process works, as a part of JSON: the path without links, its bytes in hex.

    The name that the request gives may lead elsewhere before the script has ended.
    """
    try:
        return b'"directory": "%b"' % getcwdb().hex().encode()
    except FileNotFoundError:  # it was removed a moment ago
        return b'"directory": ""'


def _write(descriptor: int, content: bytes) -> None:
    written = write(descriptor, content)
    if written < len(content):
        _write(descriptor, content[written:])


def _run_on(processors: set[int]) -> None:
    with contextlib.suppress(OSError, ValueError):  # none of them may be used here
        os.sched_setaffinity(0, processors)


def _checked_setup(plan: Plan) -> bytes:
    """The text that makes a shell the script, or says why it cannot; in the script's directory."""
    path = plan.program and find_program(plan.program, plan.search_path)
    problem = interpreter_problem(path) if path else None
    if problem is None:
        return plan.setup
    reason, code = problem
    return refusal_text(f"stepflow: {plan.program}: {reason}", code)


def _own_name(prefix: str, suffix: str) -> str:
    return f"{prefix}.{getpid()}{suffix}.tmp"


def _make_files(prefix: str) -> tuple[int, int]:
    """Descriptors of a spool and an exit file, under names for which nobody looks.

    So a disk without room is noticed before the lock is taken, and the start can be tried again.
    """
    spool = open_file(_own_name(prefix, ".out"), _NEW_LOG, 0o600)
    exit_file = open_file(_own_name(prefix, ".exit"), _NEW_STATUS, 0o600)
    pwrite(exit_file, _NO_STATUS, 0)
    return spool, exit_file


def _drop_files(prefix: str) -> None:
    for suffix in _FILES:
        with contextlib.suppress(OSError):  # it was not made, or has its name
            unlink(_own_name(prefix, suffix))


def _open_descriptors(prefix: str, files: tuple[int, int], setup: bytes) -> None:
    spool, exit_file = files
    for suffix in _FILES:
        rename(_own_name(prefix, suffix), f"{prefix}{suffix}")
    read_end, write_end = pipe()
    # All of these are above the numbers that the shim knows: `_set_up_descriptors` saw to that.
    dup2(write_end, 1)
    dup2(exit_file, 2)
    dup2(spool, 3)
    dup2(read_end, 4)
    dup2(_readable(setup, prefix), DESCRIPTOR)


def _readable(content: bytes, prefix: str) -> int:
    """A descriptor to read this from, of a file that nobody else finds."""
    try:
        descriptor = create_memory_file("stepflow-setup")
    except OSError:  # forbidden here
        path = f"{prefix}.{getpid()}.tmp"
        descriptor = open_file(path, _NEW_STATUS, 0o600)
        unlink(path)
    _write(descriptor, content)
    return descriptor


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
