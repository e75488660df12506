from __future__ import annotations

from stepflow_tui.runner.sweep import AT_ONCE, SWEEP_S, Sweep


def test_a_few_are_looked_at_together() -> None:
    sweep = Sweep()
    assert sweep.take(["a", "b"]) == ["a", "b"]
    assert (sweep.pause_s, sweep.is_round_over) == (SWEEP_S, True)
    assert sweep.take([]) == []
    assert sweep.pause_s == SWEEP_S


def test_of_many_some_at_a_time_and_all_in_one_round() -> None:
    executions = dict.fromkeys(f"{number:04}" for number in range(10 * AT_ONCE - 1))
    sweep = Sweep()
    turns = [sweep.take(executions)]
    while not sweep.is_round_over:
        turns.append(sweep.take(executions))
    assert len(turns) == 10
    assert [execution for turn in turns for execution in turn] == list(executions)
    assert sweep.pause_s == SWEEP_S / 10


def test_who_is_gone_before_his_turn_is_left_out() -> None:
    executions = [str(number) for number in range(2 * AT_ONCE)]
    sweep = Sweep()
    sweep.take(executions)
    assert sweep.take(executions[:-1]) == executions[AT_ONCE:-1]
