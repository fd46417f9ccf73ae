"""Recorded calls on the public data replay.

Same error flags, same results, same hashes, same assertions.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.registry import registry

pytestmark = needs_reference
DOMAINS = ("mock", "retail", "airline", "telecom")
PARTS = (("golden_calls", "golden"), ("fuzz_calls", "final"))


@pytest.fixture(autouse=True)
def _public_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))


def traces(domain: str) -> Iterator[tuple[dict[str, Any], Task, Environment]]:
    """Yield every recorded trace of a domain with its task and a world at the task's start."""
    assert REFERENCE is not None
    tasks = {task.id: task for task in registry.get_tasks_loader(domain)(None)}
    make = registry.get_env_constructor(domain)
    for line in (REFERENCE / "traces" / f"{domain}_train.jsonl").read_text().splitlines():
        trace = json.loads(line)
        task = tasks[trace["task_id"]]
        yield trace, task, TaskSetup(task, make).start()


def agrees(recorded: dict[str, Any], setup: Environment) -> bool:
    """Return whether a call made now ends as it was recorded.

    Sentences are free, their effects are not.
    """
    arguments = copy.deepcopy(recorded["arguments"])
    call = ToolCall(
        id="c", name=recorded["name"], arguments=arguments, requestor=recorded["requestor"]
    )
    got = setup.get_response(call)
    if recorded["error"] or got.error:
        return bool(recorded["error"]) == got.error
    try:
        return bool(json.loads(recorded["content"]) == json.loads(got.content or ""))
    except ValueError:
        return " " in recorded["content"] or recorded["content"] == got.content


def hashes(setup: Environment) -> tuple[str | None, str | None]:
    return setup.get_db_hash(), setup.get_user_db_hash()


def recorded_hashes(trace: dict[str, Any], moment: str) -> tuple[str | None, str | None]:
    return trace[f"{moment}_agent_db_hash"], trace[f"{moment}_user_db_hash"]


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_recorded_call_and_hash_agrees(domain: str) -> None:
    for trace, _task, setup in traces(domain):
        assert hashes(setup) == recorded_hashes(trace, "initial"), trace["task_id"]
        for part, moment in PARTS:
            wrong = [call for call in trace[part] if not agrees(call, setup)]
            assert not wrong, (trace["task_id"], wrong[0])
            assert hashes(setup) == recorded_hashes(trace, moment), (trace["task_id"], moment)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_recorded_assertion_agrees(domain: str) -> None:
    for trace, task, setup in traces(domain):
        for call in (*trace["golden_calls"], *trace["fuzz_calls"]):
            agrees(call, setup)
        assertions = (
            task.evaluation_criteria.env_assertions if task.evaluation_criteria else None
        ) or []
        for recorded, assertion in zip(
            trace.get("env_assertions_after_fuzz", []), assertions, strict=False
        ):
            met = setup.run_env_assertion(assertion, raise_assertion_error=False)
            assert met == recorded["met"], (trace["task_id"], assertion.func_name)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_public_splits_name_tasks_that_load(domain: str) -> None:
    spec = registry.domains.get(domain)
    ids = {task.id for task in spec.tasks(None)}
    assert ids
    assert spec.splits is not None
    assert ids <= {task_id for split in spec.splits().values() for task_id in split}
