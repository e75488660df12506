"""Execution ids: sortable by creation time, unique, and quick to type a prefix of."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, lower case: no i, l, o, u."""

LENGTH = 26


_last = 0


def new_id() -> str:
    """A fresh id: 48 bits of milliseconds, then 80 random bits (the ULID layout, lower case).

    Ids made by one process sort in the order in which they were made.
    """
    global _last  # noqa: PLW0603 - what was given last is a fact of the process
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    if value >> 80 <= _last >> 80:
        value = _last + 1 + int.from_bytes(os.urandom(4))
    _last = value
    return "".join(_ALPHABET[value >> shift & 31] for shift in range((LENGTH - 1) * 5, -1, -5))


def is_id(text: str) -> bool:
    """Whether `text` has the form of a whole id."""
    return len(text) == LENGTH and all(letter in _ALPHABET for letter in text)
