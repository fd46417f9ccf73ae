"""Generated tasks of the mock domain: distinct, provable, and played to the end by both scripts."""

from __future__ import annotations

import pytest

from tau2.audit.audit import audit_domain
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.domains.mock.factory.generate import INTENTS, LEVELS, generate_tasks
from tau2.errors import ConfigError, UnknownName
from tau2.registry import registry
from tau2.run import run_single_task

PAIR = TextRunConfig(domain="mock", agent="oracle_agent", user="scripted_user")


def kinds_of(tasks: list[Task]) -> set[str]:
    return {str(task.description.notes) for task in tasks if task.description}


def test_the_same_seed_gives_the_same_tasks_and_a_shorter_list_is_a_beginning() -> None:
    assert generate_tasks(12, 5)[:4] == generate_tasks(4, 5)
    assert generate_tasks(4, 5) != generate_tasks(4, 6)


def test_no_training_task_is_of_a_kind_that_is_held_out() -> None:
    seen, new = generate_tasks(120, 1), generate_tasks(60, 1, kinds="new")
    assert kinds_of(seen).isdisjoint(kinds_of(new))
    assert len(kinds_of(seen) | kinds_of(new)) == len(INTENTS)


@pytest.mark.parametrize("difficulty", LEVELS)
def test_every_difficulty_has_tasks_of_both_kinds_or_says_so(difficulty: str) -> None:
    assert generate_tasks(2, 0, difficulty)
    if any(one.held_out and one.level == difficulty for one in INTENTS):
        assert generate_tasks(2, 0, difficulty, "new")
    else:
        with pytest.raises(ConfigError, match="no new kind"):
            generate_tasks(2, 0, difficulty, "new")


def test_unknown_words_are_named() -> None:
    with pytest.raises(UnknownName):
        generate_tasks(1, 0, "impossible")


@pytest.mark.parametrize("kinds", ["seen", "new"])
def test_every_task_passes_the_audit_and_the_reference_pair_solves_it(kinds: str) -> None:
    tasks = generate_tasks(60, 3, kinds=kinds)
    assert not audit_domain(registry.domains.get("mock"), tasks).findings
    for task in tasks:
        run = run_single_task(PAIR, task)
        assert run.reward_info is not None
        assert run.reward_info.reward == 1.0, task.user_scenario
