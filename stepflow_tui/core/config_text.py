"""Reading a configuration from TOML text, with a sentence for each mistake."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from stepflow_tui.core.config import COLUMNS, Config, Notify, Origin
from stepflow_tui.core.durations import parse_duration
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader: TypeAlias = Callable[[object], object]

_MAX_FPS = 120
_TABLE = lazy_pattern(r"\s*\[\[?([^\[\]]+)\]")
_ENTRY = lazy_pattern(r"\s*([^=#\[\]]+?)\s*=")
_AT_LINE = lazy_pattern(r" \(at line (\d+), column \d+\)")
_COMMA = "comma"
_ITEM = lazy_pattern(r"[^\x00-\x1f\x7f]+")


def line_of(text: str, wanted: str) -> int | None:
    """The line on which this entry, or else its table, begins."""
    table, of_table = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _TABLE.match(line)) is not None:
            table = f"{_bare(header[1])}."
            of_table = number if f"{wanted}.".startswith(table) else of_table
        elif (entry := _ENTRY.match(line)) is not None:
            name = f"{table}{_bare(entry[1])}"
            if wanted == name or wanted.startswith(f"{name}."):
                return number
    return of_table


def _bare(key: str) -> str:
    """A key as TOML writes it, without quotes and blanks."""
    return re.sub(r"[\s\"']", "", key)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - a wrong value, whatever its type
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a name in quotes")
    return value.strip()


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(f'"{word}"' for word in words))
        return str(value)

    return read


def _list(value: object, what: str) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    if items != value or not all(isinstance(item, str) and _ITEM.fullmatch(item) for item in items):
        raise ValueError(f"a list of {what} in quotes")
    return tuple(items)


def _columns(value: object) -> tuple[str, ...]:
    allowed = f"one or more of {', '.join(COLUMNS)}, each once"
    columns = _list(value, allowed)
    if not columns or len(set(columns)) < len(columns) or not set(columns) <= set(COLUMNS):
        raise ValueError(f"a list of {allowed}")
    return columns


def _command(value: object) -> tuple[str, ...]:
    return _list(value, "a command and its arguments")


def _fps(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_FPS:
        raise ValueError(f"a number of frames per second from 1 to {_MAX_FPS}")
    return value


def _duration(value: object) -> float:
    allowed = 'a time such as 30 or "5m"'
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(allowed)  # noqa: TRY004 - as above
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise ValueError(allowed) from error


def _keys(value: object) -> tuple[str, ...]:
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise ValueError('a key such as "ctrl+x", or a list of keys')
    parts = [part.strip() for key in keys for part in (_COMMA if key == "," else key).split(",")]
    if not all(parts):
        raise ValueError('a key such as "ctrl+x", or a list of keys')
    return tuple(parts)


ENTRIES: Mapping[str, Reader] = {
    "theme": _word,
    "ascii": _switch,
    "columns": _columns,
    "fps": _fps,
    "remember": _switch,
}
"""What reads each entry of the configuration, but for its tables."""

NOTIFY_ENTRIES: Mapping[str, Reader] = {
    "bell": _switch,
    "desktop": _one_of("auto", "osc9", "osc777", "off"),
    "title": _switch,
    "progress": _one_of("auto", "on", "off"),
    "tmux": _switch,
    "min_duration": _duration,
    "command": _command,
}
"""What reads each entry of the table `notify`."""


def parse_config(text: str, file: str) -> Config:
    """Reads a configuration.

    Args:
        text: TOML.
        file: its name, to tell what is wrong.

    Raises:
        UsageProblem: it is no TOML, or a name or a value in it is not known.
    """
    import tomllib

    origin = Origin(file, text)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(file, str(error)) from error
    except RecursionError as error:
        raise UsageProblem(f"{file}: this is nested too deeply to be a configuration") from error
    except ValueError as error:  # a number with thousands of digits
        raise UsageProblem(f"{file}: a number in it is too long") from error
    keys = _table(origin, found, "keys")
    notify = _table(origin, found, "notify")
    return Config(
        **_values(ENTRIES, origin, found, ()),
        keys={name: _value(origin, ("keys", name), keys[name], _keys) for name in keys},
        notify=Notify(**_values(NOTIFY_ENTRIES, origin, notify, ("notify",))),
        origin=origin,
    )


def _not_toml(file: str, message: str) -> UsageProblem:
    line = _AT_LINE.search(message)
    reason = _AT_LINE.sub("", message)
    return UsageProblem(f"{file}{f', line {line[1]}' if line else ''}: this is no TOML: {reason}")


def _table(origin: Origin, found: dict[str, Any], name: str) -> dict[str, Any]:
    table = found.pop(name, {})
    if not isinstance(table, dict):
        raise origin.problem((name,), f"{name} is a table: write [{name}]")
    return table


def _values(
    readers: Mapping[str, Reader], origin: Origin, found: dict[str, Any], path: tuple[str, ...]
) -> dict[str, Any]:
    allowed = [*readers, *([] if path else ["keys", "notify"])]
    for name in found:
        if name not in readers:
            where = ".".join((*path, name))
            raise origin.problem(
                (*path, name), f"there is no {where}; allowed are {', '.join(allowed)}"
            )
    return {name: _value(origin, (*path, name), found[name], readers[name]) for name in found}


def _value(
    origin: Origin, path: tuple[str, ...], value: object, read: Callable[[object], Any]
) -> Any:  # noqa: ANN401 - what the reader makes of it
    try:
        return read(value)
    except ValueError as error:
        raise origin.problem(path, f"{'.'.join(path)} must be {error}") from error
