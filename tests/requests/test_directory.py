from __future__ import annotations

from pathlib import Path

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.requests.directory import current_directory, working_directory


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Two releases and `current`, which leads to the first."""
    for name in ("one", "two"):
        (tmp_path / "releases" / name / "inner").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/one")
    return tmp_path


@pytest.mark.parametrize("name", ["current", "current/inner", "releases/one"])
def test_the_name_that_the_shell_gives_is_kept(
    releases: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(releases / name)
    monkeypatch.setenv("PWD", f"{releases}/{name}")
    assert current_directory() == releases / name
    assert working_directory(Path()) == releases / name
    assert working_directory(Path()) == releases / name


@pytest.mark.parametrize("pwd", ["", ".", "current", "/", "/gone", "{base}/two", "{base}/one/."])
def test_a_name_that_leads_elsewhere_or_has_dots_counts_for_nothing(
    releases: Path, pwd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = releases / "releases"
    monkeypatch.chdir(base / "one")
    monkeypatch.setenv("PWD", pwd.format(base=base))
    assert current_directory() == base / "one"
    monkeypatch.delenv("PWD")
    assert current_directory() == base / "one"


def test_a_directory_that_is_gone_is_said_although_another_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("PWD", str(gone))
    gone.rmdir()
    gone.mkdir()
    with pytest.raises(UsageProblem, match="the working directory is gone"):
        current_directory()
    with pytest.raises(UsageProblem, match="the working directory is gone"):
        working_directory(Path("inner"))
    assert working_directory(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("cwd", "found"),
    [
        ("current", "current"),
        ("releases/../current", "current"),
        ("releases/two/../../current/inner", "current/inner"),
        ("current/..", "releases"),
        ("current/../two", "releases/two"),
        ("current/inner/..", "current"),
        ("current/inner/../../two", "releases/two"),
        ("./current//inner/.", "current/inner"),
    ],
)
def test_dots_lead_where_the_system_goes_and_links_stay(
    releases: Path, cwd: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(releases)
    assert working_directory(Path(cwd)) == releases / found
    assert working_directory(releases / cwd) == releases / found
    assert working_directory(Path(cwd)).samefile(cwd)
