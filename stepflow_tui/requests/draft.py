"""A run that somebody is still thinking about: what it is to be, before it is checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.redaction import REDACTED, looks_secret
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.locale_text import from_runner
from stepflow_tui.requests.prepare import run_request
from stepflow_tui.requests.secrets import HIDDEN_IN_COMMAND, read_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.core.models import Execution, Metadata
    from stepflow_tui.requests.request import RunRequest


class Draft(Struct, frozen=True):
    """All that can be said of a run.

    Attributes:
        command: argument list; with `shell` one string.
        name: for people; empty for one made from the command.
        env: pairs set on top of the environment that it inherits; `***` stands for a value that
            was not stored and has to be given again.
        secrets: names of variables whose values are hidden in all that is stored.
        command_is_hidden: a secret stood in the command or the directory and was not stored.
        rerun_of: number of the execution that this repeats, changed or not.
    """

    command: tuple[str, ...] = ()
    shell: bool = False
    cwd: str = ""
    name: str = ""
    env: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    timeout_s: float | None = None
    tty: bool = False
    tty_size: list[int] | None = None
    added_env: bool = True
    limits: dict[str, int] = field(default_factory=dict)
    kill_leftovers: bool = False
    metadata: Metadata = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    command_is_hidden: bool = False
    rerun_of: int | None = None

    @classmethod
    def of(cls, execution: Execution) -> Draft:
        """What it takes to run an execution once more."""
        return cls(
            command=tuple(map(from_runner, execution.command)),
            shell=execution.shell,
            cwd=from_runner(execution.cwd),
            name=execution.name,
            env={from_runner(k): from_runner(v) for k, v in execution.env.items()},
            tags=tuple(execution.tags),
            timeout_s=execution.timeout_s,
            tty=execution.tty,
            tty_size=execution.tty_size,
            added_env=execution.added_env,
            limits=dict(execution.limits),
            kill_leftovers=execution.kill_leftovers,
            metadata={k: v for k, v in execution.metadata.items() if k != "PROGRESS"},
            secrets=frozenset(name for name, value in execution.env.items() if value == REDACTED),
            command_is_hidden=HIDDEN_IN_COMMAND in execution.warnings,
            rerun_of=execution.number,
        )

    def missing_secrets(self) -> list[str]:
        """Names of the variables whose values have to be given again."""
        return [name for name in self.secrets if self.env.get(name) == REDACTED]

    def request(self, environ: Mapping[str, str]) -> RunRequest:
        """A request for this run, checked.

        Args:
            environ: what the script inherits.

        Raises:
            StepflowError: what `run_request` refuses, or a secret is missing.
        """
        if missing := self.missing_secrets():
            shown = ", ".join(map(clean_line, sorted(missing)))
            raise UsageProblem(f"the values of {shown} were not stored; give them again")
        names = [name for name in self.env if name in self.secrets and not looks_secret(name)]
        return run_request(
            self.command,
            cwd=Path(self.cwd),
            name=self.name or None,
            env=self.env,
            tags=self.tags,
            metadata=self.metadata,
            timeout_s=self.timeout_s,
            shell=self.shell,
            tty=self.tty,
            tty_size=self.tty_size,
            added_env=self.added_env,
            secrets=read_secrets(names, (), {**environ, **self.env}),
            limits=self.limits,
            kill_leftovers=self.kill_leftovers,
            rerun_of=self.rerun_of,
            environ=environ,
        )
