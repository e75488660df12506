"""Making a run request out of what a user asked for, after checking that it can work.

What is refused here never becomes an execution: a missing directory or command is the user's slip,
and is said at once, with the exit code that a shell would give.
"""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.redaction import REDACTED
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.directory import working_directory
from stepflow_tui.requests.executable import check_executable
from stepflow_tui.requests.limits import (
    caller_limits,
    caller_niceness,
    caller_processors,
    check_limits,
)
from stepflow_tui.requests.locale_text import from_runner, to_runner
from stepflow_tui.requests.request import MAX_TIMEOUT_S, RunRequest, is_storable, is_timeout
from stepflow_tui.requests.runner import MARKS
from stepflow_tui.requests.secrets import HIDDEN_IN_COMMAND, NO_SECRETS
from stepflow_tui.requests.terminal_size import caller_size

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from stepflow_tui.core.models import Execution, Value
    from stepflow_tui.requests.secrets import Secrets

_NO_PAIRS: Mapping[str, str] = MappingProxyType({})
_NO_METADATA: Mapping[str, Value] = MappingProxyType({})
_NO_LIMITS: Mapping[str, int] = MappingProxyType({})
_SHELL_NAME_LENGTH = 40
_PROC_STATUS = Path("/proc/self/status")
_PROC_ENVIRON = Path("/proc/self/environ")
_SURROGATE = lazy_pattern("[\ud800-\udfff]")
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")


def run_request(
    command: Sequence[str],
    *,
    cwd: Path,
    name: str | None = None,
    env: Mapping[str, str] = _NO_PAIRS,
    tags: Sequence[str] = (),
    metadata: Mapping[str, Value] = _NO_METADATA,
    timeout_s: float | None = None,
    shell: bool = False,
    tty: bool = False,
    tty_size: list[int] | None = None,
    added_env: bool = True,
    secrets: Secrets = NO_SECRETS,
    limits: Mapping[str, int] = _NO_LIMITS,
    kill_leftovers: bool = False,
    rerun_of: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> RunRequest:
    """A request to run `command`, checked.

    Args:
        command: argument list; with `shell` one string for `/bin/sh -c`.
        cwd: working directory of the script.
        name: for people; by default made from the command.
        env: pairs set on top of the environment; only these are recorded.
        tags: labels to filter by.
        metadata: pairs to record.
        timeout_s: seconds after which the execution is stopped.
        shell: the command is a string for the shell.
        tty: run under a pseudo-terminal.
        tty_size: its columns and rows; by default those of our own terminal.
        added_env: the script gets the variables by which it knows of us.
        secrets: what is hidden in all that is stored.
        limits: for the script alone: `memory` and `file_size` in bytes, `cpu` in seconds, `nice`.
        kill_leftovers: stop background processes that the script leaves.
        rerun_of: number of the execution that this repeats.
        environ: what the script inherits; by default the environment of this process.

    Raises:
        UsageProblem: the directory, a text or a number cannot be used.
        CommandNotFound: the command does not exist.
        CommandNotExecutable: the command exists and cannot be executed.
    """
    environment = {**_inherited(environ), **env}
    directory = working_directory(cwd)
    _check_texts([*command, *env, *env.values(), *tags, *metadata, name or ""])
    _check_names(env)
    _check_metadata(metadata)
    check_timeout(timeout_s)
    check_limits(limits)
    _check_command(command, directory, environment, shell=shell)
    if tty:
        _check_tty(environment)
    return RunRequest(
        id=new_id(),
        command=list(map(to_runner, command)),
        cwd=to_runner(str(directory)),
        environment=_pairs_to_runner(environment),
        created_at=now().wall_ms,
        name=_utf8(name or _default_name(command, shell=shell)),
        user=_utf8(_user()),
        env=_pairs_to_runner(secrets.stored(env)),
        tags=list(dict.fromkeys(map(_utf8, tags))),
        metadata={
            _utf8(key): _utf8(value) if isinstance(value, str) else value
            for key, value in metadata.items()
        },
        timeout_s=timeout_s,
        shell=shell,
        tty=tty,
        tty_size=tty_size,
        caller_size=caller_size(os.environ if environ is None else environ) if tty else None,
        added_env=added_env,
        umask=_umask(),
        rerun_of=rerun_of,
        secrets=list(map(to_runner, secrets.texts)),
        limits=dict(limits),
        rlimits=caller_limits(),
        nice=caller_niceness(),
        processors=caller_processors(),
        kill_leftovers=kill_leftovers,
    )


def rerun_request(
    execution: Execution,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] = _NO_PAIRS,
    secrets: Secrets = NO_SECRETS,
    limits: Mapping[str, int] = _NO_LIMITS,
    kill_leftovers: bool = False,
    environ: Mapping[str, str] | None = None,
) -> RunRequest:
    """A request to run the same command once more, checked as a new one.

    Args:
        execution: what to repeat.
        cwd: working directory of the script; by default the one it had.
        env: pairs that are added or replaced; secrets were not stored and must be given again.
        secrets: what is hidden this time.
        limits: added to those that it had, or in their place.
        kill_leftovers: stop background processes, if that was not asked for before.
        environ: what the script inherits; by default the environment of this process.

    Raises:
        UsageProblem: a secret is missing, or what `run_request` refuses.
        CommandNotFound: the command does not exist any more.
        CommandNotExecutable: the command cannot be executed any more.
    """
    _check_hidden(execution, cwd)
    _check_secrets(execution, {*env, *secrets.variables})
    kept = {
        from_runner(name): from_runner(value)
        for name, value in execution.env.items()
        if value != REDACTED
    }
    metadata = {key: value for key, value in execution.metadata.items() if key != "PROGRESS"}
    return run_request(
        list(map(from_runner, execution.command)),
        cwd=cwd or Path(from_runner(execution.cwd)),
        name=execution.name,
        env={**kept, **env},
        tags=execution.tags,
        metadata=metadata,
        timeout_s=execution.timeout_s,
        shell=execution.shell,
        tty=execution.tty,
        tty_size=execution.tty_size,
        added_env=execution.added_env,
        secrets=secrets,
        limits={**execution.limits, **limits},
        kill_leftovers=execution.kill_leftovers or kill_leftovers,
        rerun_of=execution.number,
        environ=environ,
    )


