"""The launcher: a small single-threaded process that forks and sets up shims.

Run as a file by an isolated interpreter (`python -I -S launcher.py FD`), so that it stays small
and imports nothing of ours. Orders and complaints are packets of JSON on the socket FD: the runner
sends `{"id", "request", "prefix"}`, the launcher answers `{"id", "error"}` if a start failed; a
start that succeeds shows itself by its lock file.

PR_SET_CHILD_SUBREAPER is lost by fork and kept by exec, so it is set between the two; Python code
there is safe only in a process without threads, which is why this one exists.

Each page that is touched after a fork has to be mapped or copied by the kernel, on either side.
So what can be done before is done before, for some starts at once; little is left for the child.
Nor does the child look up attributes of modules: each would cost it three pages.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import json
import os
import re
import resource
import shlex
import signal
import socket
import stat
import sys

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
    setsid,
    umask,
    unlink,
    write,
)
from os import open as open_file
from time import monotonic_ns, time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would be dear here
    from collections.abc import Callable, Iterator
    from typing import Any

    Limits = dict[str, tuple[int, int]]  # soft and hard, by names of `resource.RLIMIT_*`

SHELL = "/bin/sh"
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
_LAST = 4  # descriptor that the shim knows
_HIGH = 16
_KEPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OWN_NAMES = frozenset({"IFS", "OPTIND", "PPID", "OLDPWD"})
_SYSTEM_PATH = "/usr/bin:/bin:/usr/local/bin"
_CPU_GRACE_S = 5

# The option of the shell's `ulimit`, and what it counts in. Some shells call `-p` `-u`.
_ULIMITS = {
    "AS": ("v", 1024),
    "CORE": ("c", 512),
    "CPU": ("t", 1),
    "DATA": ("d", 1024),
    "FSIZE": ("f", 512),
    "MEMLOCK": ("l", 1024),
    "NOFILE": ("n", 1),
    "NPROC": ("p", 1),
    "STACK": ("s", 1024),
}
_HINDERING = ("AS", "CPU", "DATA", "FSIZE", "NPROC")


class Plan:
    """All of a start that is made ready before the fork."""

    __slots__ = ("arguments", "claim", "cwd", "environment", "prefix", "raised", "umask")

    def __init__(self, prefix: str, request: dict[str, Any], shim: str, inherited: Limits) -> None:
        """The start of what `request` asks for, with its files at `prefix`."""
        limits = script_limits(request, inherited)
        kept = kept_pairs(request["environment"])
        self.prefix = prefix
        self.cwd, self.umask = request["cwd"], request["umask"]
        self.claim = claim(request)
        self.raised = raised_limits(limits)
        setup = [*restoring_commands(list(kept)), *limit_commands(limits, self.raised)]
        tools = [_tool(name) for name in ("cat", "sleep", "setsid")]
        words = [SHELL, "-c", shim, prefix, *tools, "\n".join(setup), *script_command(request)]
        pairs = script_environment(request) | kept
        self.arguments = [os.fsencode(word) for word in words]
        self.environment = {os.fsencode(n): os.fsencode(value) for n, value in pairs.items()}

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return len(self.claim) + sum(map(len, self.environment.values()))


def main(descriptor: int) -> None:
    """Start what the socket asks for until its other end is gone."""
    starter = Starter(descriptor)
    gc.freeze()
    while orders := starter.next_orders():
        starter.start(orders)


class Starter:
    """What is the same for all starts, made once."""

    def __init__(self, descriptor: int) -> None:
        """Makes the process what its children are to inherit; orders come from the socket."""
        self._channel = _set_up_descriptors(descriptor)
        self._ignored = _set_up_signals()
        self._inherited = _lift_limits()
        self._reap = _subreaping()
        with open(os.path.join(os.path.dirname(__file__), "shim.sh"), encoding="ascii") as file:
            self._shim = file.read()

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
                request = read_request(order["request"])
                plan = Plan(order["prefix"], request, self._shim, self._inherited)
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
        packet = json.dumps(complaint).encode()
        with contextlib.suppress(OSError):  # the runner is gone; its successor finds no lock
            self._channel.send(packet)

    def _become_shim(self, execution: str, plan: Plan) -> None:
        try:
            for number in self._ignored:
                set_signal(number, SIG_DFL)
            setsid()
            self._reap()
            chdir(plan.cwd)
            if not take_lock(plan.prefix, plan.claim):
                os._exit(99)  # started before: never twice
            _open_descriptors(plan.prefix)
            for name, limits in plan.raised.items():
                resource.setrlimit(_kind(name), limits)
            umask(plan.umask)
            execve(SHELL, plan.arguments, plan.environment)
        except BaseException as error:
            self._complain(execution, error if isinstance(error, Exception) else Exception())
        finally:
            os._exit(98)


def _set_up_descriptors(descriptor: int) -> socket.socket:
    """Keep free what the shim knows, so that what is opened for it never stands in its own way."""
    channel = socket.socket(fileno=fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH))
    os.close(descriptor)
    while (null := os.open(os.devnull, os.O_RDONLY)) <= _LAST:
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
    inherited = {name: resource.getrlimit(_kind(name)) for name in _ULIMITS}
    for name in _HINDERING:
        _, hard = inherited[name]
        resource.setrlimit(_kind(name), (hard, hard))
        with contextlib.suppress(ValueError, OSError):  # only root may
            resource.setrlimit(_kind(name), (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return inherited


def _kind(name: str) -> int:
    return int(getattr(resource, f"RLIMIT_{name}"))


def read_request(path: str) -> dict[str, Any]:
    """The request at `path`, which is ours and a file: nothing else is opened, or waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, encoding="ascii") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError("its request is no file any more")
        request: dict[str, Any] = json.load(file)
        return request


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


