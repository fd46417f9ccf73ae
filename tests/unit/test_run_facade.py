"""`tau2.run`: the calls of before run configurations."""

from __future__ import annotations

import json

import tau2.run
from tau2.run import EvaluationType, get_tasks, load_tasks, run_task, run_tasks


def test_one_task_by_flat_arguments():
    task = get_tasks("mock", task_ids=["create_task_1"])[0]
    run = run_task("mock", task, "oracle_agent", "scripted_user", seed=7, solo_mode=True)
    assert run.reward_info.reward == 1.0
    assert run.seed == 7


def test_the_same_with_every_argument_by_name():
    task = load_tasks("mock", "base")[0]
    run = run_task(
        domain="mock", task=task, agent="lazy_agent", user="scripted_user", llm_agent="x",
        llm_args_agent={"a": 1}, llm_user=None, llm_args_user=None, max_steps=50, max_errors=5,
        evaluation_type=EvaluationType.ENV, seed=1,
    )  # fmt: skip
    assert run.reward_info.reward == 0.0


def test_several_tasks_are_saved_as_one_file(tmp_path, capsys):
    tasks = get_tasks("mock", num_tasks=2)
    path = tmp_path / "old" / "results.json"
    results = run_tasks(
        domain="mock", tasks=tasks, agent="oracle_agent", user="scripted_user", num_trials=2,
        save_to=path, max_concurrency=2, console_display=False,
    )  # fmt: skip
    assert results.average_reward() == 1.0
    assert len(json.loads(path.read_text())["simulations"]) == 4
    assert capsys.readouterr().out == ""


def test_a_run_may_be_shown(capsys):
    run_tasks("mock", get_tasks("mock", num_tasks=1), "oracle_agent", "scripted_user")
    assert "average reward  1.000" in capsys.readouterr().out


def test_everything_it_promises_is_there():
    assert [name for name in tau2.run.__all__ if not hasattr(tau2.run, name)] == []
