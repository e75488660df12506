"""What the documents say is there is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from stepflow_tui.cli.program import program
from stepflow_tui.core.markers import Malformed, parse_line
from stepflow_tui.runner.script_setup import script_environment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LONG_OPTIONS = re.compile(r"--[a-z-]+")


@pytest.mark.parametrize("command", program.list_commands(None))  # type: ignore[arg-type]
def test_every_command_is_in_the_readme_and_has_help(command: str) -> None:
    assert re.search(rf"\b{command}\b", README)
    result = CliRunner().invoke(program, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage: " in result.output


def test_options_of_run_in_the_readme_exist() -> None:
    told = README.split("Useful options of `run`")[1].split("\n\n")[0]
    known = CliRunner().invoke(program, ["run", "--help"]).output
    for option in set(LONG_OPTIONS.findall(told)) - {"--help"}:
        assert option in known


def test_whatever_is_added_to_an_environment_is_in_the_readme() -> None:
    request = {"id": "x", "cwd": "/", "tty": True, "environment": {}}
    for name, value in script_environment(request).items():
        assert f"`{name}={value}`" in README or f"`{name}`" in README


def test_markers_in_the_readme_are_markers() -> None:
    lines = re.findall(r"(?:STEP_[A-Z]+|ARTIFACT|META):[^\"`|]+", README)
    assert len(lines) > 10
    for line in lines:
        marker = parse_line(line.strip().encode())
        assert marker is not None
        assert not isinstance(marker, Malformed), line


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
