"""From a request to the row with which it becomes an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.masking import Masker, MaskRefused
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.core.redaction import redacted
from stepflow_tui.requests.request import MAX_TAG
from stepflow_tui.requests.secrets import HIDDEN_IN_COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.core.models import Metadata
    from stepflow_tui.requests.request import RunRequest

MAX_NAME = 256
"""Characters of a name that are kept."""


def pending_execution(request: RunRequest, boot_id: str) -> Execution:
    """The row of an execution that waits to be started; its number is given by the store."""
    masker, warnings = masker_of(request.secrets)
    command = [masker.mask_text(word) for word in request.command]
    cwd = masker.mask_text(request.cwd)
    if command != request.command or cwd != request.cwd:
        warnings = [*warnings, HIDDEN_IN_COMMAND]
    return Execution(
        number=0,
        id=request.id,
        name=_short(masker, request.name, MAX_NAME),
        command=command,  # kept as JSON, which can hold bytes that are no UTF-8
        cwd=cwd,
        status=Status.PENDING,
        created_at=request.created_at,
        user=request.user,
        shell=request.shell,
        tty=request.tty,
        timeout_s=request.timeout_s,
        tags=[_short(masker, tag, MAX_TAG) for tag in request.tags],
        metadata=_metadata(masker, request),
        env={name: masker.mask_text(value) for name, value in redacted(request.env).items()},
        warnings=warnings,
        boot_id=boot_id,
        limits=request.limits,
        kill_leftovers=request.kill_leftovers,
        tty_size=request.tty_size,
        added_env=request.added_env,
    )


def masker_of(secrets: Iterable[str], *, partial: bytes = b"") -> tuple[Masker, list[str]]:
    """A masker of these secrets, and why it does not hide some of them.

    `partial` is the line, as it is stored, that goes on where the masker begins.
    """
    masker, warnings = Masker(partial=partial), []
    for secret in secrets:
        try:
            masker.add(secret)
        except MaskRefused as refusal:
            warnings.append(str(refusal))
    return masker, warnings


def _metadata(masker: Masker, request: RunRequest) -> Metadata:
    metadata: Metadata = {
        masker.mask_text(key): masker.mask_text(value) if isinstance(value, str) else value
        for key, value in request.metadata.items()
    }
    return metadata if request.rerun_of is None else {**metadata, "rerun_of": request.rerun_of}


def _short(masker: Masker, text: str, most: int) -> str:
    return masker.mask_text(_storable(text))[:most]


def _storable(text: str) -> str:
    """Bytes that are no UTF-8 cannot be kept in a TEXT column; the script itself gets them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
