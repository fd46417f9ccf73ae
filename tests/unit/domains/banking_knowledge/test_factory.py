"""The tasks of our own bank: solved by reading, by nothing else, and made again by their seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tau2.agent.oracle_agent import OracleAgent
from tau2.audit.knowledge import Library, check_documents
from tau2.audit.trajectory import do_nothing, play_reference, random_calls, without_reading
from tau2.audit.values import called_tool
from tau2.data_model.tasks import Action, RewardType, Task
from tau2.domains.banking_knowledge.environment import get_environment
from tau2.domains.banking_knowledge.factory.__main__ import write_data
from tau2.domains.banking_knowledge.factory.generate import all_kinds, generate_tasks
from tau2.domains.banking_knowledge.loading import get_documents, get_tasks, get_tasks_split
from tau2.domains.banking_knowledge.spec import DOMAIN
from tau2.environment.task_setup import TaskSetup
from tau2.errors import ConfigError, UnknownName
from tau2.evaluator.evaluator import EvaluationType, grade
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.user.scripted_user.user import ScriptedUser

TASKS = {task.id: task for task in get_tasks(None)}
FIRST_OF_EACH_KIND = [task for task_id, task in TASKS.items() if task_id.endswith("_0")]
COMMITTED = Path(get_environment.__code__.co_filename).parent


def setup(task: Task) -> TaskSetup:
    return TaskSetup(task, get_environment)


def reward_of_oracle(task: Task) -> float:
    environment = setup(task).start()
    policy = environment.get_policy()
    tools = environment.get_user_tools(include=task.user_tools) or None
    episode = Orchestrator(
        domain="banking_knowledge",
        agent=OracleAgent(tools=environment.get_tools(), domain_policy=policy, task=task),
        user=ScriptedUser(task=task, tools=tools, environment=environment),
        environment=environment,
        task=task,
    )
    return grade(episode.run(), setup(task), EvaluationType.ALL).reward


def test_there_are_more_than_a_hundred_tasks_of_every_kind_once_at_least() -> None:
    splits = get_tasks_split()
    kinds = {task_id.rpartition("_")[0] for task_id in TASKS}
    assert len(TASKS) > 150
    assert kinds == {kind.name for kind in all_kinds()}
    assert set(splits["train"]).isdisjoint(splits["test"])
    assert {*splits["base"], *splits["test_new"]} == set(TASKS)


def test_no_training_task_is_of_a_kind_that_is_held_out() -> None:
    held_out = {kind.name for kind in all_kinds() if kind.held_out}
    seen = {task_id.rpartition("_")[0] for task_id in get_tasks_split()["base"]}
    assert len(held_out) > len(seen) / 10
    assert held_out.isdisjoint(seen)


@pytest.mark.parametrize("task", FIRST_OF_EACH_KIND[::2], ids=lambda task: task.id)
def test_an_oracle_that_reads_solves_it_with_a_scripted_customer(task: Task) -> None:
    assert reward_of_oracle(task) == 1


def test_the_reference_earns_one_and_agents_that_do_not_try_nothing() -> None:
    for task in FIRST_OF_EACH_KIND:
        episode = play_reference(setup(task))
        assert (episode.errors, episode.reward()) == ([], 1), task.id
        assert do_nothing(setup(task)).reward() == 0, task.id
        assert random_calls(setup(task), seed=1).reward() == 0, task.id


def test_an_agent_that_reads_nothing_fails_nine_tasks_of_ten() -> None:
    passed = [t.id for t in FIRST_OF_EACH_KIND if without_reading(setup(t)).reward() > 0]
    assert len(passed) <= len(FIRST_OF_EACH_KIND) / 10, passed


def test_an_agent_that_decides_without_looking_up_fails_refusals() -> None:
    """Who only says no has not looked up what the procedure wants looked up."""
    for task in FIRST_OF_EACH_KIND:
        if "refused" in task.id:
            verified = [a for a in task.reference_actions if a.name == "log_verification"]
            assert play_reference(setup(task), verified).reward() == 0, task.id


def test_agents_of_different_care_are_told_apart() -> None:
    """Who does what the articles say passes; who leaves their look-ups out seldom does."""
    careful = [play_reference(setup(task)).reward() for task in FIRST_OF_EACH_KIND]
    hasty = [play_reference(setup(t), without_look_ups(t)).reward() for t in FIRST_OF_EACH_KIND]
    assert sum(careful) == len(careful)
    assert sum(hasty) < len(hasty) / 3


def without_look_ups(task: Task) -> list[Action]:
    """Return the reference without the discoverable tools that only look something up."""
    return [a for a in task.reference_actions if not called_tool(a).startswith("get_")]


def test_required_documents_exist_and_name_the_tools() -> None:
    library = Library(get_documents())
    for task in TASKS.values():
        assert task.required_documents
        assert check_documents(task, library) == [], task.id


def test_nothing_that_databases_are_compared_by_is_free_text() -> None:
    """What an agent words itself, the summary of a transfer, is compared by its reason alone."""
    for task in TASKS.values():
        criteria = task.evaluation_criteria
        assert criteria is not None
        handed_over = [a for a in task.reference_actions if a.name == "transfer_to_human_agents"]
        assert (RewardType.ACTION in criteria.reward_basis) is bool(handed_over)
        assert all(action.compare_args == ["reason"] for action in handed_over)


def test_the_committed_tasks_are_those_of_the_default_seed(tmp_path: Path) -> None:
    from tau2.domains.banking_knowledge.factory.__main__ import DEFAULT_SEED

    write_data(DEFAULT_SEED, tmp_path)
    for name in ("tasks.json", "split_tasks.json"):
        assert (tmp_path / name).read_bytes() == (COMMITTED / name).read_bytes()


def test_further_tasks_are_the_same_for_the_same_seed_whatever_their_number() -> None:
    few, many = generate_tasks(3, seed=5), generate_tasks(6, seed=5)
    assert [t.model_dump() for t in few] == [t.model_dump() for t in many[:3]]
    assert json.dumps(few[0].model_dump()) != json.dumps(generate_tasks(1, seed=6)[0].model_dump())
    assert DOMAIN.generate is not None
    assert [t.id for t in DOMAIN.generate(2, 5, "hard")] == ["bank_5_hard_0", "bank_5_hard_1"]


def test_further_tasks_of_held_out_kinds_are_of_no_other() -> None:
    held_out = {kind.purpose for kind in all_kinds() if kind.held_out}
    for task in generate_tasks(4, seed=5, kinds="new"):
        assert task.description is not None
        assert task.description.purpose in held_out


def test_a_wrong_request_is_refused() -> None:
    with pytest.raises(UnknownName, match="hard"):
        generate_tasks(1, seed=1, difficulty="harsh")
    with pytest.raises(ConfigError, match="negative"):
        generate_tasks(-1, seed=1)
