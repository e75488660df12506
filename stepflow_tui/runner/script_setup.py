"""What makes a shell the script: its environment, limits and command, as text for that shell.

The shim has an environment of its own. A child of it reads this text from descriptor `DESCRIPTOR`,
and executes the script in its place; under a terminal a second shell, started by `script`, does.
So no list of arguments shows the command or a value, and none is too long for a shell's `-c`.

Imported by the launcher: nothing here may import more than the launcher has.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    Limits = dict[str, tuple[int, int]]  # soft and hard, by names of `resource.RLIMIT_*`

DESCRIPTOR = 5
SYSTEM_PATH = "/usr/bin:/bin:/usr/local/bin"

ULIMITS = {
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
"""The option of the shell's `ulimit`, and what it counts in. Some shells call `-p` `-u`."""

# A shell can hold a variable of such a name, and hands it on as it was set.
_PLAIN = re.compile(
    r"(?!(?:_|IFS|OPT\w*|PPID|SHLVL|SHELLOPTS|LINENO|S?RANDOM|SECONDS|EPOCH\w*|E?UID|E?GID|GROUPS"
    r"|FUNCNAME|DIRSTACK|PIPESTATUS|POSIXLY_CORRECT|HISTCMD|COMP_\w*|BASH\w*|PS\d|TMOUT|ENV"
    r"|KSH\w*|ZSH\w*|YASH\w*)\Z)"
    r"[A-Za-z_][A-Za-z0-9_]*",
    re.ASCII,
)
_SET_BY_SHELLS = ("OLDPWD", "PWD", "SHELL", "SHLVL")
_MODEST_SHELLS = ("busybox", "dash")
"""All others may set these again when they execute a program."""
_SET_AT_LAST = ("_", "SHLVL")

_INTERNAL = "STEPFLOW_RUNNER"
"""The runner's own mark: whoever has it is spared when an execution is stopped."""

_PAGERS = {"PAGER": "cat", "GIT_PAGER": "cat", "SYSTEMD_PAGER": ""}
_SIZE = (80, 24)
_CPU_GRACE_S = 5


def tool(name: str) -> str:
    """The path of a program of the system.

    Raises:
        FileNotFoundError: it is not installed.
    """
    for directory in SYSTEM_PATH.split(":"):
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"{name} is not installed in {SYSTEM_PATH}")


def setup_text(request: Mapping[str, Any], limits: Iterable[str], *, shell: str) -> bytes:
    """The text for `shell` that turns it into the script of this request.

    Args:
        request: what is to be run.
        limits: commands of the shell that set them.
        shell: path of the shell that reads the text.
    """
    command = list(request["command"])
    if request["shell"]:
        command = [shell, "-c", *command]
    environment = script_environment(request)
    plain = {name: value for name, value in environment.items() if _PLAIN.fullmatch(name)}
    outer, inner = _starting_programs(request)
    lines = [
        *(_within_terminal(shell, outer) if request["tty"] else ()),
        "exec 2>/dev/null",  # a shell may complain of a locale that it does not know
        *(_terminal_size(request) if request["tty"] else ()),
        *_assignments(environment, plain),
        f"exec {DESCRIPTOR}<&- 2>&1",
        *limits,
    ]
    words = [*_restoring(environment, plain, shell), *inner, *command]
    return os.fsencode("\n".join(lines)) + b"\nexec " + os.fsencode(_quoted(words)) + b"\n"


def refusal_text(message: str, code: int) -> bytes:
    """The text for a shell whose script cannot be executed: it says so, and exits with `code`."""
    said = _quoted(["printf", r"%s\n", message])
    return os.fsencode(f"exec {DESCRIPTOR}<&-\n{said}\nexit {code:d}\n")


