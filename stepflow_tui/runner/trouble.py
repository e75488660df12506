"""What keeps the runner from its work, told where clients see it even on a full disk."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Trouble:
    """The causes of trouble that are there now, each with its sentence."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell` is called with all sentences, or an empty text, whenever they change."""
        self._tell = tell
        self._sentences: dict[str, str] = {}

    def note(self, cause: str, sentence: str) -> None:
        """There is trouble of this cause; what was said of it before is forgotten."""
        if self._sentences.get(cause) == sentence:
            return
        if cause not in self._sentences:
            _log.warning("%s", sentence)
        self._sentences[cause] = sentence
        self._tell("; ".join(self._sentences.values()))

    def over(self, cause: str) -> None:
        """There is no trouble of this cause, or none any more."""
        if self._sentences.pop(cause, None) is not None:
            _log.info("over: %s", cause)
            self._tell("; ".join(self._sentences.values()))
