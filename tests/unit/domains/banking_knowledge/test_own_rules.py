"""Policy and articles as rules: a reference breaks none, and each kind of carelessness is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tau2.audit.trajectory import ScriptedEpisode, play_reference
from tau2.data_model.tasks import Action, Task
from tau2.domains.banking_knowledge.environment import get_environment
from tau2.domains.banking_knowledge.loading import get_tasks
from tau2.domains.banking_knowledge.rules import POLICY_RULES
from tau2.environment.policy_rules import check_trajectory
from tau2.environment.task_setup import TaskSetup

VERIFY = "log_verification"
CALL = "call_discoverable_agent_tool"


@cache
def tasks() -> tuple[Task, ...]:
    return tuple(get_tasks(None))


def inner(action: Action) -> str:
    return str(action.arguments.get("agent_tool_name", action.name))


def task_with(*tools: str) -> Task:
    """Return the first task whose reference calls all of the tools."""
    return next(
        task
        for task in tasks()
        if set(tools) <= {inner(action) for action in task.reference_actions}
    )


def broken(task: Task, change: Callable[[list[Action]], list[Action]] = list) -> set[str]:
    """Play a task's reference, changed, and return the names of the rules that it breaks."""
    setup = TaskSetup(task, get_environment)
    actions = [action.model_copy(deep=True) for action in task.reference_actions]
    episode = play_reference(setup, change(actions))
    return {found.rule for found in check_trajectory(setup.start(), episode.messages, POLICY_RULES)}


def without(tool: str) -> Callable[[list[Action]], list[Action]]:
    return lambda actions: [action for action in actions if inner(action) != tool]


def with_argument(tool: str, **values: Any) -> Callable[[list[Action]], list[Action]]:
    def change(actions: list[Action]) -> list[Action]:
        for action in actions:
            if action.name == CALL and inner(action) == tool:
                arguments = json.loads(action.arguments["arguments"])
                action.arguments["arguments"] = json.dumps({**arguments, **values})
            elif action.name == tool:
                action.arguments.update(values)
        return actions

    return change


def test_references_break_no_rule() -> None:
    assert not [task.id for task in tasks()[::29] if broken(task)]


def test_who_is_not_verified_is_not_served() -> None:
    task = task_with("close_bank_account_7392")
    assert "verified before anything is done" in broken(task, without(VERIFY))


def test_a_verification_is_logged_once_and_as_the_record_has_it() -> None:
    task = task_with(VERIFY, "freeze_debit_card_3892")

    def twice(actions: list[Action]) -> list[Action]:
        first = next(action for action in actions if action.name == VERIFY)
        later = first.model_copy(deep=True)
        later.arguments["time_verified"] = "2025-11-14 04:00:00 EST"
        return [*actions, later]

    assert broken(task, twice) == {"verified once", "verification as recorded"}


def test_nobody_else_is_served() -> None:
    task = task_with("get_all_user_accounts_by_user_id_3847")
    stranger = next(iter(get_environment().tools.db.users))
    change = with_argument("get_all_user_accounts_by_user_id_3847", user_id=stranger)
    assert "only the verified customer's own" in broken(task, change)


@pytest.mark.parametrize(("named", "enough"), [(1, False), (2, True)])
def test_two_facts_identify_a_customer(named: int, enough: bool) -> None:
    task = task_with(VERIFY)
    setup = TaskSetup(task, get_environment)
    verification = next(one for one in task.reference_actions if one.name == VERIFY)
    facts = [verification.arguments["phone_number"], verification.arguments["date_of_birth"]]
    episode = ScriptedEpisode(setup)
    for fact in facts[:named]:
        episode.user_says(f"It is {fact}.")
    episode.call(VERIFY, verification.arguments)
    found = check_trajectory(setup.start(), episode.messages, POLICY_RULES)
    assert ("enough facts named" not in {each.rule for each in found}) is enough


def test_a_tool_whose_name_was_not_read_is_not_unlocked() -> None:
    setup = TaskSetup(task_with(VERIFY), lambda: get_environment(retrieval_variant="bm25_grep"))
    for pattern, broke in (("unfreeze_debit_card", False), ("safe deposit", True)):
        episode = ScriptedEpisode(setup)
        episode.call("grep", {"pattern": pattern})
        name = {"agent_tool_name": "unfreeze_debit_card_3893"}
        episode.call("unlock_discoverable_agent_tool", name)
        found = check_trajectory(setup.start(), episode.messages, POLICY_RULES)
        assert ("tools that a document names" in {each.rule for each in found}) is broke


@pytest.mark.parametrize(
    ("tool", "values", "rule"),
    [
        (
            "update_transaction_rewards_3847",
            {"new_rewards_earned": "9999 points"},
            "points changed to those due, after an approved dispute",
        ),
        (
            "apply_statement_credit_8472",
            {"amount": 500.0},
            "statement credits within the rules",
        ),
        (
            "apply_statement_credit_8472",
            {"reason": "goodwill_adjustment"},
            "statement credits within the rules",
        ),
        (
            "approve_credit_limit_increase_5847",
            {"new_credit_limit": 900000},
            "higher limits within the rules",
        ),
        (
            "close_bank_account_7392",
            {"reason": "The customer is unhappy"},
            "accounts closed with a listed reason",
        ),
        ("order_debit_card_5739", {"delivery_fee": 1.0}, "debit cards at the fees of the level"),
        (
            "file_credit_card_transaction_dispute_4829",
            {"dispute_reason": "unauthorized_fraudulent_charge"},
            "credit card disputes within the rules",
        ),
        (
            "file_debit_card_transaction_dispute_6281",
            {"customer_max_liability_amount": 7.0},
            "debit card disputes within the rules",
        ),
        (
            "file_debit_card_transaction_dispute_6281",
            {"transaction_date": "01/02/2025"},
            "debit card disputes within the rules",
        ),
    ],
)
def test_what_is_not_right_is_named(tool: str, values: dict[str, Any], rule: str) -> None:
    assert rule in broken(task_with(tool), with_argument(tool, **values))


def test_points_are_not_changed_without_a_dispute() -> None:
    task = task_with("update_transaction_rewards_3847")
    rule = "points changed to those due, after an approved dispute"
    assert rule in broken(task, without("call_discoverable_user_tool"))
