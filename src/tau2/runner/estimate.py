"""What a run would cost: calls, tokens and dollars, as a range, before it is paid. Nothing is played or written.

Prompts are measured as they would be sent: policy, instructions and tools of the agent, scenario and tools of the
user. How long conversations become is a guess from the reference actions of each task: how many tool calls and turns
they take when all goes well, usually, and when it drags on. Every call sends everything said before, so prompts grow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tau2.data_model.simulation import TextRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.errors import ConfigError
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.llm.middleware.budget import known_price
from tau2.llm.prices import Price
from tau2.llm.wire import tools_to_wire
from tau2.runner.build import build_agent, build_environment, build_user, is_solo
from tau2.runner.preflight import models_in_use


@dataclass(frozen=True, slots=True)
class Pace:
    """How a conversation goes: what one reference action leads to, and how long everything said is, in tokens."""

    tools_per_action: float
    """Tool calls of the agent."""
    more_tools: int
    turns: int
    """Messages of the user, besides those for actions."""
    turns_per_action: float
    agent_tokens: int
    call_tokens: int
    """A tool call."""
    result_tokens: int
    """A tool's result."""
    user_tokens: int
    characters_per_token: float


PACES: Mapping[str, Pace] = {
    "low": Pace(1.0, 0, 2, 0.3, 50, 35, 100, 20, 4.6),
    "typical": Pace(1.5, 2, 4, 0.5, 110, 45, 250, 45, 4.2),
    "high": Pace(3.0, 6, 10, 1.5, 260, 70, 700, 110, 3.4),
}
_JUDGE_PROMPT = 300  # tokens around the conversation
_JUDGED = 120  # tokens a judge says about one sentence


@dataclass(slots=True)
class Amount:
    """Calls and tokens of one side."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, other: Amount, times: int = 1) -> None:
        """Add another amount."""
        self.calls += other.calls * times
        self.prompt_tokens += other.prompt_tokens * times
        self.completion_tokens += other.completion_tokens * times


@dataclass(frozen=True, slots=True)
class Side:
    """What one model of a run would be asked."""

    role: str
    model: str
    price: Price | None
    amounts: dict[str, Amount] = field(default_factory=lambda: {name: Amount() for name in PACES})
    """By pace."""

    def cost(self, pace: str) -> float | None:
        """Return the US dollars at a pace; None when the price is not known."""
        amount = self.amounts[pace]
        return (
            None
            if self.price is None
            else self.price.of(amount.prompt_tokens, amount.completion_tokens)
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would be."""

    tasks: int
    trials: int
    sides: tuple[Side, ...]

    @property
    def simulations(self) -> int:
        """How many simulations it has."""
        return self.tasks * self.trials

    def cost(self, pace: str) -> float | None:
        """Return the US dollars of all sides; None when any price is not known."""
        costs = [side.cost(pace) for side in self.sides]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


def estimate(
    config: TextRunConfig,
    tasks: Sequence[Task],
    evaluation_type: EvaluationType = EvaluationType.ALL,
) -> Estimate:
    """Return what a run of these tasks would take."""
    models = models_in_use(config, tasks, evaluation_type)
    sides = {role: Side(role, asked.model, _price(asked)) for role, asked in models.items()}
    gauge = _Gauge(config)
    for task in tasks:
        sizes = gauge.sizes(task, models)
        for pace in PACES:
            for role, amount in _of_task(config, task, sizes, pace, evaluation_type).items():
                if role in sides:
                    sides[role].amounts[pace].add(amount, config.num_trials)
    return Estimate(len(tasks), config.num_trials, tuple(sides.values()))


def _price(asked: Judge) -> Price | None:
    try:
        return known_price(asked.model, asked.args)
    except ConfigError:
        return None