def _starting_programs(request: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What is executed before the terminal is made, and behind it in front of the command.

    A program always stands between `env` and the command, whose path `env` could take for an
    assignment.
    """
    session = [tool("setsid"), "--"]
    niceness = niceness_command(request)
    if request["tty"]:
        return session, niceness or [tool("nice"), "-n", "0", "--"]
    return [], [*session, *niceness]


def _within_terminal(shell: str, session: list[str]) -> Iterator[str]:
    """Lines by which the shim's child becomes `script`, whose shell reads this text once more."""
    again = f". /proc/self/fd/{DESCRIPTOR}"
    words = [*session, tool("script"), "-qefc", again, os.devnull]
    yield "case $1 in shim)"
    yield f"SHELL={_quote(shell)}; export SHELL; exec 2>&1"
    yield f"exec {_quoted(words)};; esac"


def _terminal_size(request: Mapping[str, Any]) -> Iterator[str]:
    columns, rows = request.get("tty_size") or request.get("caller_size") or _SIZE
    yield f"{_quote(tool('stty'))} cols {columns:d} rows {rows:d}"


def _assignments(environment: Mapping[str, str], plain: Mapping[str, str]) -> Iterator[str]:
    """Lines that give the shell the variables that it can hold, and take away all others.

    One command sets them all: a new locale must not change how the rest of the text is read.
    """
    own = ("PATH", "STEPFLOW_EXECUTION_ID", *_SET_BY_SHELLS)
    unwanted = [name for name in own if name not in environment]
    if unwanted:
        yield f"unset {' '.join(unwanted)}"
    if plain:
        yield "export " + " ".join(f"{name}={_quote(value)}" for name, value in plain.items())


def _restoring(environment: Mapping[str, str], plain: Mapping[str, str], shell: str) -> list[str]:
    """A command that adds what no shell can hold, or would change."""
    pairs = [f"{name}={value}" for name, value in environment.items() if name not in plain]
    is_modest = os.path.basename(os.path.realpath(shell)) in _MODEST_SHELLS
    unwanted = () if is_modest else [name for name in _SET_AT_LAST if name not in environment]
    unset = [word for name in unwanted for word in ("-u", name)]
    return [tool("env"), *unset, "--", *pairs] if pairs or unset else []


def _quoted(words: Iterable[str]) -> str:
    return " ".join(map(_quote, words))


def _quote(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def script_environment(request: Mapping[str, Any]) -> dict[str, str]:
    """The environment of the script: its caller's, and unless unwanted what makes a run known."""
    environment: dict[str, str] = dict(request["environment"])
    environment.pop(_INTERNAL, None)
    is_added = request.get("added_env", True)
    if is_added or "PWD" in environment:
        environment["PWD"] = request["cwd"]
    if is_added:
        environment.setdefault("STEPFLOW", "1")
        environment["STEPFLOW_EXECUTION_ID"] = request["id"]
        environment.setdefault("PYTHONUNBUFFERED", "1")
        if request["tty"]:  # nobody can press a key
            environment = _PAGERS | environment
    return environment


def niceness_command(request: Mapping[str, Any]) -> list[str]:
    """A command that gives the script its niceness; none if it has it, or if we may not."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = request.get("limits", {}).get("nice", request.get("nice", own))
    if wanted < own:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, wanted)
        except PermissionError:
            return []
        os.setpriority(os.PRIO_PROCESS, 0, own)
    return [tool("nice"), "-n", f"{wanted - own:d}", "--"] if wanted != own else []


def script_limits(request: Mapping[str, Any], inherited: Limits) -> Limits:
    """The resource limits of a script: its caller's, and what was set for it alone."""
    limits = inherited | {name: tuple(pair) for name, pair in request.get("rlimits", {}).items()}
    chosen = request.get("limits", {})
    for name, key in (("AS", "memory"), ("FSIZE", "file_size")):
        if key in chosen:
            limits[name] = (chosen[key], chosen[key])
    if "cpu" in chosen:
        # First comes SIGXCPU, which tells why; who catches it has some time left to tidy up.
        hard = least_limit(chosen["cpu"] + _CPU_GRACE_S, limits["CPU"][1])
        limits["CPU"] = (chosen["cpu"], hard)
    return limits


def raised_limits(limits: Limits) -> Limits:
    """Which limits of the shim must be raised so that the script can have these, as far as we may.

    Each is tried here and taken back. A higher hard limit hinders nobody.
    """
    raised = {}
    for name, (_, hard) in limits.items():
        kind = limit_kind(name)
        own = resource.getrlimit(kind)
        if least_limit(own[1], hard) != hard:
            with contextlib.suppress(ValueError, OSError):  # only root may
                resource.setrlimit(kind, (own[0], hard))
                raised[name] = (own[0], hard)
                resource.setrlimit(kind, own)
    return raised


def limit_commands(limits: Limits, raised: Limits) -> Iterator[str]:
    """What the script's shell evaluates to set these limits, made of integers alone.

    They come last: they are to hold for the script alone. What a shell does not know is left as
    it is, in silence.
    """
    commands = []
    for name, (soft, hard) in limits.items():
        own = resource.getrlimit(limit_kind(name))
        if own != (soft, hard):
            _, most = raised.get(name, own)
            option, unit = ULIMITS[name]
            for which, limit in (
                ("S", least_limit(soft, hard, most)),
                ("H", least_limit(hard, most)),
            ):
                count = _count(limit, most, unit)
                other = f" || ulimit -{which} -u {count}" if name == "NPROC" else ""
                commands.append(f"ulimit -{which} -{option} {count}{other}")
    if commands:
        yield "{ " + "; ".join(commands) + "; } 2>/dev/null"


def limit_kind(name: str) -> int:
    """The number by which the system knows this limit."""
    return int(getattr(resource, f"RLIMIT_{name}"))


def least_limit(*limits: int) -> int:
    """The lowest of limits of which negative ones are none."""
    return min((limit for limit in limits if limit >= 0), default=resource.RLIM_INFINITY)


def _count(limit: int, most: int, unit: int) -> str:
    """A limit in units, rounded up where nothing is in the way."""
    if limit < 0:
        return "unlimited"
    count = -(-limit // unit)
    return f"{count if most < 0 else min(count, most // unit):d}"
