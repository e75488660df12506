"""Which keys do what at this moment, whatever they were remapped to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.binding import Binding, BindingsMap
from textual.keys import format_key

from stepflow_tui.tui import keymap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import App
    from textual.screen import Screen

Keys = dict[str, list[str]]
"""The keys of each binding, by its id."""


def keys_here(screen: Screen[Any]) -> Keys:
    """What the keys do where the focus is."""
    found: Keys = {}
    for key, active in screen.active_bindings.items():
        if active.binding.id is not None:
            found.setdefault(active.binding.id, []).append(key)
    return found


def keys_anywhere(app: App[Any], bindings: Iterable[Binding]) -> Keys:
    """The keys of these bindings where they apply; none of one that has lost its key to another."""
    of_main = _mapped(app, keymap.SCREEN)
    found: Keys = {}
    for binding in bindings:
        own = of_main if binding in keymap.SCREEN else _mapped(app, [binding])
        found[binding.id or ""] = own.get(binding.id or "", [])
    return found


def _mapped(app: App[Any], bindings: Iterable[Binding]) -> Keys:
    """The keys of bindings of the same widget or screen."""
    mapped = BindingsMap(bindings)
    mapped.apply_keymap(app._keymap)  # noqa: SLF001 - it can be set, but not be read
    found: Keys = {}
    for key, bound in mapped:
        found.setdefault(bound.id or "", []).append(key)
    return found


def shown_keys(binding: Binding, keys: Mapping[str, list[str]]) -> str:
    """How its keys are written; empty if it has none."""
    own = keys.get(binding.id or "", [])
    if sorted(own) == sorted(one.key for one in Binding.make_bindings([binding])):
        return binding.key_display or ""
    return " ".join(map(_written, own))


def _written(key: str) -> str:
    *modifiers, name = key.split("+")
    return "+".join([*modifiers, format_key(name)])
