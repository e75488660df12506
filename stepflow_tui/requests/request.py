"""What a client can ask of the runner, and its form as a file."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from msgspec import Struct, field
from msgspec.structs import asdict

from stepflow_tui.core.identity import is_id, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stepflow_tui.core.models import Metadata

FORMAT = 1
"""Counts incompatible changes of the file's form."""

MAX_TIMEOUT_S = 10 * 365 * 86_400
"""Ten years."""

LIMITS = frozenset({"memory", "cpu", "file_size", "nice"})
"""What can be limited of a script."""

RLIMITS = frozenset({"CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "NPROC", "AS", "STACK"})
"""Resource limits that a script has from its caller, not from whoever started the runner."""

MAX_TAG = 256
"""Characters of a tag."""

MAX_NOTE = 4096
"""Bytes of a note as UTF-8."""

MAX_TTY_LENGTH = 65_535
"""Columns or rows of a terminal."""

_YEAR_10000 = 253_402_300_800_000
"""UTC milliseconds; the calendar of Python ends here."""


class BadRequest(ValueError):
    """A request file that cannot be understood; the text says why."""


class RunRequest(Struct, frozen=True):
    """Run a command. The request's id becomes the execution's.

    Attributes:
        environment: the whole environment of the script.
        env: the pairs of it that were given explicitly, and `***` for each secret variable.
        umask: the caller's, which the script gets.
        rerun_of: number of the execution that this repeats.
        secrets: texts that are hidden wherever they would be stored.
        limits: for the script alone: `memory` and `file_size` in bytes, `cpu` in seconds, `nice`.
        rlimits: the caller's resource limits, soft and hard, by the names of `resource.RLIMIT_*`
            without the prefix; -1 is none.
        nice: the caller's niceness.
        processors: those on which the caller may run; empty for all.
        kill_leftovers: stop background processes that the script leaves.
        added_env: the script gets the variables by which it knows of us, beside its caller's.
        tty_size: columns and rows of the pseudo-terminal, if they were chosen.
        caller_size: those of the caller's terminal, which count else; None where it has none.
    """

    kind: ClassVar[str] = "run"

    id: str
    command: list[str]
    cwd: str
    environment: dict[str, str]
    created_at: int
    name: str
    user: str = ""
    env: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    metadata: Metadata = field(default_factory=dict)
    timeout_s: float | None = None
    shell: bool = False
    tty: bool = False
    umask: int = 0o022
    rerun_of: int | None = None
    secrets: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    rlimits: dict[str, list[int]] = field(default_factory=dict)
    nice: int = 0
    processors: list[int] = field(default_factory=list)
    kill_leftovers: bool = False
    added_env: bool = True
    tty_size: list[int] | None = None
    caller_size: list[int] | None = None


class CancelRequest(Struct, frozen=True):
    """Stop an execution with all its processes.

    Attributes:
        execution: id of the execution.
        force: skip the grace time between TERM and KILL.
        leftovers: it has ended; stop what it left in the background.
    """

    kind: ClassVar[str] = "cancel"

    id: str
    execution: str
    force: bool = False
    leftovers: bool = False


class StopRequest(Struct, frozen=True):
    """End the runner; scripts go on unless `cancel_all`."""

    kind: ClassVar[str] = "stop"

    id: str
    cancel_all: bool = False


class RemoveRequest(Struct, frozen=True):
    """Remove executions with their logs and artifacts: all of them, or none.

    Attributes:
        executions: their ids. Who is not there any more was removed before.
    """

    kind: ClassVar[str] = "remove"

    id: str
    executions: list[str]


class MarkRequest(Struct, frozen=True):
    """Keep executions from ever being removed, or let them go again.

    Attributes:
        executions: their ids.
    """

    kind: ClassVar[str] = "mark"

    id: str
    executions: list[str]
    marked: bool = True


class TagRequest(Struct, frozen=True):
    """Put tags on executions and take others away: on all of them, or on none.

    Attributes:
        executions: their ids.
        add: tags that they have from then on, behind those that they had.
        remove: tags that they do not have any more.
    """

    kind: ClassVar[str] = "tag"

    id: str
    executions: list[str]
    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)


class NoteRequest(Struct, frozen=True):
    """Write a note on executions, in place of the one that they had: on all of them, or on none.

    Attributes:
        executions: their ids.
        note: any text; an empty one takes the note away.
    """

    kind: ClassVar[str] = "note"

    id: str
    executions: list[str]
    note: str


class BackupRequest(Struct, frozen=True):
    """Copy the database.

    Attributes:
        path: of the copy, absolute.
        force: replace a file that is there.
    """

    kind: ClassVar[str] = "backup"

    id: str
    path: str
    force: bool = False


Label: TypeAlias = MarkRequest | TagRequest | NoteRequest
"""What people say about executions."""

Chore: TypeAlias = RemoveRequest | Label | BackupRequest
"""What is done to the history, not to a script."""

Request: TypeAlias = RunRequest | CancelRequest | StopRequest | Chore

_REMOVED_AT_ONCE = 1000

_KINDS: dict[str, type[Request]] = {
    kind.kind: kind
    for kind in (
        RunRequest,
        CancelRequest,
        StopRequest,
        RemoveRequest,
        MarkRequest,
        TagRequest,
        NoteRequest,
        BackupRequest,
    )
}


def remove_requests(executions: Sequence[str]) -> list[RemoveRequest]:
    """What asks to remove all of these, in requests that each are done with soon."""
    return [
        RemoveRequest(new_id(), list(executions[start : start + _REMOVED_AT_ONCE]))
        for start in range(0, len(executions), _REMOVED_AT_ONCE)
    ]


def encode(request: Request) -> bytes:
    """The request as the content of its file."""
    record = {"format": FORMAT, "kind": request.kind, **asdict(request)}
    return json.dumps(record).encode("ascii")


def decode(content: bytes) -> Request:
    """Read a request file.

    Raises:
        BadRequest: it is no request that this version understands.
    """
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadRequest("not a JSON object")
    if record.pop("format", None) != FORMAT:
        raise BadRequest(f"not of format {FORMAT}: written by another version of stepflow")
    kind = _KINDS.get(str(record.pop("kind", None)))
    if kind is None:
        raise BadRequest("of no kind that this version knows")
    return _checked(kind, record)


def _checked(kind: type[Request], record: dict[str, Any]) -> Request:
    for name, value in record.items():
        accepts = _TYPES.get(name)
        if accepts is None or not accepts(value):
            raise BadRequest(f"field {name!r} is unknown or of the wrong type")
    try:
        request = kind(**record)
    except TypeError as error:
        raise BadRequest(str(error)) from error
    if isinstance(request, RunRequest) and not request.command:
        raise BadRequest("the command is empty")
    return request


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_id(value)


def _is_text(value: object, errors: str = "strict") -> bool:
    return isinstance(value, str) and "\0" not in value and _is_utf8(value, errors)


def _is_utf8(text: str, errors: str) -> bool:
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def _is_bytes(value: object) -> bool:
    """Whether it is text that stands for bytes of the system, as `os.fsdecode` makes it."""
    return _is_text(value, "surrogateescape")


def _is_pairs(value: object) -> bool:
    return isinstance(value, dict) and all(
        _is_bytes(name) and _is_bytes(item) for name, item in value.items()
    )


def _is_environment(value: object) -> bool:
    return _is_pairs(value) and isinstance(value, dict) and not any("=" in name for name in value)


def _is_chosen_environment(value: object) -> bool:
    """As the whole environment, which may have an empty name: `=x` is passed on by any program."""
    return _is_environment(value) and isinstance(value, dict) and "" not in value


def _is_metadata(value: object) -> bool:
    return isinstance(value, dict) and all(
        _is_utf8(name, "strict") and is_storable(item) for name, item in value.items()
    )


def is_storable(value: object) -> bool:
    """Whether a value of metadata can be kept and shown: UTF-8, 64 bits, finite."""
    match value:
        case str():
            return _is_utf8(value, "strict")
        case float():
            return math.isfinite(value)
        case bool():
            return True
        case _:
            return _is_whole(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def is_tag(value: object) -> bool:
    """Whether it can be put on an execution: neither empty nor too long."""
    return _is_text(value) and isinstance(value, str) and bool(value) and len(value) <= MAX_TAG


def is_note(value: object) -> bool:
    """Whether it can be written on an execution: UTF-8, and not too long."""
    return _is_text(value) and isinstance(value, str) and len(value.encode()) <= MAX_NOTE


def _is_limits(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= LIMITS
        and all(_is_whole(item) and (item > 0 or name == "nice") for name, item in value.items())
    )


def _is_rlimits(value: object) -> bool:
    return isinstance(value, dict) and all(
        name in RLIMITS and isinstance(pair, list) and len(pair) == 2 and all(map(_is_whole, pair))
        for name, pair in value.items()
    )


def _is_size(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_is_whole(length) and 0 < length <= MAX_TTY_LENGTH for length in value)
    )


def is_timeout(value: object) -> bool:
    """Whether it is a number of seconds that an execution may be given."""
    # No comparison with NaN is true.
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value <= MAX_TIMEOUT_S
    )