def _check_hidden(execution: Execution, cwd: Path | None) -> None:
    """Refuse what was not stored as it was: a command, or a directory that is not named anew."""
    if HIDDEN_IN_COMMAND not in execution.warnings:
        return
    is_command_known = not any(REDACTED in word for word in execution.command)
    if REDACTED not in execution.cwd or not is_command_known:
        raise UsageProblem(f"{HIDDEN_IN_COMMAND}; run it anew with: stepflow run")
    if cwd is None:
        raise UsageProblem("a secret is hidden in its directory; name it again with -C")


def _check_secrets(execution: Execution, given: Container[str]) -> None:
    missing = [
        clean_line(name)
        for name, value in execution.env.items()
        if value == REDACTED and name not in given
    ]
    if missing:
        raise UsageProblem(
            f"the values of {', '.join(missing)} were not stored; give them again: "
            + " ".join(f"-e {name}=…" for name in missing)
            + ", or from the environment: "
            + " ".join(f"--secret {name}" for name in missing)
        )


def _inherited(environ: Mapping[str, str] | None) -> dict[str, str]:
    """What the script gets from its caller, without the marks of what we started ourselves."""
    environment = dict(os.environ if environ is None else environ)
    unwanted = [*MARKS, *(("LC_CTYPE",) if _is_locale_coerced(environment) else ())]
    return {name: value for name, value in environment.items() if name not in unwanted}


def _is_locale_coerced(environment: Mapping[str, str]) -> bool:
    """Whether its LC_CTYPE is that which Python itself has set, as where the locale is C (PEP 538).

    The environment may be a copy of our own, as the dashboard makes one when it begins.
    """
    if environment.get("LC_CTYPE") not in _COERCED:
        return False
    try:
        given = _PROC_ENVIRON.read_bytes()
    except OSError:
        return False
    return b"\0LC_CTYPE=" not in b"\0" + given


def _utf8(text: str) -> str:
    """The text with a sign in place of each byte that was no UTF-8."""
    return _SURROGATE.sub("\ufffd", to_runner(text))


def _pairs_to_runner(pairs: Mapping[str, str]) -> dict[str, str]:
    return {to_runner(name): to_runner(value) for name, value in pairs.items()}


def _check_texts(texts: Iterable[str]) -> None:
    for text in texts:
        if "\0" in text:
            raise UsageProblem(f"a NUL byte cannot be passed to a program: {clean_line(text)!r}")


def _check_names(env: Mapping[str, str]) -> None:
    for name in env:
        if not name or "=" in name:
            raise UsageProblem(f"{clean_line(name)!r} cannot be the name of a variable")


def _check_metadata(metadata: Mapping[str, Value]) -> None:
    for name, value in metadata.items():
        if not isinstance(value, str) and not is_storable(value):
            raise UsageProblem(f"the number of {clean_line(name)} is too large to be recorded")


def check_timeout(timeout_s: float | None) -> None:
    """Refuse a timeout that an execution cannot be given.

    Raises:
        UsageProblem: it is too short or too long.
    """
    if timeout_s is None or is_timeout(timeout_s):
        return
    if timeout_s <= 0:
        raise UsageProblem("a timeout must be longer than nothing, such as 90s or 5m")
    raise UsageProblem(f"a timeout can be at most {MAX_TIMEOUT_S // 86_400}d, which is ten years")


def _check_command(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], *, shell: bool
) -> None:
    if not command or not command[0].strip():
        raise UsageProblem("the command is empty")
    if shell and len(command) != 1:
        raise UsageProblem("a shell command is one string; put it in quotes")
    if not shell:
        search_path = environment.get("PATH", os.defpath)
        check_executable(command[0], cwd=cwd, search_path=search_path)


def _check_tty(environment: Mapping[str, str]) -> None:
    if shutil.which("script", path=environment.get("PATH", os.defpath)) is None:
        raise UsageProblem("--tty needs the program `script` of util-linux on the PATH")


def _default_name(command: Sequence[str], *, shell: bool) -> str:
    if shell:
        return " ".join(command[0].split())[:_SHELL_NAME_LENGTH]
    return Path(command[0]).name or command[0]


def _user() -> str:
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _umask() -> int:
    """The umask of this process, without changing it where the system tells it."""
    try:
        lines = _PROC_STATUS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
