"""What can be chosen by name in the configuration: themes, and actions that have keys."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.theme import BUILTIN_THEMES

import stepflow_tui.tui
from stepflow_tui.tui.theme.themes import THEMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from stepflow_tui.core.config import Config

PREFIX = "stepflow."


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


def keymap(config: Config) -> dict[str, str]:
    """The keys of the configuration as Textual takes them: by id, with commas."""
    return {
        PREFIX + name.removeprefix(PREFIX): ",".join(keys) for name, keys in config.keys.items()
    }
