"""Scripted episodes in every domain.

An agent's moves, fixed beforehand, against the scripted user.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from tau2.agent.oracle_agent import create_oracle_agent
from tau2.data_model.message import AssistantMessage, Message, ToolCall
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.registry import registry
from tau2.rollout import RolloutSetup
from tau2.runner.simulation import run_simulation
from tau2.seeds import derive_seed


@dataclass(frozen=True)
class Play:
    """What an agent does in one task, whatever it hears.

    After its last move it only says farewell.
    """

    domain: str
    task: Task
    seed: int
    moves: tuple[AssistantMessage, ...]
    """Each is a text or one tool call: what every trainer can say."""

    @property
    def setup(self) -> RolloutSetup:
        return RolloutSetup(self.domain, user="scripted_user")


class Outcome(NamedTuple):
    """All that has to be the same whoever drives an episode."""

    transcript: list[Any]
    reason: str
    reward: float | None
    hashes: tuple[str | None, str | None]


def outcome(run: SimulationRun, environment: Environment) -> Outcome:
    reward = run.reward_info.reward if run.reward_info else None
    hashes = environment.get_db_hash(), environment.get_user_db_hash()
    return Outcome(transcript(run.messages), run.termination_reason.value, reward, hashes)


def transcript(messages: list[Message]) -> list[Any]:
    """Return what was said and done.

    Times and costs are left out, and calls are numbered in place of their ids.
    """
    numbers: dict[str, int] = {}
    return [
        (
            message.role,
            message.content,
            [
                (number_of(c.id, numbers), c.name, c.arguments)
                for c in getattr(message, "tool_calls", None) or ()
            ],
            (number_of(message.id, numbers), message.requestor, message.error)
            if message.role == "tool"
            else None,
        )
        for message in messages
    ]


def number_of(call_id: str, numbers: dict[str, int]) -> int:
    return numbers.setdefault(call_id, len(numbers))


def some_plays(domain: str, count: int) -> list[Play]:
    """Return plays of different tasks.

    Some with moves that lead nowhere, some with one left out.
    """
    rng = random.Random(derive_seed(1, "plays", domain))
    tasks = [task for task in registry.get_tasks_loader(domain)() if task.evaluation_criteria]
    chosen = rng.sample(tasks, min(count, len(tasks)))
    return [_play(rng, domain, task, number) for number, task in enumerate(chosen)]


def _play(rng: random.Random, domain: str, task: Task, number: int) -> Play:
    moves = reference_moves(domain, task, seed=number)
    for _ in range(rng.randint(1, 3) if number % 2 else 0):
        moves.insert(rng.randint(0, len(moves)), stray_move(rng, domain))
    if number % 3 == 2:
        del moves[rng.randrange(len(moves))]
    return Play(domain, task, number, tuple(moves))


def reference_moves(domain: str, task: Task, seed: int) -> list[AssistantMessage]:
    """Return what the oracle says and does in a conversation with the scripted user."""
    cast = RolloutSetup(domain, user="scripted_user")
    environment = cast.new_environment()
    agent = create_oracle_agent(environment.get_tools(), environment.get_policy(), task=task)
    episode = cast.wire(task, environment, agent, cast.make_user(environment, task), seed)
    run = run_simulation(episode)
    known = len(task.initial_state.message_history or ()) if task.initial_state else 0
    played = run.messages[
        known or 1 :
    ]  # without a history of its own, an episode begins with the greeting
    return [as_move(message) for message in played if isinstance(message, AssistantMessage)]


def as_move(message: AssistantMessage) -> AssistantMessage:
    calls = [
        ToolCall(name=call.name, arguments=call.arguments) for call in message.tool_calls or ()
    ]
    return AssistantMessage(content=message.content, tool_calls=calls or None)


def stray_move(rng: random.Random, domain: str) -> AssistantMessage:
    """Return a text, a call that is wrong, or a call of any tool with any arguments."""
    tools = _parameters(domain)
    name = rng.choice([*tools, "no_such_tool"])
    wrong = dict.fromkeys(tools.get(name, ()), rng.choice(["1", "", "ü", 7]))
    kind = rng.randrange(4)
    if kind == 0:
        return AssistantMessage(
            content=rng.choice(["One moment, please.", "What is your name?", "Anything else?"])
        )
    return AssistantMessage(tool_calls=[ToolCall(name=name, arguments=wrong if kind > 1 else {})])


@cache
def _parameters(domain: str) -> dict[str, list[str]]:
    tools = registry.get_env_constructor(domain)().get_tools()
    return {tool.name: list(tool.parameters.get("properties", {})) for tool in tools}


def farewell() -> AssistantMessage:
    """Return words that lead the scripted user to an end.

    Not every agent may end a conversation itself.
    """
    return AssistantMessage(content="Is there anything else I can help you with?")


def moves_of(play: Play) -> Iterator[AssistantMessage]:
    """Yield the moves, and then farewells for ever."""
    return itertools.chain(
        (move.model_copy(deep=True) for move in play.moves), iter(farewell, None)
    )
