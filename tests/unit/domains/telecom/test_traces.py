"""Recorded calls on the public data replay.

Same error flags, same results, same hashes, same assertions.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.data_model.message import ToolCall, ToolMessage
from tau2.domains.telecom.environment import (
    TelecomEnvironment,
    get_environment,
    get_tasks,
    get_tasks_full,
    get_tasks_small,
    get_tasks_split,
)

pytestmark = needs_reference


@pytest.fixture(autouse=True)
def _public_data(monkeypatch):
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))


def recorded() -> list[dict[str, Any]]:
    path = REFERENCE / "traces" / "telecom_train.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def answer(call: dict[str, Any], env: TelecomEnvironment) -> ToolMessage:
    arguments = copy.deepcopy(call["arguments"])
    return env.get_response(
        ToolCall(id="c", name=call["name"], arguments=arguments, requestor=call["requestor"])
    )


def agrees(call: dict[str, Any], env: TelecomEnvironment) -> bool:
    got = answer(call, env)
    if call["error"] or got.error:
        return bool(call["error"]) == got.error
    try:
        return json.loads(call["content"]) == json.loads(got.content)
    except ValueError:
        return " " in call["content"] or call["content"] == got.content


def started(task) -> TelecomEnvironment:
    env = get_environment()
    env.set_state(None, task.initial_state.initialization_actions, [])
    return env


def test_every_recorded_call_hash_and_assertion_agrees():
    tasks = {task.id: task for task in get_tasks(None)}
    for trace in recorded():
        task = tasks[trace["task_id"]]
        env = started(task)
        assert env.get_db_hash() == trace["initial_agent_db_hash"], task.id
        assert env.get_user_db_hash() == trace["initial_user_db_hash"], task.id
        for part, end in (("golden_calls", "golden"), ("fuzz_calls", "final")):
            wrong = [call for call in trace[part] if not agrees(call, env)]
            assert not wrong, (task.id, wrong[0])
            assert env.get_db_hash() == trace[f"{end}_agent_db_hash"], (task.id, end)
            assert env.get_user_db_hash() == trace[f"{end}_user_db_hash"], (task.id, end)
        for recorded_outcome, assertion in zip(
            trace["env_assertions_after_fuzz"], task.evaluation_criteria.env_assertions, strict=True
        ):
            met = env.run_env_assertion(assertion, raise_assertion_error=False)
            assert met == recorded_outcome["met"], (task.id, assertion.func_name)


def shown_bar(content: str | None) -> str:
    """Return the status bar at the end of a result, or no text where it shows none."""
    return (content or "").rpartition("Status Bar: ")[2] if "Status Bar: " in str(content) else ""


def test_the_status_bar_agrees_after_every_call():
    tasks = {task.id: task for task in get_tasks(None)}
    for trace in recorded():
        env = started(tasks[trace["task_id"]])
        for call in (*trace["golden_calls"], *trace["fuzz_calls"]):
            shown = shown_bar(answer(call, env).content)
            recorded_bar = shown_bar(call["content"])
            assert recorded_bar in {"", shown}, (trace["task_id"], call)


def test_public_tasks_and_splits_load():
    ids = {task.id for task in get_tasks(None)}
    assert {task.id for task in get_tasks("train")} <= ids
    assert {task.id for task in get_tasks_full()} == ids
    assert {task.id for task in get_tasks_small()} == set(get_tasks_split()["small"])
    assert all(
        task.id in ids
        for split in get_tasks_split().values()
        for task in get_tasks(None)
        if task.id in split
    )


def test_a_public_task_is_found_by_its_id():
    from tau2.domains.telecom.tasks.loading import task_by_id

    first = get_tasks(None)[0]
    assert task_by_id(first.id) == first
