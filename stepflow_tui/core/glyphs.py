"""The signs of the statuses: one cell wide, told apart by shape and never by colour alone."""

from __future__ import annotations

from stepflow_tui.core.models import Status

GLYPHS: dict[Status, str] = {
    Status.PENDING: "○",
    Status.RUNNING: "●",
    Status.COMPLETED: "✓",
    Status.FAILED: "✗",
    Status.CANCELLED: "⊘",
    Status.TIMED_OUT: "⧖",
    Status.LOST: "?",
}

ASCII_GLYPHS: dict[Status, str] = {
    Status.PENDING: ".",
    Status.RUNNING: ">",
    Status.COMPLETED: "+",
    Status.FAILED: "x",
    Status.CANCELLED: "-",
    Status.TIMED_OUT: "t",
    Status.LOST: "?",
}
"""For terminals that show nothing else."""