class _Gauge:
    """Measures prompts, in characters."""

    def __init__(self, config: TextRunConfig) -> None:
        self.config, self.solo = config, is_solo(config)
        self.environment: Environment = build_environment(config.domain, solo_mode=self.solo)
        self._agent_tools = _size(tools_to_wire(self.environment.get_tools()))

    def sizes(self, task: Task, models: Mapping[str, Any]) -> dict[str, int]:
        """Return the characters of what each side is told before a task begins."""
        config, sizes = self.config, {}
        if "agent" in models:
            agent = build_agent(
                config.agent,
                self.environment,
                llm=config.llm_agent,
                task=task,
                solo_mode=self.solo,
                seed=0,
            )
            sizes["agent"] = _told(agent, self.environment.get_policy()) + self._agent_tools
        if "user" in models:
            user = build_user(
                config.user,
                self.environment,
                task,
                llm=config.llm_user,
                solo_mode=self.solo,
                seed=0,
            )
            tools = _size(tools_to_wire(getattr(user, "tools", None) or None))
            sizes["user"] = _told(user, str(task.user_scenario)) + tools
        return sizes


def _told(participant: Any, otherwise: str) -> int:
    """Return the characters of a participant's own prompt, or of what every participant is told."""
    prompt = getattr(participant, "system_prompt", None)
    return len(prompt if isinstance(prompt, str) else otherwise)


def _size(tools: Any) -> int:
    return len(json.dumps(tools, default=str)) if tools else 0


def _of_task(
    config: TextRunConfig,
    task: Task,
    sizes: Mapping[str, int],
    name: str,
    evaluation_type: EvaluationType,
) -> dict[str, Amount]:
    """Return what one simulation of a task takes at a pace."""
    pace = PACES[name]
    actions = task.reference_actions
    by_user = sum(action.requestor == "user" for action in actions)
    tools = round((len(actions) - by_user) * pace.tools_per_action) + pace.more_tools
    user_tools = round(by_user * pace.tools_per_action)
    turns = 0 if is_solo(config) else round(pace.turns + len(actions) * pace.turns_per_action)
    tools, user_tools, turns = _within(config.max_steps, tools, user_tools, turns)
    said = tools * (pace.call_tokens + pace.result_tokens) + turns * (
        pace.agent_tokens + pace.user_tokens
    )
    agent_calls, user_calls = max(1, tools + turns), turns + user_tools + (turns > 0)
    by_agent = tools * pace.call_tokens + turns * pace.agent_tokens
    to_user = turns * (pace.agent_tokens + pace.user_tokens) + user_tools * (
        pace.call_tokens + pace.result_tokens
    )
    told = sizes.get("agent", 0)
    return {
        "agent": _talk(agent_calls, told, said, by_agent, pace),
        "user": _talk(
            user_calls, sizes.get("user", 0), to_user, user_calls * pace.user_tokens, pace
        ),
        "judge": _judged(task, said, evaluation_type),
        "reviewer": Amount(
            1, said + _JUDGE_PROMPT + round(told / pace.characters_per_token), 4 * _JUDGED
        ),
    }


def _judged(task: Task, said: int, evaluation_type: EvaluationType) -> Amount:
    if task.evaluation_criteria is None or not needs_judge(task, evaluation_type):
        return Amount()
    return Amount(
        1, said + _JUDGE_PROMPT, _JUDGED * len(task.evaluation_criteria.nl_assertions or ())
    )


def _within(max_steps: int, *counts: int) -> list[int]:
    """Return the counts, made smaller together where they exceed the longest episode: every move is two steps."""
    moves = 2 * sum(counts)
    factor = min(1.0, max_steps / moves) if moves else 1.0
    return [int(count * factor) for count in counts]


def _talk(calls: int, told: int, said: int, own: int, pace: Pace) -> Amount:
    """Return the amount of a side whose prompt grows evenly from what it is told to all that is said."""
    base = told / pace.characters_per_token
    return Amount(calls, round(calls * base + said * (calls - 1) / 2), own)
