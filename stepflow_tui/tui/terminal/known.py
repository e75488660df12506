"""Whether what is private to Textual is as we know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType


def parameters(function: object) -> tuple[str, ...]:
    """The names of a function's parameters; none if that cannot be told.

    `inspect.signature` would take as long as the first frame does.
    """
    code: CodeType | None = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    return () if code is None else code.co_varnames[: code.co_argcount]


def are_known(shapes: Iterable[tuple[object, tuple[str, ...]]]) -> bool:
    """Whether these functions have the parameters that we know them by."""
    return all(parameters(function) == names for function, names in shapes)
