"""Regular expressions that are compiled when they are first used.

Most of them are for something that a command or the first screen does not come to, and to compile
all of them takes as long as a tenth of `stepflow list`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AnyStr, cast

if TYPE_CHECKING:
    from typing import Any


class _Uncompiled:
    """Stands for a pattern, and takes its methods from it one by one."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a pattern has
        if name.startswith("_"):  # as `copy` asks for before there is a source
            raise AttributeError(name)
        found = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, found)
        return found


def lazy_pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` returns, but for its type; a wrong source fails on the first use."""
    return cast("re.Pattern[AnyStr]", _Uncompiled(source, flags))
