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
import shlex
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would be dear here
    from typing import Any

SHELL, CAT, SETSID, SCRIPT, ENV = "/bin/sh", "cat", "setsid", "script", "env"
EXIT_FILE_SIZE = 256
"""The exit file is made beforehand and overwritten: on a full disk a new file would stay empty."""

_PR_SET_CHILD_SUBREAPER = 36
_HIGH = 16
_KEPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OWN_NAMES = frozenset({"IFS", "OPTIND", "PPID", "OLDPWD"})
_SYSTEM_PATH = "/usr/bin:/bin:/usr/local/bin"


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
    while packet := channel.recv(65536):
        order = json.loads(packet)
        try:
            child = os.fork()
        except OSError as error:
            _complain(channel, order["id"], error)
            continue
        if child == 0:
            _become_shim(channel, order, shim, libc)


def _complain(channel: socket.socket, execution: str, error: Exception) -> None:
    complaint = {"id": execution, "pid": os.getpid(), "error": str(error)}
    packet = json.dumps(complaint).encode()
    with contextlib.suppress(OSError):  # the runner is gone; its successor finds no lock
        channel.send(packet)


def _become_shim(
    channel: socket.socket, order: dict[str, str], shim: str, libc: ctypes.CDLL
) -> None:
    try:
        _restore_signals()
        os.setsid()
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot become a subreaper")
        with open(order["request"], encoding="ascii") as file:
            request = json.load(file)
        os.chdir(request["cwd"])
        if not take_lock(order["prefix"]):
            os._exit(99)  # started before: never twice
        _open_descriptors(order["prefix"])
        os.umask(request["umask"])
        arguments = [SHELL, "-c", shim, order["prefix"], _tool(CAT), _tool(SETSID)]
        os.execve(SHELL, arguments + script_command(request), script_environment(request))
    except BaseException as error:
        _complain(channel, order["id"], error if isinstance(error, Exception) else Exception())
    finally:
        os._exit(98)


def _restore_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError):  # the C library keeps a few for itself
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def take_lock(prefix: str) -> bool:
    """Make the start lock of this execution, with our identity in it, or find it taken.

    Whoever makes it is the only one who ever may run the script. It appears with its content or
    not at all, and is on the disk before the script runs: no crash makes a second start possible.
    """
    temporary = f"{prefix}.{os.getpid()}.tmp"
    with open(temporary, "x", encoding="ascii") as file:
        json.dump(identity(), file)
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
        command = [_tool(SCRIPT), "-qefc", line, os.devnull]
    return restored_names(request["environment"]) + command


def restored_names(environment: dict[str, str]) -> list[str]:
    """A command that sets again what a shell drops or changes of the environment it is given.

    A shell keeps names that can be its variables. Others, such as `my.prop` or bash's exported
    functions, get lost in the shim.
    """
    pairs = [
        f"{name}={value}"
        for name, value in environment.items()
        if not _KEPT.fullmatch(name) or name in _OWN_NAMES
    ]
    return [_tool(ENV), "--", *pairs] if pairs else []


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