def _open_descriptors(prefix: str) -> None:
    spool = open_file(f"{prefix}.out", _NEW_LOG, 0o600)
    exit_file = open_file(f"{prefix}.exit", _NEW_STATUS, 0o600)
    pwrite(exit_file, _NO_STATUS, 0)
    read_end, write_end = pipe()
    # All of these are above the numbers that the shim knows: `_set_up_descriptors` saw to that.
    dup2(write_end, 1)
    dup2(exit_file, 2)
    dup2(spool, 3)
    dup2(read_end, 4)


def _tool(name: str) -> str:
    for directory in _SYSTEM_PATH.split(":"):
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"{name} is not installed in {_SYSTEM_PATH}")


def script_command(request: dict[str, Any]) -> list[str]:
    """The argument list that is run: as it was given, by the shell, or under a terminal."""
    command = list(request["command"])
    if request["shell"]:
        command = [SHELL, "-c", *command]
    if request["tty"]:
        line = f"exec {shlex.join(command)}"
        shell = request["environment"].get("SHELL")
        if shell:  # `script` runs the line with $SHELL; the program sees the user's own
            line = f"SHELL={shlex.quote(shell)} {line}"
        command = [_tool("script"), "-qefc", line, os.devnull]
    return niceness_command(request) + command


def niceness_command(request: dict[str, Any]) -> list[str]:
    """A command that gives the script its niceness; none if it has it, or if we may not."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = request.get("limits", {}).get("nice", request.get("nice", own))
    if wanted < own:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, wanted)
        except PermissionError:
            return []
        os.setpriority(os.PRIO_PROCESS, 0, own)
    return [_tool("nice"), "-n", f"{wanted - own:d}"] if wanted != own else []


def kept_pairs(environment: dict[str, str]) -> dict[str, str]:
    """What a shell drops or changes of the environment it is given, under names that it keeps.

    A shell keeps names that can be its variables. Others, such as `my.prop` or bash's exported
    functions, get lost in the shim. They are not handed over as arguments, which all users can see:
    `env` has them as such for the instant in which it puts them back.
    """
    lost = [
        f"{name}={value}"
        for name, value in environment.items()
        if not _KEPT.fullmatch(name) or name in _OWN_NAMES
    ]
    return {f"sf_env{number}": pair for number, pair in enumerate(lost)}


def restoring_commands(kept: list[str]) -> Iterator[str]:
    """What the shim's shell evaluates so that the script has what is kept under these names."""
    if kept:
        values = " ".join(f'"${name}"' for name in kept)
        yield f'set -- {_tool("env")} -- {values} "$@"; unset {" ".join(kept)}'


