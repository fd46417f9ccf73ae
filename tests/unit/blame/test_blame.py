"""Whose failure it is: short stories with a known culprit."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cast import ON_THE_LIST, calls, play, says
from tests.faults.planted import PLANTS, clean_conversations, planted

from tau2.blame import Kind, Side, blame_results, blame_simulation, with_blame
from tau2.blame.acts import acts_of, declines
from tau2.data_model.run_config import TextRunConfig
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.domains.mock.environment import get_environment, get_tasks
from tau2.environment.task_setup import TaskSetup
from tau2.metrics.outcomes import blame_note, blamed
from tau2.runner import run_tasks
from tau2.runner.resolve import policy_rules
from tau2.user.base_user import STOP
from tau2.user.scripted_user.understanding import Act

TASK = next(task for task in get_tasks() if task.id == "create_task_1")
SETUP = TaskSetup(TASK, get_environment)
WISH = "Please create a task called 'Important Meeting' for me. I am user_1."


def story(agent: tuple[Any, ...], user: tuple[Any, ...]) -> SimulationRun:
    return play("create_task_1", agent=agent, user=user)


def verdict(agent: tuple[Any, ...], user: tuple[Any, ...]) -> tuple[Side, Kind, int | None]:
    blame = blame_simulation(story(agent, user), SETUP)
    assert blame is not None
    return blame.finding.side, blame.finding.kind, blame.finding.turn


def test_nobody_is_blamed_for_a_success() -> None:
    run = story(says(calls("create_task", **ON_THE_LIST), "It is on the list."), says(WISH, STOP))
    assert blame_simulation(run, SETUP) is None


def test_the_agent_says_that_it_is_done_and_has_done_nothing() -> None:
    found = verdict(
        says("I have created the task for you. Anything else?"), says(WISH, f"No, thanks. {STOP}")
    )
    assert found == (Side.AGENT, Kind.CLAIMED_NOT_DONE, 2)


def test_the_agent_refuses_what_it_may_do() -> None:
    found = verdict(
        says("I am sorry, I am not able to create tasks."), says(WISH, f"A pity. {STOP}")
    )
    assert found == (Side.AGENT, Kind.REFUSED, 2)


def test_the_agent_writes_another_value_than_the_customer_named() -> None:
    wrong = calls("create_task", user_id="user_1", title="Unimportant Meeting")
    found = verdict(says(wrong, "It is on the list."), says(WISH, STOP))
    assert found == (Side.AGENT, Kind.WRONG_VALUE, 2)


def test_the_customer_leaves_while_the_agent_waits_for_consent() -> None:
    found = verdict(
        says("I would create the task 'Important Meeting' for user_1. Shall I go ahead?"),
        says(WISH, f"Thank you very much! {STOP}"),
    )
    assert found == (Side.USER, Kind.ENDED_EARLY, 3)


def test_the_customer_leaves_on_a_promise() -> None:
    found = verdict(
        says("I will create that task for you now."), says(WISH, f"Great, thanks! {STOP}")
    )
    assert found == (Side.USER, Kind.ENDED_EARLY, 3)


def test_the_customer_declines_the_own_wish() -> None:
    found = verdict(
        says("I would create the task 'Important Meeting' for user_1. Shall I go ahead?"),
        says(WISH, f"No, leave it. {STOP}"),
    )
    assert found == (Side.USER, Kind.REFUSED_OWN_WISH, 3)


def test_a_user_simulator_that_failed_is_the_users_failure() -> None:
    run = story(says("Hello?"), says(WISH))
    run.termination_reason = TerminationReason.USER_ERROR
    blame = blame_simulation(run, SETUP)
    assert blame is not None
    assert blame.side is Side.USER


def test_a_conversation_without_a_score_is_nobodys_failure() -> None:
    run = story(says("Hello?"), says(WISH, STOP))
    run.reward_info = None
    blame = blame_simulation(run, SETUP)
    assert blame is not None
    assert blame.side is Side.INFRASTRUCTURE


def test_a_run_that_does_not_hold_the_task_says_so() -> None:

    config = TextRunConfig(domain="mock", agent="lazy_agent", user="scripted_user", seed=1)
    results = run_tasks(config, [TASK], console_display=False)
    results.tasks = []
    (verdict,) = blame_results(results, get_environment)
    assert verdict.side is Side.TASK
    assert "does not hold the task" in verdict.finding.reason


def test_a_failure_without_messages_names_no_message() -> None:
    run = story(says("Hello?"), says(WISH, STOP))
    run.messages = []
    blame = blame_simulation(run, SETUP)
    assert blame is not None
    assert blame.finding.turn is None


def test_the_verdict_is_kept_in_the_record_and_follows_a_new_reward() -> None:
    run = story(says("I am not able to do that."), says(WISH, f"A pity. {STOP}"))
    noted = with_blame(run, SETUP, policy_rules("mock"))
    assert blamed(noted) == "agent"
    assert blame_note(noted) == (
        "at fault: agent (refused although allowed, message 2): "
        "The agent refused; the reference calls create_task."
    )
    assert noted.reward_info is not None
    noted.reward_info.reward = 1.0
    assert blame_note(with_blame(noted, SETUP, [])) is None


def test_an_environment_that_cannot_be_built_is_no_participants_failure() -> None:
    def broken() -> Any:
        raise OSError("the database is gone")

    run = story(says("Bye."), says(WISH, STOP))
    blame = blame_simulation(run, TaskSetup(TASK, broken))
    assert blame is not None
    assert blame.finding.kind is Kind.UNGRADABLE


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Reply yes to proceed.", Act.ASKS_CONSENT),
        ("Would you like me to go ahead with this change?", Act.ASKS_CONSENT),
        ("Please confirm these details (yes/no).", Act.ASKS_CONSENT),
        ("Unfortunately, our policy does not allow refunds.", Act.REFUSES),
        ("I can't change the origin of the flight.", Act.REFUSES),
        ("I'll cancel the order now.", Act.PROMISES),
        ("One moment please.", Act.PROMISES),
        ("Your reservation has been cancelled.", Act.REPORTS_DONE),
        ("I've updated your address.", Act.REPORTS_DONE),
        ("All set!", Act.REPORTS_DONE),
        ("Could you give me your user id?", Act.ASKS_FACTS),
        ("Is there anything else I can help you with?", Act.OFFERS_MORE),
    ],
)
def test_what_a_message_of_the_agent_does(text: str, act: Act) -> None:
    assert act in acts_of(text)
    assert acts_of(text) <= {act, Act.ASKS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No, leave it.", True),
        ("no thanks", True),
        ("I'd rather not.", True),
        ("Don't do that, please.", True),
        ("No problem, go ahead.", False),
        ("I don't have my number at hand. Yes, go ahead.", False),
        ("Yes, nothing against it.", False),
    ],
)
def test_a_refusal_is_told_from_consent(text: str, expected: bool) -> None:
    assert declines(text) is expected


@pytest.mark.parametrize("domain", ["mock", "retail", "airline", "telecom"])
def test_planted_failures_are_blamed_on_the_side_that_failed(domain: str) -> None:
    rules = policy_rules(domain)
    right = total = 0
    for clean in clean_conversations(domain, 3):
        for one in planted(clean):
            blame = blame_simulation(one.run, one.setup, rules)
            right += blame is not None and blame.side is one.side
            total += 1
    assert total > 2 * len(PLANTS)
    assert right / total >= 0.9
