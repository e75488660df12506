"""What can be chosen by name in the configuration: themes, and actions that have keys."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key
from textual.theme import BUILTIN_THEMES

import stepflow_tui.tui
from stepflow_tui.tui.theme.themes import THEMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from stepflow_tui.core.config import Config

PREFIX = "stepflow."
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_NAMES = frozenset(
    {key.value.rpartition("+")[2] for key in Keys} | {*KEY_NAME_REPLACEMENTS.values()}
)


def theme_names() -> list[str]:
    """Our own themes, then those of Textual."""
    return [*(theme.name for theme in THEMES), *BUILTIN_THEMES]


def binding_ids() -> set[str]:
    """The ids of all bindings of the dashboard, without their common prefix."""
    ids = (binding.id or "" for module in _modules() for binding in _bindings(module))
    return {id_.removeprefix(PREFIX) for id_ in ids if id_.startswith(PREFIX)}


def _modules() -> Iterator[ModuleType]:
    import importlib
    import pkgutil

    package = stepflow_tui.tui
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        with suppress(ImportError):  # what it needs is an extra that is not installed
            yield importlib.import_module(module.name)


def _bindings(module: ModuleType) -> Iterator[Binding]:
    for thing in vars(module).values():
        bindings = getattr(thing, "BINDINGS", ()) if isinstance(thing, type) else ()
        yield from (binding for binding in bindings if isinstance(binding, Binding))


def check_choices(config: Config) -> None:
    """See whether all names mean something.

    Raises:
        UsageProblem: one does not.
    """
    if config.theme not in theme_names():
        allowed = ", ".join(theme_names())
        raise config.problem(
            ("theme",), f'there is no theme "{config.theme}"; allowed are {allowed}'
        )
    if config.keys:
        _check_keys(config)


def _check_keys(config: Config) -> None:
    from difflib import get_close_matches

    known = binding_ids()
    for name in config.keys:
        if name.removeprefix(PREFIX) not in known:
            near = get_close_matches(name.removeprefix(PREFIX), known) or sorted(known)
            raise config.problem(
                ("keys", name), f'there is no action "{name}"; allowed are {", ".join(near)}'
            )
        for key in config.keys[name]:
            if not is_key(key):
                raise config.problem(
                    ("keys", name),
                    f'there is no key "{key}"; they are written x, ctrl+x, f5, slash',
                )


def is_key(key: str) -> bool:
    """Whether a key is called so: one that nobody can press would be an action without any."""
    *modifiers, name = _named(key).split("+")
    if not _MODIFIERS.issuperset(modifiers):
        return False
    return len(name) == 1 or name in _NAMES or _is_character(name)


def _is_character(name: str) -> bool:
    try:
        return bool(unicodedata.lookup(name.replace("_", " ")))
    except KeyError:
        return False


def _named(key: str) -> str:
    """A sign such as `/` by the name that Textual has for its key."""
    modifiers, name = key[:-1], key[-1:]
    if not name or name.isalnum() or (modifiers and not modifiers.endswith("+")):
        return key
    return modifiers + _character_to_key(name)


def keymap(config: Config) -> dict[str, str]:
    """The keys of the configuration as Textual takes them: by id, with commas."""
    return {
        PREFIX + name.removeprefix(PREFIX): ",".join(map(_named, keys))
        for name, keys in config.keys.items()
    }
