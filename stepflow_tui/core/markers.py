"""The marker lines that a script prints: `STEP_START:Build [duration=90]` and its kin.

A marker stands at the start of its line, in upper case. Before it there may be blanks, colours, a
BuildKit prefix (`#12 3.456 `) and an ISO timestamp; after its text there may be parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from stepflow_tui.core import parameters
from stepflow_tui.core.artifact_names import plain_path
from stepflow_tui.core.durations import bounded_seconds, parse_duration
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.text import cell_width, clean, clean_line, is_plain
from stepflow_tui.core.visible import raw_parts, visible_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.models import Metadata

MAX_LINE = 64 * 1024
"""A longer line, in bytes, is never a marker."""

MAX_NAME = 256
"""Characters of a step's name that are kept."""

MARKER_HINT = lazy_pattern(
    # A search that starts with one byte is a memchr; the first look behind sorts most colons out.
    rb":(?<=[AERT]:)(?:(?<=META:)|(?<=STEP_START:)|(?<=STEP_COMPLETE:)|(?<=STEP_ERROR:)|(?<=ARTIFACT:))"
)
"""Matches right after each keyword; a chunk without a match holds no marker."""

_MARKER = lazy_pattern(
    rb"(?:[ \t]|\xef\xbb\xbf"
    rb"|\x1b\[[0-9;:]*+m|\x1b\(B"  # colours; `tput sgr0` prints both
    rb"|#[0-9]++ [0-9]++\.[0-9]++[ ]"  # BuildKit
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    rb"(?:Z|[+-][0-9]{2}:?[0-9]{2})?(?=[ \t\x1b])"
    rb")*(STEP_START|STEP_COMPLETE|STEP_ERROR|ARTIFACT|META):"
)
_HIDES = lazy_pattern(rb"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\xff]|\r(?!\Z)")
"""In each line whose visible text may begin elsewhere than the line."""

_NUMBER = r"([0-9]++(?:\.[0-9]*+)?|\.[0-9]++)"
_PROGRESS = lazy_pattern(rf"{_NUMBER}\s*+(?:%|/\s*+{_NUMBER})?")
_EXCERPT = 80


class StepStart(Struct, frozen=True):
    """A step begins.

    Attributes:
        estimated_s: how long the script expects it to take.
        timeout_s: more than this and the step is timed out.
        stop_on_error: an error of the step stops the whole execution.
    """

    name: str
    estimated_s: float | None = None
    timeout_s: float | None = None
    stop_on_error: bool = False
    metadata: Metadata = field(default_factory=dict)


class StepComplete(Struct, frozen=True):
    """The latest step of this name that is not explicitly ended is complete."""

    name: str
    metadata: Metadata = field(default_factory=dict)


class StepError(Struct, frozen=True):
    """The current step failed.

    Attributes:
        stop_on_error: whether the execution stops; None leaves it to the step's own setting.
    """

    text: str
    stop_on_error: bool | None = None
    metadata: Metadata = field(default_factory=dict)


class ArtifactMarker(Struct, frozen=True):
    """A file, directory or glob, relative to the working directory, is to be collected.

    Attributes:
        path: what stands before the first colon; lone surrogates stand for bytes that are no UTF-8.
        given: all that stands behind the keyword, to the byte: see `artifact_names.readings`.
    """

    path: str
    description: str | None = None
    type: str | None = None
    metadata: Metadata = field(default_factory=dict)
    given: str = ""


class Meta(Struct, frozen=True):
    """A fact about the current step, or else about the execution."""

    key: str
    value: str


class Malformed(Struct, frozen=True):
    """A line that is meant as a marker and cannot be one.

    Attributes:
        reason: what is wrong, in one sentence that quotes the beginning of the line.
    """

    reason: str


Marker: TypeAlias = StepStart | StepComplete | StepError | ArtifactMarker | Meta | Malformed


class _MarkerError(Exception):
    """What is wrong with a marker, without the line."""


def parse_line(line: bytes) -> Marker | None:
    """Reads one line, without its newline; None for an ordinary log line.

    The marker stands at the beginning of the line as it is visible, or as it was written. Of a line
    longer than `MAX_LINE` only the last part counts, if that is no longer.
    """
    if len(line) > MAX_LINE:
        line = last_part(line[-MAX_LINE:])
    if not is_plain(line) and _HIDES.search(line):
        marker = _parse_visible(line)
        if marker is not None:
            return marker
    match = _MARKER.match(line)
    return None if match is None else _parse(match[1], line[match.end() :])


def last_part(tail: bytes) -> bytes:
    """Of the end of a longer line the last raw part that is whole and not empty, or nothing."""
    parts = [part for part in raw_parts(tail)[1:] if part.strip(b"\r")]
    return parts[-1] if parts else b""


