"""How difficult tasks are to be expected: more to do, to find and to decide is more difficult."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.audit.difficulty import LEVELS, Prediction, features_of, predict
from tau2.data_model.tasks import Action, EvaluationCriteria, Task, UserScenario
from tau2.environment.task_setup import TaskSetup
from tau2.registry import registry

DOMAINS = ("retail", "airline", "telecom")


def rated(domain: str, task: Task) -> Prediction:
    return predict(TaskSetup(task, registry.get_env_constructor(domain)))


def mock_task(story: str, *titles: str) -> Task:
    actions = [
        Action(action_id=t, name="create_task", arguments={"user_id": "user_1", "title": t})
        for t in titles
    ]
    return Task(
        id="t",
        user_scenario=UserScenario(instructions=story),
        evaluation_criteria=EvaluationCriteria(actions=actions),
    )


def test_more_changes_conditions_and_doubts_are_more_difficult() -> None:
    plain = rated("mock", mock_task("Ask for A.", "A"))
    two = rated("mock", mock_task("Ask for A and B.", "A", "B"))
    conditional = rated("mock", mock_task("Ask for A. If the agent refuses, ask again.", "A"))
    wavering = rated("mock", mock_task("Ask for B. Change your mind: A after all.", "A"))
    for harder in (two, conditional, wavering):
        assert plain.difficulty < harder.difficulty < 1
    assert plain.level == "easy"


def test_what_the_customer_does_not_name_is_hidden() -> None:
    retail = registry.domains.get("retail").tasks("base")
    hidden = {t.id: features_of(TaskSetup(t, registry.get_env_constructor("retail"))).hidden
              for t in retail}  # fmt: skip
    assert sum(count > 0 for count in hidden.values()) > len(retail) / 2


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_has_tasks_of_every_level(domain: str) -> None:
    tasks = registry.domains.get(domain).tasks("base")
    levels = Counter(rated(domain, task).level for task in tasks)
    assert set(levels) == {name for _, name in LEVELS}
    assert min(levels.values()) >= len(tasks) / 12


def test_nothing_is_stored_in_the_task() -> None:
    task = mock_task("Ask for A.", "A")
    before = task.model_dump_json()
    assert rated("mock", task) == rated("mock", task)
    assert task.model_dump_json() == before


def recorded(domain: str) -> Iterator[tuple[Task, float]]:
    path = REFERENCE / "dialogues" / f"{domain}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            yield Task.model_validate(record["task"]), record["reward"]


@needs_reference
def test_models_failed_more_often_where_it_was_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks on which recorded agents failed are predicted to be more difficult."""
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    failed, passed = [], []
    for task, reward in recorded("airline"):
        predicted = rated("airline", task).difficulty
        (passed if reward == 1 else failed).append(predicted)
    higher = sum(f > p for f in failed for p in passed)
    equal = sum(f == p for f in failed for p in passed)
    assert (higher + equal / 2) / (len(failed) * len(passed)) > 0.7
