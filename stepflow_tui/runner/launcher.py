"""The launcher: a small single-threaded process that forks and sets up shims.

Run as a file by an isolated interpreter (`python -I -S launcher.py FD`), so that it stays small
and imports nothing of ours. Orders and complaints are packets of JSON on the socket FD: the runner
sends `{"id", "request", "prefix"}`, the launcher answers `{"id", "error"}` if a start failed; a
start that succeeds shows itself by its lock file.

PR_SET_CHILD_SUBREAPER is lost by fork and kept by exec, so it is set between the two; Python code
there is safe only in a process without threads, which is why this one exists.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import resource
import shlex
import signal
import socket
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would be dear here
    from collections.abc import Iterator
    from typing import Any

    Limits = dict[str, tuple[int, int]]  # soft and hard, by names of `resource.RLIMIT_*`

SHELL = "/bin/sh"
EXIT_FILE_SIZE = 256
"""The exit file is made beforehand and overwritten: on a full disk a new file would stay empty."""

_PR_SET_CHILD_SUBREAPER = 36
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


def main(descriptor: int) -> None:
    """Start what the socket asks for until its other end is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; children get SIG_DFL back
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it leaves when the runner does
    os.set_inheritable(descriptor, False)
    channel = socket.socket(fileno=descriptor)
    with open(os.path.join(os.path.dirname(__file__), "shim.sh"), encoding="ascii") as file:
        shim = file.read()
    libc = ctypes.CDLL(None, use_errno=True)
    inherited = _lift_limits()
    while packet := _next_order(channel):
        order = json.loads(packet)
        try:
            child = os.fork()
        except OSError as error:
            _complain(channel, order["id"], error)
            continue
        if child == 0:
            _become_shim(channel, order, shim, libc, inherited)


def _next_order(channel: socket.socket) -> bytes:
    """The next packet; nothing once the runner is gone, whether or not it had heard us out."""
    try:
        return channel.recv(65536)
    except ConnectionResetError:
        return b""


def _complain(channel: socket.socket, execution: str, error: Exception) -> None:
    complaint = {"id": execution, "pid": os.getpid(), "error": str(error)}
    packet = json.dumps(complaint).encode()
    with contextlib.suppress(OSError):  # the runner is gone; its successor finds no lock
        channel.send(packet)


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


def _become_shim(
    channel: socket.socket,
    order: dict[str, str],
    shim: str,
    libc: ctypes.CDLL,
    inherited: Limits,
) -> None:
    try:
        _restore_signals()
        os.setsid()
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot become a subreaper")
        request = read_request(order["request"])
        os.chdir(request["cwd"])
        if not take_lock(order["prefix"], request):
            os._exit(99)  # started before: never twice
        _open_descriptors(order["prefix"])
        os.umask(request["umask"])
        tools = [_tool(name) for name in ("cat", "sleep", "setsid")]
        kept = kept_pairs(request["environment"])
        setup = [
            *restoring_commands(list(kept)),
            *limit_commands(script_limits(request, inherited)),
        ]
        arguments = [SHELL, "-c", shim, order["prefix"], *tools, "\n".join(setup)]
        environment = script_environment(request) | kept
        os.execve(SHELL, arguments + script_command(request), environment)
    except BaseException as error:
        _complain(channel, order["id"], error if isinstance(error, Exception) else Exception())
    finally:
        os._exit(98)


def read_request(path: str) -> dict[str, Any]:
    """The request at `path`, which is ours and a file: nothing else is opened, or waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, encoding="ascii") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError("its request is no file any more")
        request: dict[str, Any] = json.load(file)
        return request


def _restore_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError):  # the C library keeps a few for itself
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def take_lock(prefix: str, request: dict[str, Any] | None = None) -> bool:
    """Make the start lock of this execution, with our identity in it, or find it taken.

    Whoever makes it is the only one who ever may run the script. It appears with its content or
    not at all, and is on the disk before the script runs: no crash makes a second start possible.
    Without a request nobody runs it: it is barred. Else the request goes into it, so that a lost
    database can be made anew, but for its secrets and the values of its environment.
    """
    content = identity()
    if request is None:
        content["barred"] = True
    else:
        env = dict.fromkeys(request["env"], "***")
        hidden: dict[str, Any] = {"environment": {}, "secrets": [], "env": env}
        content["request"] = {**request, **hidden}
    temporary = f"{prefix}.{os.getpid()}.tmp"
    with open(temporary, "x", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, f"{prefix}.lock")
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary)
    directory = os.open(os.path.dirname(prefix), os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(directory)
    os.close(directory)
    return True


def identity() -> dict[str, Any]:
    """What tells this process from all others, and when it was: pid alone may be used again."""
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        start = int(file.read().rpartition(")")[2].split()[19])
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    return {
        "boot_id": boot_id,
        "pid": os.getpid(),
        "start": start,
        "wall_ms": time.time_ns() // 1_000_000,
        "mono_ms": time.monotonic_ns() // 1_000_000,
    }


def _open_descriptors(prefix: str) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    spool = os.open(f"{prefix}.out", flags | os.O_WRONLY | os.O_APPEND, 0o600)
    exit_file = os.open(f"{prefix}.exit", flags | os.O_RDWR, 0o600)
    os.write(exit_file, b"\0" * EXIT_FILE_SIZE)
    os.lseek(exit_file, 0, os.SEEK_SET)
    null = os.open(os.devnull, os.O_RDONLY)
    read_end, write_end = os.pipe()
    # First up and out of the way, then down to the numbers that the shim knows.
    high = [
        fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH)
        for fd in (null, write_end, exit_file, spool, read_end)
    ]
    for target, descriptor in enumerate(high):
        os.dup2(descriptor, target, inheritable=True)


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


def limit_commands(limits: Limits) -> Iterator[str]:
    """What the shim's shell evaluates to set these limits, made of integers alone.

    As far as we may, hard limits of this process are raised to them, which hinders nobody. What a
    shell does not know is left as it is, in silence.
    """
    commands = []
    for name, (soft, hard) in limits.items():
        if resource.getrlimit(_kind(name)) != (soft, hard):
            most = _raised(_kind(name), hard)
            option, unit = _ULIMITS[name]
            for which, limit in (("S", _least(soft, hard, most)), ("H", _least(hard, most))):
                count = _count(limit, most, unit)
                commands.append(f"ulimit -{which} -{option} {count}")
                if name == "NPROC":
                    commands[-1] += f" || ulimit -{which} -u {count}"
    if commands:
        yield "{ " + "; ".join(commands) + "; } 2>/dev/null"


def _raised(kind: int, wanted: int) -> int:
    """Our own hard limit, after it was raised to the wanted one, if it was lower and we may."""
    soft, hard = resource.getrlimit(kind)
    if _least(hard, wanted) != wanted:
        with contextlib.suppress(ValueError, OSError):  # only root may
            resource.setrlimit(kind, (soft, wanted))
    return resource.getrlimit(kind)[1]


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
