"""What the audit says of the public banking tasks, as far as they are beside the checkout."""

from __future__ import annotations

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.audit.audit import audit_domain
from tau2.domains.banking_knowledge.spec import DOMAIN

pytestmark = needs_reference


def test_the_audit_names_what_makes_public_tasks_unfair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    wanted = {"task_005", "task_010", "task_065", "task_069", "task_089"}
    tasks = [task for task in DOMAIN.tasks(None) if task.id in wanted]
    report = audit_domain(DOMAIN, tasks)
    found = {(finding.task_id, finding.check): finding.text for finding in report.findings}
    assert "who does not exist" in found["task_005", "people"]
    assert "free text that the reference leaves at its default" in found["task_065", "free_text"]
    assert ("task_069", "free_text") in found
    assert "which the agent cannot know" in found["task_089", "known"]
    assert not any(task_id == "task_010" for task_id, _ in found)
    assert not any(check == "documents" for _, check in found)
