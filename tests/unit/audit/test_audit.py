"""Tasks with one thing wrong each: the audit names it, and nothing else."""

from __future__ import annotations

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.audit.audit import audit_domain
from tau2.audit.checks import content_of, work_of
from tau2.audit.finding import CHECKS, AuditReport
from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Action, EvaluationCriteria, Task, UserScenario
from tau2.domains.mock.spec import DOMAIN
from tau2.environment.domain import DomainSpec
from tau2.environment.policy_rules import Rule, confirmed_first

STORY = "You are user_1. Ask for a task with the title 'Pay the rent'."


def action(name: str, **arguments: object) -> Action:
    return Action(action_id=name, name=name, arguments=arguments)


def task(*actions: Action, story: str = STORY, task_id: str = "t", **criteria: object) -> Task:
    return Task(
        id=task_id,
        user_scenario=UserScenario(instructions=story),
        evaluation_criteria=EvaluationCriteria(actions=list(actions), **criteria),
    )


def audit(*tasks: Task, spec: DomainSpec = DOMAIN) -> AuditReport:
    return audit_domain(spec, tasks)


def failed(report: AuditReport) -> set[str]:
    return {finding.check for finding in report.findings}


PAY = action("create_task", user_id="user_1", title="Pay the rent")


def test_a_sound_task_passes_every_check() -> None:
    report = audit(task(PAY))
    assert report.ok
    assert report.passed == dict.fromkeys(CHECKS, 1)


def test_a_reference_that_fails_is_named_with_its_error() -> None:
    report = audit(
        task(
            action("update_task_status", task_id="task_9", status="completed"),
            story="Mark task_9 completed",
        )
    )
    assert "reference" in failed(report)
    assert "Task task_9 not found" in report.findings[0].text


def test_doing_nothing_must_not_earn_anything() -> None:
    report = audit(task(action("get_users")))
    assert failed(report) == {"floor"}
    assert any("doing nothing earns 1" in finding.text for finding in report.findings)


def test_a_task_graded_by_nothing_at_all_is_found() -> None:
    assert "floor" in failed(audit(task()))


def test_a_value_that_nobody_tells_the_agent_is_named() -> None:
    report = audit(task(action("create_task", user_id="user_1", title="Feed the parrot")))
    assert failed(report) == {"known"}
    assert "Feed the parrot" in report.findings[0].text


def test_a_value_that_a_tool_tells_is_known() -> None:
    plants = action("update_task_status", task_id="task_1", status="completed")
    assert audit(task(plants, story="You have watered the plants; have that task closed.")).ok


def test_writes_that_depend_on_their_order_are_found() -> None:
    first = action("create_task", user_id="user_1", title="Pay the rent")
    second = action("create_task", user_id="user_1", title="Ask for a task")
    assert failed(audit(task(first, second))) == {"order"}


def test_a_broken_rule_is_named() -> None:
    def never(world: object, call: ToolCall, before: object) -> str:
        return f"{call.name} is never allowed"

    strict = DomainSpec(
        "mock", DOMAIN.environment, DOMAIN.tasks, rules=lambda: (Rule("never write", never),)
    )
    report = audit(task(PAY), spec=strict)
    assert [finding.text for finding in report.findings] == [
        "never write: create_task is never allowed"
    ]


def test_the_reference_asks_before_it_writes() -> None:
    polite = DomainSpec(
        "mock", DOMAIN.environment, DOMAIN.tasks, rules=lambda: (confirmed_first(),)
    )
    assert audit(task(PAY), spec=polite).ok


def test_a_story_told_twice_is_a_duplicate_whatever_its_id() -> None:
    one, two = task(PAY, task_id="one"), task(PAY, task_id="two")
    assert content_of(one) == content_of(two)
    assert failed(audit(one, two)) == {"duplicate"}


def test_work_of_the_test_split_must_not_be_trained_on() -> None:
    trained, tested = (
        task(PAY, task_id="trained"),
        task(PAY, task_id="tested", story=STORY + " Be quick."),
    )
    split = DomainSpec(
        "mock", DOMAIN.environment, DOMAIN.tasks, lambda: {"train": ["trained"], "test": ["tested"]}
    )
    assert work_of(trained) == work_of(tested)
    assert failed(audit(trained, tested, spec=split)) == {"duplicate"}
    assert audit(trained, tested).ok


def test_a_check_that_crashes_is_a_finding() -> None:
    def crash(*_: object) -> str:
        raise RuntimeError("the rule is broken")

    odd = DomainSpec("mock", DOMAIN.environment, DOMAIN.tasks, rules=lambda: (Rule("odd", crash),))
    report = audit(task(PAY), spec=odd)
    assert [f.text for f in report.findings] == ["the check could not be made: the rule is broken"]


@needs_reference
@pytest.mark.parametrize("domain", ["mock", "retail", "airline", "telecom"])
def test_the_public_tasks_are_audited_without_crashing(
    domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tau2.registry import registry

    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    spec = registry.domains.get(domain)
    tasks = spec.tasks(None)[:12]
    report = audit_domain(spec, tasks)
    assert report.tasks == len(tasks)
    assert not [
        f for f in report.findings if "could not be made" in f.text or "cannot be played" in f.text
    ]


@needs_reference
def test_public_airline_tasks_that_inaction_solves_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tau2.registry import registry

    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    spec = registry.domains.get("airline")
    report = audit_domain(spec, spec.tasks(None))
    assert any(finding.text == "doing nothing earns 1" for finding in report.findings)


@needs_reference
def test_public_retail_tasks_that_rest_on_a_wrong_price_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tau2.registry import registry

    monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))
    spec = registry.domains.get("retail")
    report = audit_domain(spec, spec.tasks(None))
    found = [finding.text for finding in report.findings if finding.check == "compat"]
    assert any("modify_pending_order_items" in text and ".price: " in text for text in found)


def test_our_own_data_has_nothing_to_be_compatible_with() -> None:
    assert audit(task(PAY)).passed["compat"] == 1
