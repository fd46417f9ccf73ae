"""Recorded calls of the public bank replay: same error flags, same changes, same hashes.

The traces hold no results. After every call they hold the records that it added or changed.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.compat.banking_references import KNOWN_REFUSALS, played_references
from tests.reference import REFERENCE, needs_reference

from tau2.data_model.message import ToolCall
from tau2.domains.banking_knowledge.data_model import TransactionalDB
from tau2.domains.banking_knowledge.spec import DOMAIN
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup

pytestmark = needs_reference
BASE_HASH = "af324a7d72aced5889daf6cc044e573ad94ffa3bfe7cf65114fd3cfed5daaa48"


@pytest.fixture(autouse=True)
def _public_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))


def traces() -> Iterator[tuple[dict[str, Any], Environment]]:
    """Yield every recorded trace with an environment at the start of its task."""
    assert REFERENCE is not None
    tasks = {task.id: task for task in DOMAIN.tasks(None)}
    for line in (REFERENCE / "traces" / "banking_dev.jsonl").read_text().splitlines():
        trace = json.loads(line)
        task = tasks[trace["task_id"]]
        logged = set(trace["read_log_allowlist"])
        options = {"retrieval_variant": "no_knowledge", "read_log_allowlist": logged}
        yield trace, TaskSetup(task, lambda options=options: DOMAIN.environment(**options)).start()


def made(recorded: dict[str, Any], environment: Environment) -> str | None:
    """Make a recorded call and return how its outcome differs from the recorded one, or None."""
    call = ToolCall(
        id="c",
        name=recorded["name"],
        arguments=copy.deepcopy(recorded["arguments"]),
        requestor=recorded["requestor"],
    )
    result = environment.get_response(call)
    if result.error is not bool(recorded["error"]):
        return f"error={result.error}: {result.content}"
    assert environment.tools is not None
    db: TransactionalDB = environment.tools.db
    for change in recorded["changes"]:
        records = db.table(change["table"])
        record = None if records is None else records.get(change["id"])
        if record != change["record"]:
            return f"{change['table']} {change['id']}: {record} instead of {change['record']}"
    expected = recorded.get("agent_db_hash")
    if expected is not None and environment.get_db_hash() != expected:
        return "the database differs elsewhere"
    return None


def test_every_recorded_call_agrees() -> None:
    counted = 0
    for trace, environment in traces():
        assert environment.get_db_hash() == trace["initial_agent_db_hash"], trace["task_id"]
        for part, moment in (("golden_calls", "golden"), ("fuzz_calls", "final")):
            for call in trace[part]:
                problem = made(call, environment)
                assert problem is None, (trace["task_id"], call["name"], call["arguments"], problem)
                counted += 1
            assert environment.get_db_hash() == trace[f"{moment}_agent_db_hash"], trace["task_id"]
            assert environment.get_user_db_hash() == environment.get_db_hash()
    assert counted > 2000


def test_the_base_database_has_the_public_hash() -> None:
    environment = DOMAIN.environment(retrieval_variant="no_knowledge")
    assert environment.get_db_hash() == BASE_HASH


def test_the_reference_of_every_task_earns_1_and_is_refused_only_where_it_is_known_to_be() -> None:
    rows = list(played_references())
    assert len(rows) >= 58
    assert {row.task_id: row.reward for row in rows if row.reward != 1.0} == {}
    assert {row.task_id for row in rows if row.refused} <= KNOWN_REFUSALS
