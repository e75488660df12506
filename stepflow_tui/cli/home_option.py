"""`--home`: which home a command works on."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from stepflow_tui.cli.default_home import default_home
from stepflow_tui.core.home import Home
from stepflow_tui.core.paths import absolute

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


class _Directory(click.Path):
    """A path that says something."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Refuse the empty path, which would be the working directory."""
        if value == "":
            self.fail("the name of the directory is empty", param, ctx)
        return super().convert(value, param, ctx)


def _remember(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.obj = Home(absolute(value))


home_option = click.option(
    "--home",
    metavar="DIR",
    type=_Directory(path_type=Path),
    expose_value=False,
    callback=_remember,
    help="Where all state lives  [default: $STEPFLOW_HOME, or the user's state directory]",
)
"""The option of the program and of each command; the last one given counts."""


def current_home(ctx: click.Context) -> Home:
    """The home that was asked for, else that of the environment, else the platform's."""
    return ctx.obj if isinstance(ctx.obj, Home) else default_home()


def with_home(function: Callable[Concatenate[Home, P], R]) -> Callable[P, R]:
    """Give a command the option `--home`, and its function the home as first argument."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(current_home(click.get_current_context()), *args, **kwargs)

    return home_option(call)