def _parse_visible(line: bytes) -> Marker | None:
    text = _seen(clean(visible_rows(line)[0]))
    match = _MARKER.match(text.encode("utf-8", "replace"))
    if match is None:
        return None
    rest = match.string[match.end() :]
    keyword, wanted = match[1] + b":", clean_line(rest.decode()).strip()
    if keyword not in line:
        return None  # as `MARKER_HINT` has it
    # To the byte, where it stands so in what was written.
    for place in {line.find(keyword), line.rfind(keyword)}:
        raw = line[place + len(keyword) :]
        if clean_line(raw.decode("utf-8", "replace")).strip() == wanted:
            return _parse(match[1], raw)
    return _parse(match[1], rest)


def _seen(text: str) -> str:
    """The text from the first character on that takes a cell."""
    start = next((at for at, character in enumerate(text) if cell_width(character)), 0)
    return text[start:]


def _parse(keyword: bytes, raw: bytes) -> Marker:
    text = clean_line(raw.decode("utf-8", "replace")).strip()
    try:
        marker = _PARSERS[keyword](text)
        return _to_the_byte(marker, raw) if isinstance(marker, ArtifactMarker) else marker
    except _MarkerError as problem:
        return Malformed(f'{problem}: "{_cut(f"{keyword.decode()}:{text}", _EXCERPT)}"')


def _to_the_byte(marker: ArtifactMarker, raw: bytes) -> ArtifactMarker:
    given = raw.decode("utf-8", "surrogateescape")
    return replace(marker, path=plain_path(given) or marker.path, given=given)


def is_marker_line(line: bytes) -> bool:
    """Whether the line is a well-formed marker."""
    return not isinstance(parse_line(line), Malformed | None)


def parse_progress(text: str) -> float | None:
    """Reads `42%`, `42`, `42.5%` or `3/10` as a share from 0.0 to 1.0; None if it is none."""
    match = _PROGRESS.fullmatch(text.strip())
    if match is None:
        return None
    whole = float(match[2] or 100)
    share = float(match[1]) / whole if whole > 0 else -1.0
    return share if 0.0 <= share <= 1.0 else None


def parse_seconds(text: str) -> float | None:
    """Reads a duration such as `300`, `90s` or `5m` as seconds; None if it is none.

    More than `MAX_SECONDS` count as that many.
    """
    try:
        return bounded_seconds(parse_duration(text))
    except ValueError:
        return None


def _step_start(text: str) -> StepStart:
    name, given = parameters.split(text)
    return StepStart(
        name=_name(name),
        estimated_s=_seconds(given.pop("duration", None), "duration"),
        timeout_s=_timeout(given.pop("timeout", None)),
        stop_on_error=_switch(given.pop("stop_on_error", None)) or False,
        metadata=_metadata(given),
    )


def _step_complete(text: str) -> StepComplete:
    name, given = parameters.split(text)
    return StepComplete(name=_name(name), metadata=_metadata(given))


def _step_error(text: str) -> StepError:
    error, given = parameters.split(text)
    stop = _switch(given.pop("stop_on_error", None))
    return StepError(error or "step failed", stop_on_error=stop, metadata=_metadata(given))


def _artifact(text: str) -> ArtifactMarker:
    text, given = parameters.split(text)
    path, _, description = text.partition(":")
    return ArtifactMarker(
        path=_required(path.strip(), "a path"),
        description=description.strip() or None,
        type=parameters.unquoted(given.pop("type", "")) or None,
        metadata=_metadata(given),
    )


def _meta(text: str) -> Meta:
    key, colon, value = (part.strip() for part in text.partition(":"))
    if not colon:
        raise _MarkerError("META needs a key and a value, META:key:value")
    if key == "PROGRESS" and parse_progress(value) is None:
        raise _MarkerError("PROGRESS must be a percentage like 42% or a share like 3/10")
    if key == "ESTIMATED_DURATION" and parse_seconds(value) is None:
        raise _MarkerError("ESTIMATED_DURATION must be a number of seconds, or like 90s, 5m, 2h")
    return Meta(_required(key, "a key"), value)


_PARSERS: dict[bytes, Callable[[str], Marker]] = {
    b"STEP_START": _step_start,
    b"STEP_COMPLETE": _step_complete,
    b"STEP_ERROR": _step_error,
    b"ARTIFACT": _artifact,
    b"META": _meta,
}


def _name(text: str) -> str:
    return _cut(_required(text, "a name"), MAX_NAME)


def _required(text: str, what: str) -> str:
    if not text:
        raise _MarkerError(f"the marker lacks {what}")
    return text


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 1]}…"


def _seconds(raw: str | None, key: str) -> float | None:
    if raw is None:
        return None
    seconds = parse_seconds(parameters.unquoted(raw))
    if seconds is None:
        raise _MarkerError(f"{key} must be a number of seconds, or like 90s, 5m, 2h")
    return seconds


def _timeout(raw: str | None) -> float | None:
    seconds = _seconds(raw, "timeout")
    if seconds == 0:
        raise _MarkerError("timeout must be more than 0 seconds")
    return seconds


def _switch(raw: str | None) -> bool | None:
    if raw is None:
        return None
    value = parameters.typed(parameters.unquoted(raw))
    if not isinstance(value, bool):
        raise _MarkerError("stop_on_error must be true or false")
    return value


def _metadata(given: dict[str, str]) -> Metadata:
    return {key: parameters.typed(raw) for key, raw in given.items()}
