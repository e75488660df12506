"""What a terminal sends that is no text."""

from __future__ import annotations

import codecs
from functools import partial
from typing import TYPE_CHECKING

from textual.drivers import linux_driver

if TYPE_CHECKING:
    from collections.abc import Callable


def take_any_bytes() -> None:
    """Have bytes that are not UTF-8 read as `U+FFFD`.

    Textual ends with a traceback at the first of them: a text in another encoding that is pasted,
    a terminal that sends meta as the eighth bit, or noise on the line would close the dashboard.
    """
    vars(linux_driver)["getincrementaldecoder"] = _forgiving


def _forgiving(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