def script_limits(request: dict[str, Any], inherited: Limits) -> Limits:
    """The resource limits of a script: its caller's, and what was set for it alone."""
    limits = inherited | {name: tuple(pair) for name, pair in request.get("rlimits", {}).items()}
    chosen = request.get("limits", {})
    for name, key in (("AS", "memory"), ("FSIZE", "file_size")):
        if key in chosen:
            limits[name] = (chosen[key], chosen[key])
    if "cpu" in chosen:
        # First comes SIGXCPU, which tells why; who catches it has some time left to tidy up.
        hard = _least(chosen["cpu"] + _CPU_GRACE_S, limits["CPU"][1])
        limits["CPU"] = (chosen["cpu"], hard)
    return limits


def raised_limits(limits: Limits) -> Limits:
    """Which limits of the shim must be raised so that the script can have these, as far as we may.

    Each is tried here and taken back. A higher hard limit hinders nobody.
    """
    raised = {}
    for name, (_, hard) in limits.items():
        kind = _kind(name)
        own = resource.getrlimit(kind)
        if _least(own[1], hard) != hard:
            with contextlib.suppress(ValueError, OSError):  # only root may
                resource.setrlimit(kind, (own[0], hard))
                raised[name] = (own[0], hard)
                resource.setrlimit(kind, own)
    return raised


def limit_commands(limits: Limits, raised: Limits) -> Iterator[str]:
    """What the shim's shell evaluates to set these limits, made of integers alone.

    What a shell does not know is left as it is, in silence.
    """
    commands = []
    for name, (soft, hard) in limits.items():
        own = resource.getrlimit(_kind(name))
        if own != (soft, hard):
            _, most = raised.get(name, own)
            option, unit = _ULIMITS[name]
            for which, limit in (("S", _least(soft, hard, most)), ("H", _least(hard, most))):
                count = _count(limit, most, unit)
                commands.append(f"ulimit -{which} -{option} {count}")
                if name == "NPROC":
                    commands[-1] += f" || ulimit -{which} -u {count}"
    if commands:
        yield "{ " + "; ".join(commands) + "; } 2>/dev/null"


def _least(*limits: int) -> int:
    """The lowest of limits of which negative ones are none."""
    return min((limit for limit in limits if limit >= 0), default=resource.RLIM_INFINITY)


def _count(limit: int, most: int, unit: int) -> str:
    """A limit in units, rounded up where nothing is in the way."""
    if limit < 0:
        return "unlimited"
    count = -(-limit // unit)
    return f"{count if most < 0 else min(count, most // unit):d}"


def script_environment(request: dict[str, Any]) -> dict[str, str]:
    """The caller's environment, with what makes output live and coloured and the run findable."""
    environment = dict(request["environment"])
    environment["PWD"] = request["cwd"]
    environment["STEPFLOW"] = "1"
    environment["STEPFLOW_EXECUTION_ID"] = request["id"]
    environment.setdefault("PYTHONUNBUFFERED", "1")
    colours = {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}
    if not {"NO_COLOR", *colours} & environment.keys():
        environment.update(colours)
    if request["tty"]:
        environment["SHELL"] = SHELL
    return environment


if __name__ == "__main__":
    main(int(sys.argv[1]))
