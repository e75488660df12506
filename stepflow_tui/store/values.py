"""Values on their way into a query and out of a row, whatever they are.

SQLite keeps any type in any column, so somebody may have put a BLOB where a text belongs. What
can be shown is shown; what makes no sense at all is damage, and raises `ValueError`.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST = 2**63 - 1
_TYPES_KEPT: Final = 1_000


def bindable(parameters: Sequence[object]) -> tuple[object, ...]:
    """Parameters that SQLite takes, and that find what the given ones mean.

    A text with lone surrogates, as of an argument that is no UTF-8, becomes the bytes by which the
    database knows it; a number beyond 64 bits becomes the largest there is.
    """
    return tuple(_bindable(parameter) for parameter in parameters)


def _bindable(value: object) -> object:
    if isinstance(value, str):
        return value if value.isascii() else _encoded(value)
    if isinstance(value, int):
        return max(-_LARGEST, min(value, _LARGEST))
    return value


def _encoded(text: str) -> str | bytes:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


class Kind(Enum):
    """What belongs into a column; `maybe` stands for NULL beside it."""

    TEXT = "text"
    MAYBE_TEXT = "maybe text"
    PATH = "path"
    MAYBE_PATH = "maybe path"
    INTEGER = "integer"
    MAYBE_INTEGER = "maybe integer"
    MAYBE_NUMBER = "maybe number"
    BLOB = "blob"
    MAYBE_BLOB = "maybe blob"


_NULLABLE = frozenset(
    {
        Kind.MAYBE_TEXT,
        Kind.MAYBE_PATH,
        Kind.MAYBE_INTEGER,
        Kind.MAYBE_NUMBER,
        Kind.MAYBE_BLOB,
    },
)
_SOUND: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.MAYBE_TEXT: (str,),
    Kind.PATH: (str, bytes),
    Kind.MAYBE_PATH: (str, bytes),
    Kind.INTEGER: (int,),
    Kind.MAYBE_INTEGER: (int,),
    Kind.MAYBE_NUMBER: (int, float),
    Kind.BLOB: (bytes,),
    Kind.MAYBE_BLOB: (bytes,),
}


class Columns(Struct):
    """What belongs into each column of a row."""

    kinds: tuple[Kind, ...]
    _sound: set[tuple[type, ...]] = field(default_factory=set)

    def checked(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """The row, with a value of the right type in each column.

        Raises:
            ValueError: a number that has to be there is none, or bytes are none.
        """
        types = tuple(map(type, row))
        if types in self._sound:  # nearly always: rows have few combinations of types
            return row
        checked = tuple(map(_checked, self.kinds, row))
        if checked == row and len(self._sound) < _TYPES_KEPT:
            self._sound.add(types)
        return checked


def _checked(kind: Kind, value: object) -> object:
    if isinstance(value, _SOUND[kind]) or (value is None and kind in _NULLABLE):
        return value
    if kind in (Kind.TEXT, Kind.MAYBE_TEXT, Kind.PATH, Kind.MAYBE_PATH):
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    if kind is Kind.INTEGER:
        raise ValueError(f"{value!r:.40} stands where a whole number belongs")
    if kind in (Kind.BLOB, Kind.MAYBE_BLOB):
        raise ValueError(f"{value!r:.40} stands where bytes belong")
    return None


def json_list(text: str) -> list[Any]:
    """A list from its JSON.

    Raises:
        ValueError: it is none.
    """
    return _json(text, list) if text != "[]" else []


def json_object(text: str) -> dict[str, Any]:
    """An object from its JSON.

    Raises:
        ValueError: it is none.
    """
    return _json(text, dict) if text != "{}" else {}  # as most are


def _json(text: str, wanted: type[Any]) -> Any:  # noqa: ANN401 - of the type that was asked for
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    if not isinstance(found, wanted):
        raise ValueError(f"{text!r:.40} is no {wanted.__name__}")  # noqa: TRY004 - of the text
    return found


def strings(text: str) -> list[str]:
    """A list of texts from its JSON; what else is in it is written as text.

    Raises:
        ValueError: it is none.
    """
    return [item if isinstance(item, str) else json.dumps(item) for item in json_list(text)]
