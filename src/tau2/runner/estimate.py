"""What a run would cost, as a range: calls, tokens and US dollars. Nothing is played or written.

Prompts are measured as they would be sent: policy, instructions and tools of the agent, scenario
and tools of the user. The length of conversations is a guess from the reference actions of each
task: how many tool calls and turns they take at a low, a typical and a high pace. Every call sends
all messages before it, so prompts grow.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tau2.data_model.run_config import RunConfig, TextRunConfig
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.llm.middleware.budget import known_price
from tau2.llm.prices import Price
from tau2.llm.wire import tools_to_wire
from tau2.participant.protocols import AgentProtocol, UserProtocol
from tau2.runner.build import make_agent, make_user
from tau2.runner.resolve import ResolvedRun, RoleModel, resolve


@dataclass(frozen=True, slots=True)
class Pace:
    """What a reference action leads to in a conversation; lengths are in tokens."""

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
_JUDGED = 120  # tokens of a judge about one assertion


@dataclass(slots=True)
class Amount:
    """Calls and tokens of one role."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, other: Amount, times: int = 1) -> None:
        """Add another amount."""
        self.calls += other.calls * times
        self.prompt_tokens += other.prompt_tokens * times
        self.completion_tokens += other.completion_tokens * times


@dataclass(frozen=True, slots=True)
class RoleEstimate:
    """What one role's model would be asked."""

    role: str
    model: str
    price: Price | None
    amounts: dict[str, Amount] = field(default_factory=lambda: {name: Amount() for name in PACES})
    """By pace."""

    def cost(self, pace: str) -> float | None:
        """Return the US dollars at a pace; None if the price is not known."""
        if self.price is None:
            return None
        amount = self.amounts[pace]
        return self.price.of(amount.prompt_tokens, amount.completion_tokens)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would take."""

    tasks: int
    trials: int
    roles: tuple[RoleEstimate, ...]

    @property
    def simulations(self) -> int:
        """How many simulations it has."""
        return self.tasks * self.trials

    def cost(self, pace: str) -> float | None:
        """Return the US dollars of all roles; None if any price is not known."""
        costs = [role.cost(pace) for role in self.roles]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


def estimate(
    config: RunConfig,
    tasks: Sequence[Task],
    evaluation_type: EvaluationType = EvaluationType.ALL,
) -> Estimate:
    """Return what a run of these tasks would take.

    Raise UnknownName, or ConfigError for a voice run.
    """
    if not isinstance(config, TextRunConfig):
        raise ConfigError("the costs of voice runs cannot be estimated: speech models bill by time")
    run = resolve(config)
    models = run.models(tasks, evaluation_type)
    roles = {name: RoleEstimate(name, used.model, _price(used)) for name, used in models.items()}
    prompts = _PromptSizes(run, config)
    for task in tasks:
        sizes = prompts.of(task, models)
        for pace in PACES:
            for name, amount in _of_task(run, task, sizes, pace, evaluation_type).items():
                if name in roles:
                    roles[name].amounts[pace].add(amount, config.num_trials)
    return Estimate(len(tasks), config.num_trials, tuple(roles.values()))


def _price(used: RoleModel) -> Price | None:
    try:
        return known_price(used.model, used.args)
    except ConfigError:
        return None


class _PromptSizes:
    """Measures prompts, in characters."""

    def __init__(self, run: ResolvedRun, config: TextRunConfig) -> None:
        self._run = run
        self._config = config
        self._environment = run.environment()
        self._agent_tools = _size(tools_to_wire(self._environment.get_tools()))

    def of(self, task: Task, models: Collection[str]) -> dict[str, int]:
        """Return the characters of each role's prompt before an episode of the task begins."""
        run, environment, sizes = self._run, self._environment, {}
        options: dict[str, Any] = {"solo": run.is_solo, "llm_args": {}, "seed": 0}
        if "agent" in models:
            agent = make_agent(
                run.make_agent, environment, task, llm=self._config.effective_agent_model, **options
            )
            sizes["agent"] = _prompt_size(agent, environment.get_policy()) + self._agent_tools
        if "user" in models:
            user = make_user(run.make_user, environment, task, llm=run.config.llm_user, **options)
            tools = _size(tools_to_wire(getattr(user, "tools", None) or None))
            sizes["user"] = _prompt_size(user, str(task.user_scenario)) + tools
        return sizes


def _prompt_size(participant: AgentProtocol | UserProtocol, default: str) -> int:
    """Return the characters of a participant's own prompt, or of the default one."""
    prompt = getattr(participant, "system_prompt", None)
    return len(prompt if isinstance(prompt, str) else default)


def _size(tools: Any) -> int:
    return len(json.dumps(tools, default=str)) if tools else 0


def _of_task(
    run: ResolvedRun,
    task: Task,
    sizes: Mapping[str, int],
    name: str,
    evaluation_type: EvaluationType,
) -> dict[str, Amount]:
    """Return what one simulation of a task takes at a pace, by role."""
    pace = PACES[name]
    actions = task.reference_actions
    by_user = sum(action.requestor == "user" for action in actions)
    agent_tools = round((len(actions) - by_user) * pace.tools_per_action) + pace.more_tools
    user_tools = round(by_user * pace.tools_per_action)
    turns = 0 if run.is_solo else round(pace.turns + len(actions) * pace.turns_per_action)
    most = run.config.effective_max_steps
    agent_tools, user_tools, turns = _within(most, agent_tools, user_tools, turns)

    tool_tokens = pace.call_tokens + pace.result_tokens
    turn_tokens = turns * (pace.agent_tokens + pace.user_tokens)
    seen_by_agent = agent_tools * tool_tokens + turn_tokens
    seen_by_user = user_tools * tool_tokens + turn_tokens
    agent_calls = max(1, agent_tools + turns)
    user_calls = turns + user_tools + (turns > 0)
    by_agent = agent_tools * pace.call_tokens + turns * pace.agent_tokens
    agent_prompt = sizes.get("agent", 0) / pace.characters_per_token
    user_prompt = sizes.get("user", 0) / pace.characters_per_token
    judge = Amount()
    if task.evaluation_criteria is not None and needs_judge(task, evaluation_type):
        assertions = len(task.evaluation_criteria.nl_assertions or ())
        judge = Amount(1, seen_by_agent + _JUDGE_PROMPT, _JUDGED * assertions)
    return {
        "agent": _growing(agent_calls, agent_prompt, seen_by_agent, by_agent),
        "user": _growing(user_calls, user_prompt, seen_by_user, user_calls * pace.user_tokens),
        "judge": judge,
        "reviewer": Amount(1, seen_by_agent + _JUDGE_PROMPT + round(agent_prompt), 4 * _JUDGED),
    }


def _within(max_steps: int, *counts: int) -> list[int]:
    """Return counts of two steps each, reduced in proportion if they exceed `max_steps`."""
    steps = 2 * sum(counts)
    factor = min(1.0, max_steps / steps) if steps else 1.0
    return [int(count * factor) for count in counts]


def _growing(calls: int, prompt: float, conversation: int, completion: int) -> Amount:
    """Return the amount of a role whose prompt grows evenly to the whole conversation."""
    return Amount(calls, round(calls * prompt + conversation * (calls - 1) / 2), completion)
