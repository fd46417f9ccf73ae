"""Demonstrations: reference episodes as the policy steps that would have led to them online.

The oracle agent plays against the scripted user, so no model is called and every demonstration of a
task with the same seed is the same.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from act_prm.environments.tau2bench import Tau2BenchEnv
from act_prm.environments.tau2bench_messages import actions_of
from act_prm.environments.tau2bench_state import Tau2BenchState
from act_prm.environments.types import Message
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.data_model.message import Message as Tau2Message
from tau2.data_model.message import MultiToolMessage, ToolMessage
from tau2.data_model.tasks import Task
from tau2.rollout import find_task

_MAX_STEPS = 200  # messages and tool executions; the longest reference episodes have about 100


@dataclass(frozen=True, slots=True)
class DemonstrationStep:
    """What a policy observes, and what it should do."""

    state: Tau2BenchState
    """The state before the step. Its episode has moved on, so it cannot be stepped."""
    actions: list[ActionFromLLM]
    """The actions of the step: one call."""
    reward: float
    """0.0 before the last step."""
    done: bool

    @property
    def messages(self) -> list[Message]:
        """The conversation before the step, without the system prompt."""
        return self.state.messages


def demonstration(
    env: Tau2BenchEnv | str, task: Task | str, *, seed: int = 0
) -> list[DemonstrationStep]:
    """Return the steps of the reference episode of a task or task id; the last has the reward.

    `env` is an environment, whose prompt and roles are used, or the name of a domain. The episode
    has no limit of turns.

    Raises:
        UnknownName: the domain has no such task.
        AgentError: the task has no reference solution.
    """
    if isinstance(env, str):
        env = Tau2BenchEnv(env, num_train_tasks=1, num_test_tasks=0)
    reference_env = _reference_env(env)
    task = find_task(reference_env.domain, task) if isinstance(task, str) else task
    state = reference_env.begin(task, seed)
    oracle = _Oracle(reference_env, state)
    steps: list[DemonstrationStep] = []
    while not state.done:
        actions = oracle.actions(state)
        result = reference_env.step(actions, None, state)
        steps.append(DemonstrationStep(state, actions, result.reward, result.done))
        state = result.state
    return steps


def _reference_env(env: Tau2BenchEnv) -> Tau2BenchEnv:
    """Return a copy of an environment in which the oracle and the scripted user play to the end."""
    reference_env = copy.copy(env)
    reference_env.setup = replace(
        env.setup, user="scripted_user", agent="oracle_agent", max_steps=_MAX_STEPS
    )
    reference_env.max_turns = None
    reference_env.shaping = None
    return reference_env


class _Oracle:
    """The oracle agent as a policy."""

    def __init__(self, env: Tau2BenchEnv, state: Tau2BenchState) -> None:
        rollout = state.live()
        first = rollout.reset_result.observation if rollout.reset_result is not None else ()
        seen = rollout.messages
        self._solo = env.setup.solo
        self._agent = env.setup.make_agent(rollout.environment, rollout.task)
        self._agent_state = self._agent.get_init_state(seen[: len(seen) - len(first)])

    def actions(self, state: Tau2BenchState) -> list[ActionFromLLM]:
        """Return the oracle's next message as actions of a policy."""
        result = state.live().result
        observation = _as_one_message(result.observation if result is not None else ())
        message, self._agent_state = self._agent.generate_next_message(
            observation, self._agent_state
        )
        return actions_of(message, state.timestep, solo=self._solo)


def _as_one_message(
    observation: tuple[Tau2Message, ...],
) -> Tau2Message | MultiToolMessage | None:
    """Return an observation as the one message that agents take; None for an empty one."""
    results = [message for message in observation if isinstance(message, ToolMessage)]
    if len(results) > 1:
        return MultiToolMessage(tool_messages=results)
    return observation[-1] if observation else None
