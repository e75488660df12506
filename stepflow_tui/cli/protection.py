"""Options of `run` and `rerun` that keep a script within limits, and its secrets out of sight."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from msgspec import Struct

from stepflow_tui.cli.parsing import Duration, Size
from stepflow_tui.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.requests.request import RunRequest
    from stepflow_tui.requests.secrets import Secrets

R = TypeVar("R")


class Protection(Struct, frozen=True):
    """What these options say.

    Attributes:
        secret_names: of variables whose values are secrets.
        secret_files: files of which each is a secret.
        limits: those that were given: bytes, whole seconds, the niceness.
        kill_leftovers: background processes that the script leaves are stopped.
    """

    secret_names: tuple[str, ...]
    secret_files: tuple[Path, ...]
    limits: dict[str, int]
    kill_leftovers: bool


def with_protection(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command these options, and its function what they say as `protection`."""

    @click.option(
        "--secret",
        "secret_names",
        multiple=True,
        metavar="NAME",
        help="Hide the value of this variable, given with -e or inherited",
    )
    @click.option(
        "--secret-file",
        "secret_files",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="PATH",
        help="Hide the text in this file",
    )
    @click.option(
        "--limit-memory", "memory", type=Size(), metavar="SIZE", help="Memory of each process"
    )
    @click.option(
        "--limit-cpu", "cpu", type=Duration(), metavar="TIME", help="CPU time of each process"
    )
    @click.option(
        "--limit-file-size",
        "file_size",
        type=Size(),
        metavar="SIZE",
        help="Size of each file that it writes",
    )
    @click.option("--nice", type=int, metavar="N", help="Niceness, from -20 to 19")
    @click.option("--kill-leftovers", is_flag=True, help="Stop what it leaves in the background")
    @functools.wraps(function)
    def call(
        *args: object,
        secret_names: tuple[str, ...],
        secret_files: tuple[Path, ...],
        memory: int | None,
        cpu: float | None,
        file_size: int | None,
        nice: int | None,
        kill_leftovers: bool,
        **options: object,
    ) -> R:
        limits = {"memory": memory, "cpu": cpu, "file_size": file_size, "nice": nice}
        given = {name: math.ceil(limit) for name, limit in limits.items() if limit is not None}
        protection = Protection(secret_names, secret_files, given, kill_leftovers)
        return function(*args, protection=protection, **options)

    return call


def warn_of_secrets(secrets: Secrets, request: RunRequest) -> None:
    """Tell the user which secrets are not as safe as they should be."""
    for warning in secrets.warnings(request):
        say(warning)
