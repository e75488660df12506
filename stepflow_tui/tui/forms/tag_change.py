"""A change of tags, as it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.labels import checked_tags
from stepflow_tui.tui.forms.run_form import typed_words

if TYPE_CHECKING:
    from collections.abc import Sequence

TagChange: TypeAlias = tuple[list[str], list[str]]
"""Tags to be put on, and tags to be taken away."""


def read_change(text: str, known: Sequence[str]) -> TagChange:
    """What a line that began with the known tags makes of them.

    A tag that is not in it any more is taken away. As on the command line `+new` puts one on and
    `-old` takes one away; where nothing else stands there, all others stay.

    Raises:
        UsageProblem: a quote is not closed, or one cannot be a tag.
    """
    shown = {clean_line(tag): tag for tag in known}
    words = typed_words(text)
    plain = [word for word in words if word in shown or word[:1] not in ("+", "-")]
    signed = [word for word in words if word not in plain]
    put, taken = (
        checked_tags(shown.get(word[1:], word[1:]) for word in signed if word[:1] == sign)
        for sign in "+-"
    )
    kept = known if signed and not plain else checked_tags(shown.get(tag, tag) for tag in plain)
    wanted = [tag for tag in dict.fromkeys((*kept, *put)) if tag not in taken]
    gone = [tag for tag in known if tag not in wanted]
    return [tag for tag in wanted if tag not in known], list(dict.fromkeys((*gone, *taken)))