_TYPES: dict[str, Callable[[Any], bool]] = {
    "id": _is_id,
    "execution": _is_id,
    "executions": lambda value: isinstance(value, list) and all(map(_is_id, value)),
    "command": lambda value: isinstance(value, list) and all(map(_is_bytes, value)),
    "cwd": _is_bytes,
    "name": _is_text,
    "user": _is_text,
    "environment": _is_environment,
    "env": _is_chosen_environment,
    "tags": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "add": lambda value: isinstance(value, list) and all(map(is_tag, value)),
    "remove": lambda value: isinstance(value, list) and all(map(is_tag, value)),
    "note": is_note,
    "metadata": _is_metadata,
    "created_at": lambda value: _is_whole(value) and 0 <= value < _YEAR_10000,
    "umask": lambda value: _is_whole(value) and 0 <= value <= 0o777,
    "timeout_s": lambda value: value is None or is_timeout(value),
    "rerun_of": lambda value: value is None or _is_whole(value),
    "secrets": lambda value: isinstance(value, list) and all(map(_is_bytes, value)),
    "limits": _is_limits,
    "rlimits": _is_rlimits,
    "nice": lambda value: _is_whole(value) and -20 <= value <= 19,
    "processors": lambda value: (
        isinstance(value, list) and all(_is_whole(item) and 0 <= item < 2**16 for item in value)
    ),
    "kill_leftovers": lambda value: isinstance(value, bool),
    "added_env": lambda value: isinstance(value, bool),
    "tty_size": lambda value: value is None or _is_size(value),
    "caller_size": lambda value: value is None or _is_size(value),
    "shell": lambda value: isinstance(value, bool),
    "tty": lambda value: isinstance(value, bool),
    "force": lambda value: isinstance(value, bool),
    "leftovers": lambda value: isinstance(value, bool),
    "marked": lambda value: isinstance(value, bool),
    "path": lambda value: _is_bytes(value) and value.startswith("/"),
    "cancel_all": lambda value: isinstance(value, bool),
}
