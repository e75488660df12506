"""Texts that are hidden in all that is stored of a run: where they come from, who may see them.

The values go to the runner in the request file alone. What is stored of a variable that holds one
is its name; the value must be given again to a rerun.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.core.redaction import REDACTED, looks_secret, redacted
from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest

HIDDEN_IN_COMMAND = "a secret is hidden in its command or directory: it cannot be run again"
"""The warning on an execution of which not even the command could be stored as it was."""


class Secrets(Struct, frozen=True):
    """What is to be hidden of one run.

    Attributes:
        variables: names of the environment variables that hold secrets.
        texts: what is hidden wherever it would be stored.
        too_short: variables and files whose text is too short to be hidden.
    """

    variables: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    too_short: tuple[str, ...] = ()

    def stored(self, env: Mapping[str, str]) -> dict[str, str]:
        """The pairs that were given, and our variables, as they may be stored and shown."""
        pairs = {
            name: REDACTED if self.occur_in(value) else value
            for name, value in redacted(env).items()
        }
        return pairs | dict.fromkeys(sorted(self.variables), REDACTED)

    def occur_in(self, text: str) -> bool:
        """Whether one of them is a part of the text."""
        return any(secret.strip() in text for secret in self.texts)

    def warnings(self, request: RunRequest) -> Iterator[str]:
        """What the user should know before relying on them, in sentences."""
        for name in self.too_short:
            yield f"{clean_line(name)} is too short to be hidden (4 characters at least)"
        words = [*request.command, request.name, request.cwd, *request.tags, *request.metadata]
        if any(map(self.occur_in, [*words, *map(str, request.metadata.values())])):
            yield "a secret stands in the command line, where other users can see it (ps)"


NO_SECRETS = Secrets()


def read_secrets(
    names: Collection[str], files: Collection[Path], environment: Mapping[str, str]
) -> Secrets:
    """The values of variables and the contents of files, to be hidden.

    Args:
        names: of variables in `environment`.
        files: each is one secret, without one newline at its end.
        environment: what the script will have.

    Raises:
        UsageProblem: a variable is not set, a file cannot be read, or its text cannot be hidden.
    """
    if not names and not files:
        return NO_SECRETS
    from stepflow_tui.core.masking import MAX_MASK, MIN_MASK  # few runs have secrets

    variables = {name: _variable(name, environment) for name in names}
    found = variables | {str(file): _content(file, MAX_MASK) for file in files}
    hidden = {name: text for name, text in found.items() if len(text.strip()) >= MIN_MASK}
    _check_masks(hidden)
    return Secrets(
        variables=frozenset(variables),
        texts=tuple(dict.fromkeys(hidden.values())),
        too_short=tuple(name for name in found if name not in hidden),
    )


def read_secrets_again(
    execution: Execution, names: Collection[str], files: Collection[Path], env: Mapping[str, str]
) -> Secrets:
    """The secrets of a rerun, as `read_secrets` does it.

    A variable that was a secret, although its name does not look so, is one again.

    Args:
        execution: what is to be run again.
        names: of variables that are secret this time.
        files: each is one secret.
        env: pairs that are added or replaced.

    Raises:
        UsageProblem: as for `read_secrets`.
    """
    known = {name: value for name, value in execution.env.items() if value != REDACTED}
    again = [name for name in env if execution.env.get(name) == REDACTED and not looks_secret(name)]
    return read_secrets([*names, *again], files, {**os.environ, **known, **env})


def _check_masks(texts: Mapping[str, str]) -> None:
    from stepflow_tui.core.masking import Masker, MaskRefused

    masker = Masker()
    for name, text in texts.items():
        try:
            masker.add(text)
        except MaskRefused as reason:
            raise UsageProblem(f"{clean_line(name)} cannot be hidden: {reason}") from reason


def _variable(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        shown = clean_line(name)
        raise UsageProblem(
            f"the variable {shown} holds no secret: it is not set or empty; "
            f"set it, or leave out --secret {shown}"
        )
    return value


def _content(file: Path, most: int) -> str:
    shown = shown_path(str(file))
    try:
        with file.open("rb") as opened:
            content = opened.read(most + len(b"\r\n") + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise UsageProblem(f"cannot read the secret in {shown}: {reason}") from error
    text = content.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
    if not text or "\0" in text:
        raise UsageProblem(f"{shown} holds no secret: it is empty or not a text")
    return text
