"""The systemd user unit that keeps a runner alive while its user has a service manager."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import stepflow_tui
from stepflow_tui.cli.default_home import state_directory, user_directory
from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.redaction import looks_secret
from stepflow_tui.core.settings import Settings
from stepflow_tui.requests.runner import MARKS, program_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stepflow_tui.core.home import Home

_SIGNATURE = "# Written by `stepflow runner install`; `stepflow runner uninstall` removes it.\n"
_FOR_EVER = "3650d"
_NOT_INHERITED = {*MARKS, "STEPFLOW_HOME", "STEPFLOW_IDLE_EXIT"}
_WANTED_BY = "default.target"

_UNIT = """\
{signature}
[Unit]
Description=StepFlow runner, records what `stepflow run` starts
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=exec
# A runner that a client started makes way; scripts do not notice.
ExecStartPre=-{program} --home {home} runner stop
ExecStart={program} --home {home} runner run
WorkingDirectory=/
UMask=0077
{environment}
# Scripts live in the control group of this service. When it is stopped or restarted the runner
# alone gets a signal; scripts go on, and the next runner takes them up again.
KillMode=process
# What a script may do to itself must not stop the runner.
OOMPolicy=continue
TasksMax=infinity
# `stepflow runner stop` holds. Status 2 is a setting that cannot be read, which no restart mends.
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2
SuccessExitStatus=143

[Install]
WantedBy={wanted_by}
"""

_ESCAPES = {
    **{code: f"\\x{code:02x}" for code in (*range(1, 32), 127)},
    **{0xDC00 + byte: f"\\x{byte:02x}" for byte in range(128, 256)},  # what was no UTF-8
    **str.maketrans({"\\": r"\\", '"': r"\"", "%": "%%"}),
}


class ServiceProblem(StepflowError):
    """The unit cannot be written or removed as things are."""


def unit_name(home: Home) -> str:
    """`stepflow.service`, or for a home that is not the default one with its own suffix."""
    root = os.path.realpath(home.root)
    if root == os.path.realpath(state_directory() / "stepflow"):
        return "stepflow.service"
    word = re.sub(r"[^A-Za-z0-9_]+", "-", Path(root).name).strip("-")[:30]
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return f"stepflow-{word}-{digest}.service".replace("--", "-")


def unit_path(home: Home) -> Path:
    """Where the user's service manager looks for the unit."""
    directory = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not directory.is_absolute():
        directory = user_directory() / ".config"
    return directory / "systemd" / "user" / unit_name(home)


def unit_text(home: Home, environ: Mapping[str, str]) -> str:
    """The unit, with the settings of this environment.

    Raises:
        UsageProblem: a setting cannot be read.
    """
    Settings.from_environment(environ)
    python, *words = program_command()  # systemd puts no variables into the name of a program
    return _UNIT.format(
        signature=_SIGNATURE,
        program=" ".join([_quoted(python), *map(_argument, words)]),
        home=_argument(os.path.realpath(home.root)),
        environment="\n".join(
            f"Environment={_quoted(f'{name}={value}')}" for name, value in _environment(environ)
        ),
        wanted_by=_WANTED_BY,
    )


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "STEPFLOW_IDLE_EXIT", _FOR_EVER
    for name in sorted(environ):
        is_setting = name.startswith("STEPFLOW_") and name not in _NOT_INHERITED
        if is_setting and not looks_secret(name):
            yield name, environ[name]
    package_parent = Path(stepflow_tui.__file__).resolve().parents[1]
    if package_parent.name not in {"site-packages", "dist-packages"}:  # a checkout
        yield "PYTHONPATH", str(package_parent)


def _argument(text: str) -> str:
    return _quoted(text.replace("$", "$$"))  # else systemd puts in variables


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def install(home: Home, *, force: bool) -> Path:
    """Write the unit of this home; returns its path.

    Raises:
        ServiceProblem: another one is there, or it cannot be written.
        UsageProblem: a setting cannot be read.
    """
    path, text = unit_path(home), unit_text(home, os.environ)
    if not force and _read(path) not in {None, text}:
        raise ServiceProblem(
            f"{path} is there and differs from: stepflow runner install --print; "
            "to replace it add --force"
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ServiceProblem(
            f"cannot write {path}: {error.strerror}; the text is: stepflow runner install --print"
        ) from error
    return path


def uninstall(home: Home) -> Path | None:
    """Remove the unit of this home, and what enables it; None if there is none.

    Raises:
        ServiceProblem: somebody else wrote it, or it cannot be removed.
    """
    path = unit_path(home)
    text = _read(path)
    if text is None:
        return None
    if not text.startswith(_SIGNATURE):
        raise ServiceProblem(f"{path} was not written by us; remove it by hand")
    try:
        path.unlink()
        (path.parent / f"{_WANTED_BY}.wants" / path.name).unlink(missing_ok=True)
    except OSError as error:
        raise ServiceProblem(f"cannot remove {path}: {error.strerror}") from error
    return path


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServiceProblem(f"cannot read {path}: {error.strerror}") from error
