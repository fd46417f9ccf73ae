"""Recorded calls on the public data replay: same error flags, same results, same database hashes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.data_model.message import ToolCall
from tau2.domains.airline.environment import get_environment, get_tasks
from tau2.environment.environment import Environment

pytestmark = needs_reference


@pytest.fixture(autouse=True)
def _public_data(monkeypatch):
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    monkeypatch.delenv("TAU2_STRICT_COMPAT", raising=False)


def recorded() -> list[dict[str, Any]]:
    path = REFERENCE / "traces" / "airline_train.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def agrees(expected: dict[str, Any], env: Environment) -> bool:
    call = ToolCall(
        id="c",
        name=expected["name"],
        arguments=copy.deepcopy(expected["arguments"]),
        requestor=expected["requestor"],
    )
    got = env.get_response(call)
    if expected["error"] or got.error:
        return bool(expected["error"]) == got.error
    try:
        return json.loads(expected["content"]) == json.loads(got.content)
    except ValueError:
        return " " in expected["content"] or expected["content"] == got.content


def test_every_recorded_call_and_hash_agrees():
    for trace in recorded():
        env = get_environment()
        assert env.get_db_hash() == trace["initial_agent_db_hash"]
        for part, end in (("golden_calls", "golden_agent_db_hash"), ("fuzz_calls", "final_agent_db_hash")):
            wrong = [call for call in trace[part] if not agrees(call, env)]
            assert not wrong, (trace["task_id"], wrong[0])
            assert env.get_db_hash() == trace[end], (trace["task_id"], end)


def test_public_tasks_and_splits_load():
    ids = {task.id for task in get_tasks("train")}
    assert ids
    assert ids <= {task.id for task in get_tasks(None)}
