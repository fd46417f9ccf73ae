"""A person plays: what is typed, and what is shown for it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tau2.rollout import Rollout, RolloutSetup
from tau2.view.stage import COMMANDS, Stage

CALL = 'create_task(user_id="user_1", title="Important Meeting")'


class Player:
    def __init__(self, seat: str, task: str) -> None:
        self.console = Console(
            file=io.StringIO(), width=100, markup=False, emoji=False, highlight=False
        )
        cast = RolloutSetup("mock", user="scripted_user", agent="oracle_agent")
        self.stage = Stage(Rollout(cast, role=seat), self.console.print)
        self.stage.begin(cast.find_task(task), 7)

    def __call__(self, *typed: str) -> str:
        """Type lines, and return what was shown for the last one."""
        for line in typed:
            self.console.file = io.StringIO()
            self.stage.answer(line)
        return self.console.file.getvalue()


@pytest.fixture
def agent():
    return Player("agent", "create_task_1")


@pytest.fixture
def customer():
    return Player("user", "update_task_1")


def test_an_agent_solves_a_task_and_is_graded(agent):
    assert "task_2" in agent(CALL)
    shown = agent("It is on your list. Anything else?")
    assert "ended: user_stop" in shown
    assert "✓ DB" in shown
    assert agent.stage.is_over
    assert agent.stage.rollout.run.reward_info.reward == 1.0


def test_a_call_may_be_json(agent):
    arguments = '{"user_id": "user_1", "title": "Tea"}'
    assert "Tea" in agent(f'{{"name": "create_task", "arguments": {arguments}}}')


def test_a_customer_plays_against_the_reference_agent(customer):
    assert "Shall I" in customer("Please mark task_1 of user_1 as completed")
    customer("yes", "/done")
    assert customer.stage.rollout.run.termination_reason.value == "user_stop"


def test_a_move_is_taken_back_with_all_that_it_did(agent):
    agent(CALL)
    assert "Help" in agent("/undo") or "meeting" in agent.console.file.getvalue()
    assert "0 moves of yours remain" in agent.console.file.getvalue()
    assert "task_2" in agent(CALL), "the world is as it was before"
    agent("It is on your list. Anything else?")
    assert agent.stage.rollout.run.reward_info.reward == 1.0


def test_there_may_be_nothing_to_take_back(agent):
    assert "no move to take back" in agent("/undo")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("creat_task(user_id='a')", "did you mean 'create_task'?"),
        ("create_task(user_1)", "needs its name"),
        ('{"name": "create_task"', "not valid JSON"),
        ("/polcy", "did you mean '/policy'?"),
    ],
)
def test_a_slip_is_explained_and_not_sent(agent, typed, hint):
    shown = agent(typed)
    assert shown.startswith("not sent: ")
    assert hint in " ".join(shown.split())
    assert agent.stage.rollout.steps == []


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in {"/done", "/quit", "/undo"}]
)
def test_every_command_shows_something_and_changes_nothing(agent, command):
    assert agent(command).strip()
    assert agent.stage.rollout.steps == []
    assert not agent.stage.is_over


def test_what_is_known_is_shown_on_demand(agent):
    assert "Important Meeting" in agent("/task")
    assert "create_task(user_id, title, description)" in agent("/tools")
    assert "user_id: str" in agent("/tools create_task")
    assert "did you mean 'create_task'?" in agent("/tools creat_task")
    assert "lost on DB" in agent("/reward")


def test_one_may_leave_before_the_end(agent):
    agent("/quit")
    assert agent.stage.is_over
    assert agent.stage.was_left
    assert agent.stage.rollout.run is None


def test_an_empty_line_is_nothing(agent):
    assert agent("   ") == ""


def test_the_other_side_that_fails_leaves_the_move_unmade(agent, monkeypatch):
    def fails(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(agent.stage.rollout.orchestrator.user, "generate_next_message", fails)
    with pytest.raises(KeyboardInterrupt):
        agent("hello")
    assert agent.stage.rollout.steps == []


def test_names_are_completed(agent):
    complete = agent.stage.completions
    assert complete("create", "create") == ["create_task("]
    assert complete("create_task(ti", "ti") == ["title="]
    assert complete("/to", "/to") == ["/tools"]
    assert complete("/tools upd", "upd") == ["update_task_status"]
    assert "/undo" in complete("/", "/")
    assert complete("hello cre", "cre") == []
