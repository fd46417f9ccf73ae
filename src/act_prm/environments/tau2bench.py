"""tau2's tasks as an online environment: a policy plays the agent, tau2 the user and the tools."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from act_prm.environments.base import Environment
from act_prm.environments.tau2bench_messages import (
    HOW_TO_ACT,
    RESPOND_USER_TOOL,
    history_of,
    user_message,
)
from act_prm.environments.tau2bench_splits import by_domain, sliced
from act_prm.environments.tau2bench_splits import generated as generated_tasks
from act_prm.environments.tau2bench_state import Tau2BenchState, Tau2BenchStepResult
from act_prm.environments.tau2bench_step import StepExecution, metadata_of, step_result
from act_prm.environments.types import Message
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.agent.llm_agent import standard_prompt
from tau2.config import DEFAULT_MAX_ERRORS, DEFAULT_USER_IMPLEMENTATION
from tau2.data_model.simulation import RewardInfo
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment as Tau2Environment
from tau2.errors import ModelError
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.llm import CompletionFn
from tau2.orchestrator.episode import Role
from tau2.rollout import Rollout, RolloutSetup, Shaping, StepResult
from tau2.rollout.role_view import role_tools
from tau2.rollout.setup import ParticipantFactory
from tau2.run import get_tasks
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping, JsonObject

logger = logging.getLogger(__name__)

FIRST_USER_TEXT = "Hello, I need help."
"""The first observation when the user says nothing at first."""

_HOW_TO_ACT_SOLO = (
    "Every turn of yours is a tool call; there is nobody to talk to. "
    "When the case is finished, call `done`."
)


class Tau2BenchEnv(Environment):
    """Episodes of one domain.

    An episode is held by its states, so one environment serves any number of episodes at once. No
    model is called before the first `reset`. Further settings are those of `Environment`.

    Args:
        domain: A registered domain.
        user_llm, user_llm_args: The simulated user's model; arguments of None mean temperature 0.
        task_split: The split to take tasks from; default: the domain's base split.
        num_train_tasks, num_val_tasks, num_test_tasks: Sizes of `datasets`; see
            `tau2bench_splits.sliced`.
        max_steps: Messages and tool executions before tau2 ends an episode.
        max_turns: Policy steps before an episode is truncated.
        num_tries, eval_num_tries: Trials of a task that was failed, in training and evaluation;
            trainers read them.
        system_prompt: Precedes the policy.
        user: A registered user, such as "scripted_user" (needs no model), or a function
            `factory(environment, task)`.
        task_ids: Take only these tasks, in this order.
        domain_splits: Take the domain's own train and test splits instead of slices.
        generated: Take new tasks of the domain's factory instead, such as `{"seed": 0,
            "difficulty": "easy"}`; see `tau2bench_splits.generated`.
        llm_agent_prompt: Use the system prompt of tau2's `llm_agent` in place of `system_prompt`,
            so that the trained model finds its prompts there again.
        solo_mode: There is no user; the policy works on the task's ticket.
        max_errors: Failed and unreadable calls before tau2 ends an episode.
        evaluation_type, judge: The checks that grade an episode; the model for NL assertions.
        partial_reward: Reward progress on the task's checks at once (potential-based shaping,
            discounted by `partial_reward_discount`, which keeps the best policy the best).
        completion_fn: Called instead of the user's model.
        retrieval_config, retrieval_config_kwargs: Retrieval variant of a domain that has them, and
            its arguments; default: the domain's own.
    """

    def __init__(
        self,
        domain: str = "airline",
        user_llm: str = "gpt-4.1-2025-04-14",
        user_llm_args: JsonMapping | None = None,
        task_split: str | None = None,
        num_train_tasks: int = 80,
        num_val_tasks: int | None = None,
        num_test_tasks: int = 50,
        max_steps: int = 50,
        max_turns: int | None = 30,
        num_tries: int = 1,
        eval_num_tries: int = 1,
        seed: int = 0,
        split: str = "train",
        system_prompt: str = "You are a helpful customer service agent.",
        *,
        user: str | ParticipantFactory = DEFAULT_USER_IMPLEMENTATION,
        task_ids: Sequence[str] | None = None,
        domain_splits: bool = False,
        generated: JsonMapping | None = None,
        llm_agent_prompt: bool = False,
        solo_mode: bool = False,
        max_errors: int = DEFAULT_MAX_ERRORS,
        evaluation_type: EvaluationType | str = EvaluationType.ALL,
        judge: Judge | None = None,
        partial_reward: bool = False,
        partial_reward_discount: float = 1.0,
        completion_fn: CompletionFn | None = None,
        retrieval_config: str | None = None,
        retrieval_config_kwargs: JsonMapping | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            max_turns=max_turns, num_tries=num_tries, seed=seed, split=split, **settings
        )
        self.domain = domain
        self.eval_num_tries = eval_num_tries
        self.system_prompt = system_prompt
        self.llm_agent_prompt = llm_agent_prompt
        self.evaluation_type = EvaluationType(evaluation_type)
        self.judge = judge
        self.shaping = Shaping(gamma=partial_reward_discount) if partial_reward else None
        self.setup = RolloutSetup(
            domain,
            user=user,
            llm_user=user_llm,
            llm_args_user={"temperature": 0.0} if user_llm_args is None else dict(user_llm_args),
            completion_fn=completion_fn,
            solo=solo_mode,
            max_steps=max_steps,
            max_errors=max_errors,
            retrieval_config=retrieval_config,
            retrieval_config_kwargs=retrieval_config_kwargs,
        )
        sizes = (num_train_tasks, num_val_tasks, num_test_tasks)
        self.datasets: dict[str, list[Task]]
        if generated is not None:
            self.datasets = generated_tasks(domain, generated, *sizes)
        elif domain_splits:
            self.datasets = by_domain(domain, *sizes)
        else:
            self.datasets = sliced(get_tasks(domain, task_split, task_ids), *sizes)
        # A fresh environment knows the policy and the tools; no episode is needed.
        environment = self.setup.new_environment()
        self.domain_policy: str = environment.get_policy()
        task = next((task for tasks in self.datasets.values() for task in tasks), None)
        self.tool_descriptions: list[JsonObject] = []
        if task is not None:
            self.tool_descriptions = self._tool_schemas(environment, task)

    def _tool_schemas(self, environment: Tau2Environment, task: Task) -> list[JsonObject]:
        """Return the tools of a task as flat schemas, `respond_user` last."""
        schemas = [
            tool.openai_schema["function"] for tool in role_tools(environment, task, Role.AGENT)
        ]
        flat = [{"type": "function", **schema} for schema in schemas]
        return flat if self.setup.solo else [*flat, RESPOND_USER_TOOL]

    def _policy_in(self, task: Task) -> str:
        """Return the policy of a task: in some retrieval variants it holds the task's documents."""
        environment = self.setup.new_environment()
        if not environment.prepares():
            return self.domain_policy
        environment.prepare(task)
        return environment.get_policy()

    def build_system_prompt(self, task: Task | None = None) -> str:
        """Return the system prompt: instructions, policy, how to act.

        In solo mode also the ticket.
        """
        policy = self._policy_in(task) if task is not None else self.domain_policy
        if self.llm_agent_prompt:
            parts = [standard_prompt(policy)]
        else:
            parts = [self.system_prompt, f"<policy>\n{policy}\n</policy>"]
        if not self.setup.solo:
            return "\n\n".join([*parts, HOW_TO_ACT])
        ticket = task.ticket if task is not None else None
        return "\n\n".join([*parts, f"<ticket>\n{ticket or ''}\n</ticket>", _HOW_TO_ACT_SOLO])

    def reset(
        self, sample_idx: int = 0, generation_idx: int = 0, try_step: int = 0, batch_idx: int = 0
    ) -> Tau2BenchState:
        """Start an episode and return its first state.

        The task is number `sample_idx` of the split (modulo its size); the episode's seed is
        derived from `seed` and the first three numbers. An episode that failed before the first
        step is over at once, and its metadata say why. Raise ConfigError when it cannot be played
        as configured.
        """
        task, seed = self._task_and_seed(sample_idx, generation_idx, try_step)
        state = self.begin(task, seed)
        return self._numbered(state, sample_idx, generation_idx, try_step, batch_idx)

    def begin(self, task: Task, seed: int | None = None) -> Tau2BenchState:
        """Start an episode of any task of the domain, also one outside `datasets`.

        Raise ConfigError.
        """
        rollout = self._new_rollout()
        rollout.reset(task, seed)
        return self._first_state(rollout, seed)

    def _task_and_seed(
        self, sample_idx: int, generation_idx: int, try_step: int
    ) -> tuple[Task, int]:
        task = self.dataset[self.adjust_sample_idx(sample_idx)]
        return task, derive_seed(self.seed, sample_idx, generation_idx, try_step)

    def _numbered(
        self,
        state: Tau2BenchState,
        sample_idx: int,
        generation_idx: int,
        try_step: int,
        batch_idx: int,
    ) -> Tau2BenchState:
        state.sample_id = self.adjust_sample_idx(sample_idx)
        state.generation_id = generation_idx
        state.try_step = try_step
        state.batch_id = batch_idx
        return state

    def _new_rollout(self) -> Rollout:
        return Rollout(
            self.setup, evaluation_type=self.evaluation_type, judge=self.judge, shaping=self.shaping
        )

    def _first_state(self, rollout: Rollout, seed: int | None) -> Tau2BenchState:
        result = rollout.reset_result or StepResult()
        task = rollout.task
        seen = rollout.messages
        new_messages = history_of(result.observation, self.tool_role)
        if not new_messages:
            ticket = task.ticket if self.setup.solo else None
            new_messages = [user_message(ticket or FIRST_USER_TEXT)]
        tools = self.tool_descriptions
        if self.setup.solo:
            tools = self._tool_schemas(rollout.environment, task)
        state = Tau2BenchState(
            system_prompt=self.build_system_prompt(task),
            new_messages=new_messages,
            prior_messages=history_of(seen[: len(seen) - len(result.observation)], self.tool_role),
            tools=tools,
            metadata={**metadata_of(task.id, rollout, result), "seed": seed},
            first_obs_to_show=self.first_obs_to_show,
            last_obs_to_show=self.last_obs_to_show,
            task_id=task.id,
            rollout=rollout,
            tau2_info={"task": task},
        )
        if state.done:
            rollout.close()
        return state

    def step(
        self,
        parsed_actions: Sequence[ActionFromLLM],
        model_response: Any,
        current_state: Tau2BenchState,
        current_messages: Sequence[Message] | None = None,
    ) -> Tau2BenchStepResult:
        """Execute the actions of a policy step in a state's episode and return the result.

        `current_messages` becomes the new state's `prior_messages`; by default it is the
        conversation so far, the policy's message included. A state that is over is returned as it
        is. Raise RuntimeError for a state that was stepped already.
        """
        if current_state.done:
            return step_result(current_state)
        step = StepExecution(current_state, parsed_actions, self.tool_role)
        for message in step.agent_messages:
            if step.end(message, step.begin(message) or step.rollout.advance()):
                break
        if self._reached_max_turns(step):
            step.cut(self._grade_now(step.rollout), self._truncation_text(), self.shaping)
        return step.result(model_response, current_messages)

    def _reached_max_turns(self, step: StepExecution) -> bool:
        if step.over or self.max_turns is None:
            return False
        return step.state.timestep + 1 >= self.max_turns

    def _grade_now(self, rollout: Rollout) -> RewardInfo | str:
        """Return the grade of an episode as it is, or why it cannot be graded."""
        try:
            return rollout.grade_now()
        except ModelError as problem:
            logger.warning("the episode of task %s cannot be graded: %s", rollout.task.id, problem)
            return f"{type(problem).__name__}: {problem}"

    def _truncation_text(self) -> str:
        return self.truncation_message.format(max_turns=self.max_turns)

    def fork(self, state: Tau2BenchState, n: int = 1) -> list[Tau2BenchState]:
        """Return n independent copies of a live state. Raise RuntimeError for any other state."""
        return state.fork(n)


class AsyncTau2BenchEnv(Tau2BenchEnv):
    """The same environment for an event loop: users of all episodes are awaited in one thread."""

    async def reset_async(
        self, sample_idx: int = 0, generation_idx: int = 0, try_step: int = 0, batch_idx: int = 0
    ) -> Tau2BenchState:
        """Do what `reset` does, on the running event loop."""
        task, seed = self._task_and_seed(sample_idx, generation_idx, try_step)
        rollout = self._new_rollout()
        await rollout.areset(task, seed)
        state = self._first_state(rollout, seed)
        return self._numbered(state, sample_idx, generation_idx, try_step, batch_idx)

    async def step_async(
        self,
        parsed_actions: Sequence[ActionFromLLM],
        model_response: Any,
        current_state: Tau2BenchState,
        current_messages: Sequence[Message] | None = None,
    ) -> Tau2BenchStepResult:
        """Do what `step` does, on the running event loop; only a judge uses a worker thread."""
        if current_state.done:
            return step_result(current_state)
        step = StepExecution(current_state, parsed_actions, self.tool_role)
        for message in step.agent_messages:
            if step.end(message, step.begin(message) or await step.rollout.aadvance()):
                break
        if self._reached_max_turns(step):
            if needs_judge(step.rollout.task, self.evaluation_type):
                graded = await asyncio.to_thread(self._grade_now, step.rollout)
            else:
                graded = self._grade_now(step.rollout)
            step.cut(graded, self._truncation_text(), self.shaping)
        return step.result(model_response, current_messages)
