"""Options that are more than a word: pairs, durations and sizes."""

from __future__ import annotations

import click

from stepflow_tui.core.durations import parse_duration, parse_size


class Pair(click.ParamType[tuple[str, str]]):
    """`NAME=VALUE`; the value may be empty and may hold further equals signs."""

    name = "pair"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first equals sign."""
        name, separator, text = value.partition("=")
        if not separator or not name:
            self.fail(f"{value!r} is not of the form NAME=VALUE", param, ctx)
        return name, text


class Duration(click.ParamType[float]):
    """`90s`, `5m`, `2h`; seconds where no unit is given."""

    name = "duration"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it as seconds."""
        try:
            return parse_duration(str(value))
        except ValueError as problem:
            self.fail(f"{value!r}: {problem}", param, ctx)


class TerminalSize(click.ParamType[list[int]]):
    """`120x40`: columns and rows."""

    name = "terminal size"

    def convert(
        self, value: str | list[int], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        """Read it as columns and rows."""
        if isinstance(value, list):
            return value
        from stepflow_tui.requests.terminal_size import parse_terminal_size

        try:
            return parse_terminal_size(value)
        except ValueError as problem:
            self.fail(f"{value!r}: {problem}", param, ctx)


class Size(click.ParamType[int]):
    """`500`, `20k`, `1.5GB`, `64MiB`; bytes where no unit is given."""

    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read it as bytes."""
        try:
            return parse_size(str(value))
        except ValueError as problem:
            self.fail(f"{value!r}: {problem}", param, ctx)
        except OverflowError:
            self.fail(f"{value!r} is too large", param, ctx)
