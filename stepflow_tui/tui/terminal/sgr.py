"""The shortest way from one look of the terminal's pen to another.

A look is what stands between `ESC [` and `m` to get it from a reset pen, as Textual writes it:
attributes, then the colour of the text, then that of the ground; empty for a reset pen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

RESET = "\x1b[m"
_EXTENDED_COLOUR = {"2": 5, "5": 3}
"""How many numbers a colour takes, by its second number."""


class _Parts(NamedTuple):
    attributes: tuple[str, ...]
    text: str
    ground: str


@lru_cache(maxsize=4096)
def change(before: str, after: str) -> str:
    """What turns a pen of the look `before` into one of the look `after`."""
    if before == after:
        return ""
    if not after:
        return RESET
    anew = f"\x1b[0;{after}m" if before else f"\x1b[{after}m"
    old, new = _parts(before), _parts(after)
    if not set(old.attributes) <= set(new.attributes):
        return anew
    codes = [attribute for attribute in new.attributes if attribute not in old.attributes]
    if new.text != old.text:
        codes.append(new.text or "39")
    if new.ground != old.ground:
        codes.append(new.ground or "49")
    return min(f"\x1b[{';'.join(codes)}m", anew, key=len)


def _parts(look: str) -> _Parts:
    numbers = look.split(";") if look else []
    attributes: list[str] = []
    text = ground = ""
    while numbers:
        size = _EXTENDED_COLOUR[numbers[1]] if numbers[0] in ("38", "48") else 1
        code, numbers = ";".join(numbers[:size]), numbers[size:]
        if code.startswith(("3", "9")) and (size > 1 or len(code) == 2):
            text = code
        elif (code.startswith("4") and (size > 1 or len(code) == 2)) or code.startswith("10"):
            ground = code
        else:
            attributes.append(code)
    return _Parts(tuple(attributes), text, ground)
