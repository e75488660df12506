from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.health import logind
from stepflow_tui.health.logind import lingers, logout_notes, user_name

if TYPE_CHECKING:
    from pathlib import Path


SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
OLD_SESSION = "4:memory:/user.slice\n1:name=systemd:/user.slice/user-1000.slice/session-c2.scope\n"
SERVICE = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/stepflow.service\n"
BOX = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n"
OTHERS = ["0::/\n", "0::/system.slice/cron.service\n", "0::/x.slice/session-1.scope.d\n", ""]

ENDS_WITH_SESSION = (
    "the runner and its scripts end when you log out (KillUserProcesses in logind.conf); "
    "run: stepflow runner install, and loginctl enable-linger"
)
ENDS_WITH_LAST_SESSION = (
    "the runner and its scripts end when you log out for the last time; run: loginctl enable-linger"
)


class Machine:
    """The files of a machine with systemd, on which Ann's runner is process 42."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "run/systemd/system").mkdir(parents=True)
        self.runs_in(SESSION)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def runs_in(self, cgroup: str) -> None:
        self.write("proc/42/cgroup", cgroup)

    def set(self, *lines: str, path: str = "etc/systemd/logind.conf") -> None:
        self.write(path, "\n".join(["[Login]", *lines, ""]))

    def linger(self) -> None:
        self.write("var/lib/systemd/linger/ann", "")

    @property
    def notes(self) -> list[str]:
        return list(logout_notes(42, self.root))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(logind, "user_name", lambda: "ann")
    return Machine(tmp_path / "root")


@pytest.mark.parametrize("cgroup", [SESSION, OLD_SESSION])
def test_a_session_ends_with_all_that_was_started_in_it(machine: Machine, cgroup: str) -> None:
    machine.runs_in(cgroup)
    assert machine.notes == []
    machine.set("KillUserProcesses=yes")
    assert machine.notes == [ENDS_WITH_SESSION]


def test_lingering_does_not_help_a_session(machine: Machine) -> None:
    machine.set("KillUserProcesses=yes")
    machine.linger()
    assert machine.notes == [ENDS_WITH_SESSION.removesuffix(", and loginctl enable-linger")]


@pytest.mark.parametrize("cgroup", [SERVICE, BOX])
@pytest.mark.parametrize("kill", ["yes", "no"])
def test_the_service_manager_ends_with_the_last_session(
    machine: Machine, cgroup: str, kill: str
) -> None:
    machine.runs_in(cgroup)
    machine.set(f"KillUserProcesses={kill}")
    assert machine.notes == [ENDS_WITH_LAST_SESSION]
    machine.linger()
    assert machine.notes == []


@pytest.mark.parametrize("cgroup", OTHERS)
def test_what_logind_did_not_start_it_does_not_end(machine: Machine, cgroup: str) -> None:
    machine.set("KillUserProcesses=yes")
    machine.runs_in(cgroup)
    assert machine.notes == []


def test_without_systemd_nobody_is_ended(machine: Machine) -> None:
    machine.set("KillUserProcesses=yes")
    (machine.root / "run/systemd/system").rmdir()
    assert machine.notes == []


def test_a_runner_that_is_gone_ends_no_more(machine: Machine) -> None:
    machine.set("KillUserProcesses=yes")
    assert list(logout_notes(4321, machine.root)) == []


def test_without_a_runner_it_is_about_the_one_that_we_would_start(machine: Machine) -> None:
    machine.set("KillUserProcesses=yes")
    machine.write("proc/self/cgroup", SESSION)
    assert list(logout_notes(None, machine.root)) == [ENDS_WITH_SESSION]


@pytest.mark.parametrize(
    ("lines", "ends"),
    [
        (["KillUserProcesses = True "], True),
        (["KillUserProcesses=1"], True),
        (["KillUserProcesses=on", "KillUserProcesses=off"], False),
        (["KillUserProcesses=yes", "KillUserProcesses="], True),
        (["KillUserProcesses=yes", "KillUserProcesses=perhaps"], True),
        (["#KillUserProcesses=no", "; KillUserProcesses=yes"], False),
        (["[Sleep]", "KillUserProcesses=yes"], False),
        (["KillUserProcesses=yes", "KillExcludeUsers=bob ann"], False),
        (["KillUserProcesses=yes", "KillExcludeUsers=ann", "KillExcludeUsers=bob"], False),
        (["KillUserProcesses=yes", "KillExcludeUsers=ann", "KillExcludeUsers="], True),
        (["KillUserProcesses=yes", "KillExcludeUsers=bob \\", "  ann"], False),
        (["KillUserProcesses=yes", "KillOnlyUsers=bob"], False),
        (["KillUserProcesses=no", "KillOnlyUsers=bob ann"], True),
        (["KillOnlyUsers=ann", "KillExcludeUsers=ann"], False),
        (["KillUserProcesses=yes", "KillOnlyUsers=bob", "KillOnlyUsers="], True),
    ],
)
def test_settings_mean_what_logind_takes_them_for(
    machine: Machine, lines: list[str], ends: bool
) -> None:
    machine.set(*lines)
    assert machine.notes == ([ENDS_WITH_SESSION] if ends else [])


def test_root_is_spared_unless_somebody_says_who_is(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logind, "user_name", lambda: "root")
    machine.set("KillUserProcesses=yes")
    assert machine.notes == []
    machine.set("KillUserProcesses=yes", "KillExcludeUsers=ann")
    assert machine.notes == [ENDS_WITH_SESSION]


@pytest.mark.parametrize(
    ("path", "text", "ends"),
    [
        ("usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n", True),
        ("usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n", False),
        ("etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n", True),
        ("usr/lib/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n", True),
    ],
)
def test_the_default_is_the_distributions(
    machine: Machine, path: str, text: str, ends: bool
) -> None:
    machine.write(path, text)
    assert machine.notes == ([ENDS_WITH_SESSION] if ends else [])


def test_the_shipped_file_knows_the_default_better_than_an_old_copy(machine: Machine) -> None:
    machine.write("etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n")
    machine.write("usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n")
    assert machine.notes == []


def test_of_the_main_files_the_strongest_counts_alone(machine: Machine) -> None:
    machine.set("KillUserProcesses=yes", path="usr/lib/systemd/logind.conf")
    machine.set("NAutoVTs=2", path="run/systemd/logind.conf")
    assert machine.notes == []


def test_drop_ins_count_by_name_after_the_main_file(machine: Machine) -> None:
    machine.set("KillUserProcesses=no")
    machine.set("KillUserProcesses=yes", path="usr/lib/systemd/logind.conf.d/50-kill.conf")
    assert machine.notes == [ENDS_WITH_SESSION]
    machine.set("KillUserProcesses=no", path="etc/systemd/logind.conf.d/40-spare.conf")
    assert machine.notes == [ENDS_WITH_SESSION]
    machine.set("KillUserProcesses=no", path="run/systemd/logind.conf.d/60-spare.conf")
    assert machine.notes == []


def test_a_drop_in_hides_its_weaker_namesake(machine: Machine) -> None:
    machine.set("KillUserProcesses=yes", path="usr/lib/systemd/logind.conf.d/50-kill.conf")
    machine.set("KillUserProcesses=yes", path="run/systemd/logind.conf.d/50-kill.conf")
    drop_ins = machine.root / "etc/systemd/logind.conf.d"
    drop_ins.mkdir(parents=True)
    (drop_ins / "50-kill.conf").symlink_to(os.devnull)
    assert machine.notes == []


def test_who_lingers_has_a_file(machine: Machine) -> None:
    assert not lingers("ann", machine.root)
    machine.linger()
    assert lingers("ann", machine.root)
    assert not lingers("an", machine.root)


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert user_name() == "root"
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert user_name() == "54321"
