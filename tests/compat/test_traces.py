"""Recorded calls on the public data replay: same error flags, same results, same database hashes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.world import World
from tau2.registry import registry

pytestmark = needs_reference

DOMAINS = ["airline", "mock", "retail", "telecom"]


@pytest.fixture(autouse=True)
def _public_data(monkeypatch):
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))


def recorded(domain: str) -> Iterator[dict[str, Any]]:
    assert REFERENCE is not None
    for path in sorted((REFERENCE / "traces").glob(f"{domain}_*.jsonl")):
        yield from map(json.loads, path.read_text().splitlines())


def parsed(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return None


def agrees(expected: dict[str, Any], env: Environment) -> bool:
    """Return whether a call ends as recorded: JSON as JSON, single words exactly; sentences are free."""
    arguments = copy.deepcopy(expected["arguments"])
    call = ToolCall(id="c", name=expected["name"], arguments=arguments, requestor=expected["requestor"])
    got = env.get_response(call)
    if expected["error"] or got.error:
        return bool(expected["error"]) == got.error
    wanted, text = parsed(expected["content"]), expected["content"]
    if wanted is not None and not isinstance(wanted, int | float):
        return wanted == parsed(got.content)
    return text is None or " " in text or "\n" in text or text == got.content


def differences(task: Task, fresh: Callable[[], Environment], trace: dict[str, Any]) -> Iterator[str]:
    env = World(task, fresh).start()

    def hashes(moment: str) -> Iterator[str]:
        for side, value in (("agent", env.get_db_hash()), ("user", env.get_user_db_hash())):
            if value != trace[f"{moment}_{side}_db_hash"]:
                yield f"{trace['task_id']}: the {side} database differs at {moment}"

    yield from hashes("initial")
    for part, moment in (("golden_calls", "golden"), ("fuzz_calls", "final")):
        yield from (f"{trace['task_id']}: {call}" for call in trace[part] if not agrees(call, env))
        yield from hashes(moment)
    criteria = task.evaluation_criteria
    assertions = (criteria.env_assertions if criteria else None) or []
    for want, assertion in zip(trace.get("env_assertions_after_fuzz", []), assertions, strict=False):
        if env.run_env_assertion(assertion, raise_assertion_error=False) != want["met"]:
            yield f"{trace['task_id']}: {assertion.func_name} differs"


@pytest.mark.parametrize("domain", DOMAINS)
def test_everything_recorded_happens_again(domain):
    tasks = {task.id: task for task in registry.get_tasks_loader(domain)(None)}
    fresh, traces = registry.get_env_constructor(domain), list(recorded(domain))
    assert traces
    assert [line for trace in traces for line in differences(tasks[trace["task_id"]], fresh, trace)] == []
