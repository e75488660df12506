from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.core.settings import Settings
from stepflow_tui.runner.recording import Recording
from stepflow_tui.runner.sweep import AT_ONCE, MOST_TURNS, SWEEP_S, Sweep
from stepflow_tui.store.queries import Stream

if TYPE_CHECKING:
    from pathlib import Path


def recordings(home: Path, *numbers: int) -> dict[str, Recording]:
    made = {}
    for number in numbers:
        execution = Execution(number, f"id-{number}", "run", ["true"], "/", Status.PENDING, 0)
        stream = Stream(number, None, 0, 0, 0, 0, None, is_open=True)
        made[execution.id] = Recording(Home(home), execution, stream, settings=Settings())
    return made


def rounds(sweep: Sweep, those: dict[str, Recording]) -> list[list[str]]:
    """The turns of one round."""
    turns = [sweep.take(those)]
    while not sweep.is_round_over:
        turns.append(sweep.take(those))
    return turns


def test_a_few_are_looked_at_together(tmp_path: Path) -> None:
    sweep = Sweep()
    those = recordings(tmp_path, 7, 300)
    assert rounds(sweep, those) == rounds(sweep, those) == [["id-7", "id-300"]]
    assert sweep.pause_s == SWEEP_S


def test_of_many_some_at_a_time_and_each_once_in_a_round(tmp_path: Path) -> None:
    sweep, those = Sweep(), recordings(tmp_path, *range(1, 4 * AT_ONCE + 1))
    turns = rounds(sweep, those)
    assert [len(turn) for turn in turns] == [AT_ONCE] * 4
    assert {execution for turn in turns for execution in turn} == those.keys()
    assert sweep.pause_s == SWEEP_S / 4


def test_a_round_of_thousands_has_no_more_turns_than_the_loop_can_keep_up_with(
    tmp_path: Path,
) -> None:
    sweep, those = Sweep(), recordings(tmp_path, *range((MOST_TURNS + 9) * AT_ONCE))
    assert len(rounds(sweep, those)) == MOST_TURNS


def test_who_comes_late_has_his_turn_within_a_round(tmp_path: Path) -> None:
    sweep = Sweep()
    sweep.take(recordings(tmp_path, *range(2 * AT_ONCE)))
    assert sweep.take(recordings(tmp_path, 1001)) == ["id-1001"]
    assert sweep.take(recordings(tmp_path, 1002)) == ["id-1002"]
    assert sweep.pause_s == SWEEP_S
