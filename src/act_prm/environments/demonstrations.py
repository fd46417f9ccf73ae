"""Demonstrations: reference episodes, step by step, as a model would have played them online.

tau2's oracle plays the agent and its scripted customer the user, so nothing asks a model and every demonstration of a
task is the same.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

from act_prm.environments.tau2bench import Tau2BenchEnv
from act_prm.environments.tau2bench_messages import actions_of
from act_prm.environments.tau2bench_state import Tau2BenchState
from act_prm.environments.types import Message
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.data_model.message import Message as Tau2Message
from tau2.data_model.message import MultiToolMessage, ToolMessage
from tau2.data_model.tasks import Task
from tau2.rollout import find_task

_MOST_STEPS = 200  # messages and tool executions; the longest reference episodes have about 100


@dataclass(frozen=True, slots=True)
class DemonstrationStep:
    """What the model is shown, and what it should do then."""

    state: Tau2BenchState
    """Where the episode stood; it has moved on since."""
    actions: list[ActionFromLLM]
    """The model's turn: one call."""
    reward: float
    """What the turn was worth: 0.0 before the last one."""
    done: bool

    @property
    def messages(self) -> list[Message]:
        """The conversation before the turn, without the system prompt."""
        return self.state.messages


def demonstration(
    env: Tau2BenchEnv | str, task: Task | str, *, seed: int = 0
) -> list[DemonstrationStep]:
    """Return the steps of the reference episode of a task, by id or itself; the last one says what it earned.

    `env` is an environment, whose prompt and roles are used, or a domain. The episode has no limit of turns. Raise
    UnknownName for a task that there is not, AgentError for one without a reference solution.
    """
    stage = _stage(
        Tau2BenchEnv(env, num_train_tasks=1, num_test_tasks=0) if isinstance(env, str) else env
    )
    task = find_task(stage.domain, task) if isinstance(task, str) else task
    state = stage.begin(task, seed)
    oracle = _Oracle(stage, state)
    steps: list[DemonstrationStep] = []
    while not state.done:
        actions = oracle.actions(state)
        result = stage.step(actions, None, state)
        steps.append(DemonstrationStep(state, actions, result.reward, result.done))
        state = result.state
    return steps


def _stage(env: Tau2BenchEnv) -> Tau2BenchEnv:
    """Return an environment like this one in which reference episodes are played to their end."""
    stage = copy.copy(env)
    stage.cast = replace(
        env.cast, user="scripted_user", agent="oracle_agent", max_steps=_MOST_STEPS
    )
    stage.max_turns, stage.shaping = None, None
    return stage


class _Oracle:
    """tau2's oracle in the seat of the model."""

    def __init__(self, stage: Tau2BenchEnv, state: Tau2BenchState) -> None:
        rollout = state.live()
        heard = rollout.reset_result.observation if rollout.reset_result is not None else ()
        seen = rollout.messages
        self._solo = stage.cast.solo
        self._agent = stage.cast.make_agent(rollout.environment, rollout.task)
        self._memory = self._agent.get_init_state(seen[: len(seen) - len(heard)])

    def actions(self, state: Tau2BenchState) -> list[ActionFromLLM]:
        """Return what the oracle does next, as a turn of the model."""
        turn = state.live().result
        heard = _as_one(turn.observation if turn is not None else ())
        message, self._memory = self._agent.generate_next_message(heard, self._memory)
        return actions_of(message, state.timestep, solo=self._solo)


def _as_one(heard: tuple[Tau2Message, ...]) -> Any:
    """Return what was heard as one message, as agents get it; None when nobody spoke."""
    results = [message for message in heard if isinstance(message, ToolMessage)]
    if len(results) > 1:
        return MultiToolMessage(tool_messages=results)
    return heard[-1] if heard else None
