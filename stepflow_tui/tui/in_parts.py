"""Widgets that are written in parts, each a class of its own that builds on those before."""

from __future__ import annotations


class InParts:
    """Base of what is written in parts.

    Textual looks through all ancestors of each class, which takes a third of a millisecond; of
    these classes only the last one, the whole, is ever made a widget of.
    """

    def __init_subclass__(cls, *, is_whole: bool = False) -> None:
        """Leave it to the whole to look through the others.

        Args:
            is_whole: it is the last one.
        """
        if is_whole:
            super().__init_subclass__()
