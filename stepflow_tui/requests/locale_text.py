"""Arguments, paths and variables, which are bytes: as our locale reads them, and as the runner.

The runner and the store read all of them as UTF-8, whatever locale a client has, so that nobody
else has to know it.
"""

from __future__ import annotations

import os
import sys

_IS_UTF8 = sys.getfilesystemencoding() == "utf-8"


def to_runner(text: str) -> str:
    """What our locale has read, as the runner reads the same bytes."""
    if _IS_UTF8:
        return text
    try:
        return os.fsencode(text).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # it was not read, but typed or made here
        return text


def from_runner(text: str) -> str:
    """What the runner has read, as our locale reads the same bytes."""
    return text if _IS_UTF8 else os.fsdecode(text.encode("utf-8", "surrogateescape"))
