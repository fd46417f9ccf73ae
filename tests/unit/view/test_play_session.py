"""A person plays, without a terminal: what is typed, and what is shown for it."""

from __future__ import annotations

import asyncio

import pytest

from tau2.rollout import Rollout, RolloutSetup
from tau2.view.content.blocks import Block, capped
from tau2.view.content.play import COMMANDS, PlaySession

CALL = 'create_task(user_id="user_1", title="Important Meeting")'


class Player:
    def __init__(self, seat: str, task: str, **more: object) -> None:
        self.shown: list[Block] = []
        setup = RolloutSetup("mock", user="scripted_user", agent="oracle_agent")
        self.session = PlaySession(Rollout(setup, role=seat), self.shown.append, **more)
        self.runner = asyncio.Runner()
        self.runner.run(self.session.begin(setup.find_task(task), 7))

    def __call__(self, *typed: str) -> str:
        """Type lines, and return what was shown for the last one."""
        for line in typed:
            self.shown.clear()
            self.runner.run(self.session.answer(line))
        return "\n".join(block.text for block in self.shown).strip()


@pytest.fixture
def player():
    players = []

    def sits(*where: str, **more: object) -> Player:
        players.append(Player(*where, **more))
        return players[-1]

    yield sits
    for each in players:
        each.session.close()
        each.runner.close()


@pytest.fixture
def agent(player):
    return player("agent", "create_task_1")


@pytest.fixture
def customer(player):
    return player("user", "update_task_1")


def test_an_agent_solves_a_task_and_is_graded(agent):
    assert "task_2" in agent(CALL)
    shown = agent("It is on your list. Anything else?")
    assert "ended: user_stop" in shown
    assert "✓ DB" in shown
    assert agent.session.is_over
    assert agent.session.rollout.run.reward_info.reward == 1.0


def test_a_call_may_be_json(agent):
    arguments = '{"user_id": "user_1", "title": "Tea"}'
    assert "Tea" in agent(f'{{"name": "create_task", "arguments": {arguments}}}')


def test_a_customer_plays_against_the_reference_agent(customer):
    proposal = customer("Please mark task_1 of user_1 as completed")
    assert "task_1" in proposal
    assert proposal.endswith("?")
    customer("yes", "/done")
    assert customer.session.rollout.run.termination_reason.value == "user_stop"


def test_a_move_is_taken_back_with_all_that_it_did(agent):
    agent(CALL)
    shown = agent("/undo")
    assert "0 moves of yours remain" in shown
    assert "Important Meeting" in shown, "what the other side said before is shown again"
    assert "task_2" in agent(CALL), "the world is as it was before"
    agent("It is on your list. Anything else?")
    assert agent.session.rollout.run.reward_info.reward == 1.0


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
    assert agent.session.rollout.steps == []


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in {"/done", "/quit", "/undo"}]
)
def test_every_command_shows_something_and_changes_nothing(agent, command):
    assert agent(command)
    assert agent.session.rollout.steps == []
    assert not agent.session.is_over


def test_what_is_known_is_shown_on_demand(agent):
    assert "Important Meeting" in agent("/task")
    assert "create_task(user_id, title, description)" in agent("/tools")
    assert "user_id: str" in agent("/tools create_task")
    assert "did you mean 'create_task'?" in agent("/tools creat_task")
    assert "lost on DB" in agent("/reward")


def test_the_last_result_is_shown_whole_and_capped_where_the_screen_asks_for_it(player):
    for more, length in (({}, 60_000), ({"clean": capped}, 20_000)):
        someone = player("agent", "create_task_1", **more)
        someone(f'create_task(user_id="user_1", title="{"x" * 60_000}")')
        assert "/last shows all" in someone.shown[0].text
        assert someone("/last").count("x") == pytest.approx(length, abs=200)


def test_one_may_leave_before_the_end(agent):
    agent("/quit")
    assert agent.session.is_over
    assert agent.session.was_left
    assert agent.session.rollout.run is None


def test_an_empty_line_is_nothing(agent):
    assert agent("   ") == ""


def test_a_move_that_is_interrupted_was_not_made(agent, monkeypatch):
    async def waits(*_args):
        await asyncio.sleep(60)

    monkeypatch.setattr(Rollout, "aadvance", waits)

    async def interrupted():
        move = asyncio.create_task(agent.session.answer("hello"))
        await asyncio.sleep(0.01)
        move.cancel()
        await move

    with pytest.raises(asyncio.CancelledError):
        agent.runner.run(interrupted())
    monkeypatch.undo()
    assert agent.session.rollout.steps == []
    assert "task_2" in agent(CALL), "the play goes on"


def test_names_are_completed(agent):
    complete = agent.session.completions
    assert complete("create", "create") == ["create_task("]
    assert complete("create_task(ti", "ti") == ["title="]
    assert complete("/to", "/to") == ["/tools"]
    assert complete("/tools upd", "upd") == ["update_task_status"]
    assert "/undo" in complete("/", "/")
    assert complete("hello cre", "cre") == []
