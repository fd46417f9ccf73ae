"""tau2's tasks as an online environment: a model plays the agent, and tau2 everybody and everything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from act_prm.environments.base import Environment
from act_prm.environments.tau2bench_messages import (
    RESPOND_USER,
    RESPOND_USER_TOOL,
    history_of,
    user_message,
)
from act_prm.environments.tau2bench_splits import by_domain, sliced
from act_prm.environments.tau2bench_state import Tau2BenchState, Tau2BenchStepResult
from act_prm.environments.tau2bench_turn import ModelTurn, metadata_of, step_result
from act_prm.environments.types import Message
from act_prm.llm_handlers.types import ActionFromLLM
from tau2.config import DEFAULT_MAX_ERRORS, DEFAULT_USER_IMPLEMENTATION
from tau2.data_model.simulation import RewardInfo
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment as World
from tau2.errors import ModelError
from tau2.evaluator.evaluator import EvaluationType, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.orchestrator.episode import Role
from tau2.rollout import Rollout, RolloutSetup, Shaping, StepResult
from tau2.rollout.role_view import role_tools
from tau2.rollout.setup import ParticipantFactory
from tau2.run import get_tasks
from tau2.seeds import derive_seed

logger = logging.getLogger(__name__)

FIRST_WORDS = "Hello, I need help."
"""What a customer is taken to have said who has said nothing."""

_ALWAYS_CALL = (
    f"Every turn of yours is a tool call. To say something to the customer, call `{RESPOND_USER}` with the text; "
    "the customer sees nothing else of what you write."
)
_ALONE = "Every turn of yours is a tool call; there is nobody to talk to. When the case is finished, call `done`."


class Tau2BenchEnv(Environment):
    """Episodes of one domain. Every episode lives in its states, so one object serves any number of them at once.

    Nothing is asked of a model before the first `reset`. Settings beyond these are those of `Environment`.

    Args:
        domain: A registered domain.
        user_llm, user_llm_args: The simulated customer's model; None for the arguments is temperature 0.
        task_split: The tasks to choose from; default: the domain's base split.
        num_train_tasks, num_val_tasks, num_test_tasks: Sizes of `datasets`, taken from the tasks in their order, test
            first. Where there are fewer tasks than asked for, all shrink in proportion, with a warning that says the
            real sizes; they never overlap and "train" is never left empty. Without `num_val_tasks`, "eval" is "test".
        max_steps: Messages and tool executions before tau2 ends an episode.
        max_turns: Turns of the model before an episode is truncated.
        num_tries, eval_num_tries: Times a task may be tried anew, in training and evaluation; trainers read them.
        system_prompt: What precedes the policy.
        user: A registered user, such as "scripted_user" (needs no model), or `make(environment, task)`.
        task_ids: Choose from these tasks, in their order.
        domain_splits: Take tau2's own train and test splits, each cut to its size, instead of slices.
        solo_mode: There is no customer; the model works on the task's ticket.
        max_errors: Failed and unreadable calls before tau2 ends an episode.
        evaluation_type, judge: Which checks grade the end, and the model for those in words.
        partial_reward: Pay progress on the task's checks when it is made (potential-based, discounted by
            `partial_reward_discount`, so that the best policy stays the best).
        completion_fn: Asked in place of the customer's model.
    """

    def __init__(
        self,
        domain: str = "airline",
        user_llm: str = "gpt-4.1-2025-04-14",
        user_llm_args: Mapping[str, Any] | None = None,
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
        solo_mode: bool = False,
        max_errors: int = DEFAULT_MAX_ERRORS,
        evaluation_type: EvaluationType | str = EvaluationType.ALL,
        judge: Judge | None = None,
        partial_reward: bool = False,
        partial_reward_discount: float = 1.0,
        completion_fn: Any = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            max_turns=max_turns, num_tries=num_tries, seed=seed, split=split, **settings
        )
        self.domain, self.eval_num_tries, self.system_prompt = domain, eval_num_tries, system_prompt
        self.evaluation_type, self.judge = EvaluationType(evaluation_type), judge
        self.shaping = Shaping(gamma=partial_reward_discount) if partial_reward else None
        self.cast = RolloutSetup(
            domain,
            user=user,
            llm_user=user_llm,
            llm_args_user={"temperature": 0.0} if user_llm_args is None else dict(user_llm_args),
            completion_fn=completion_fn,
            solo=solo_mode,
            max_steps=max_steps,
            max_errors=max_errors,
        )
        sizes = (num_train_tasks, num_val_tasks, num_test_tasks)
        self.datasets: dict[str, list[Task]] = (
            by_domain(domain, *sizes)
            if domain_splits
            else sliced(get_tasks(domain, task_split, task_ids), *sizes)
        )
        self._describe()

    def _describe(self) -> None:
        """Learn what a model has to know of the domain from a fresh environment; no episode is begun for that."""
        environment = self.cast.new_environment()
        self.domain_policy: str = environment.get_policy()
        task = next((task for tasks in self.datasets.values() for task in tasks), None)
        self.tool_descriptions: list[dict[str, Any]] = []
        if task is not None:
            self.tool_descriptions = self._described(environment, task)

    def _described(self, environment: World, task: Task) -> list[dict[str, Any]]:
        """Return the tools of a task as flat schemas; the way to speak comes last."""
        schemas = [
            tool.openai_schema["function"] for tool in role_tools(environment, task, Role.AGENT)
        ]
        flat = [{"type": "function", **schema} for schema in schemas]
        return flat if self.cast.solo else [*flat, RESPOND_USER_TOOL]

    def build_system_prompt(self, task: Task | None = None) -> str:
        """Return the instructions for the model: the prompt, the policy, how to speak; solo, the task's ticket."""
        parts = [self.system_prompt, f"<policy>\n{self.domain_policy}\n</policy>"]
        if not self.cast.solo:
            return "\n\n".join([*parts, _ALWAYS_CALL])
        ticket = task.ticket if task is not None else None
        return "\n\n".join([*parts, f"<ticket>\n{ticket or ''}\n</ticket>", _ALONE])

    def reset(
        self, sample_idx: int = 0, generation_idx: int = 0, try_step: int = 0, batch_idx: int = 0
    ) -> Tau2BenchState:
        """Begin an episode of a task of the split (any index: it wraps) and return where it stands.

        Its seed follows from `seed` and the first three numbers. An episode that failed before the model's first turn
        is over at once; its metadata say why. Raise ConfigError for what cannot be played as configured.
        """
        task, seed = self._drawn(sample_idx, generation_idx, try_step)
        state = self.begin(task, seed)
        return self._placed(state, sample_idx, generation_idx, try_step, batch_idx)

    def begin(self, task: Task, seed: int | None = None) -> Tau2BenchState:
        """Begin an episode of a task of the domain, whether or not it is in `datasets`. Raise ConfigError."""
        rollout = self._rollout()
        rollout.reset(task, seed)
        return self._opened(rollout, seed)

    def _drawn(self, sample_idx: int, generation_idx: int, try_step: int) -> tuple[Task, int]:
        task = self.dataset[self.adjust_sample_idx(sample_idx)]
        return task, derive_seed(self.seed, sample_idx, generation_idx, try_step)

    def _placed(
        self,
        state: Tau2BenchState,
        sample_idx: int,
        generation_idx: int,
        try_step: int,
        batch_idx: int,
    ) -> Tau2BenchState:
        state.sample_id, state.generation_id = self.adjust_sample_idx(sample_idx), generation_idx
        state.try_step, state.batch_id = try_step, batch_idx
        return state

    def _rollout(self) -> Rollout:
        return Rollout(
            self.cast, evaluation_type=self.evaluation_type, judge=self.judge, shaping=self.shaping
        )

    def _opened(self, rollout: Rollout, seed: int | None) -> Tau2BenchState:
        turn, task = rollout.reset_result or StepResult(), rollout.task
        seen = rollout.messages
        state = Tau2BenchState(
            system_prompt=self.build_system_prompt(task),
            new_messages=history_of(turn.observation, self.tool_role)
            or [user_message(self._first_words(task))],
            prior_messages=history_of(seen[: len(seen) - len(turn.observation)], self.tool_role),
            tools=self._described(rollout.environment, task)
            if self.cast.solo
            else self.tool_descriptions,
            metadata={**metadata_of(task.id, rollout, turn), "seed": seed},
            first_obs_to_show=self.first_obs_to_show,
            last_obs_to_show=self.last_obs_to_show,
            task_id=task.id,
            rollout=rollout,
            tau2_info={"task": task},
        )
        if state.done:
            rollout.close()
        return state

    def _first_words(self, task: Task) -> str:
        return (task.ticket if self.cast.solo else None) or FIRST_WORDS

    def step(
        self,
        parsed_actions: Sequence[ActionFromLLM],
        model_response: Any,
        current_state: Tau2BenchState,
        current_messages: Sequence[Message] | None = None,
    ) -> Tau2BenchStepResult:
        """Make the model's moves in a state's episode and return what they led to.

        `current_messages` becomes the new state's `prior_messages`; by default it is the conversation so far, the
        model's turn included. A state that is over is returned as it is. Raise RuntimeError for a state that was
        stepped already.
        """
        if current_state.done:
            return step_result(current_state)
        turn = ModelTurn(current_state, parsed_actions, self.tool_role)
        for move in turn.moves:
            if turn.end(move, turn.begin(move) or turn.rollout.advance()):
                break
        if self._is_last(turn):
            turn.cut(self._graded(turn.rollout), self._last_words(), self.shaping)
        return turn.result(model_response, current_messages)

    def _is_last(self, turn: ModelTurn) -> bool:
        return (
            not turn.over
            and self.max_turns is not None
            and turn.state.timestep + 1 >= self.max_turns
        )

    def _graded(self, rollout: Rollout) -> RewardInfo | str:
        """Return what an episode is worth where it stands, or why its judge did not say."""
        try:
            return rollout.grade_now()
        except ModelError as problem:
            logger.warning("the episode of task %s cannot be graded: %s", rollout.task.id, problem)
            return f"{type(problem).__name__}: {problem}"

    def _last_words(self) -> str:
        return self.truncation_message.format(max_turns=self.max_turns)

    def fork(self, state: Tau2BenchState, n: int = 1) -> list[Tau2BenchState]:
        """Return n states that stand where a live one stands and go on independently. Raise RuntimeError."""
        return state.fork(n)


class AsyncTau2BenchEnv(Tau2BenchEnv):
    """The same environment for an event loop: episodes wait for their models together, in one thread."""

    async def reset_async(
        self, sample_idx: int = 0, generation_idx: int = 0, try_step: int = 0, batch_idx: int = 0
    ) -> Tau2BenchState:
        """Do what `reset` does on the running event loop."""
        task, seed = self._drawn(sample_idx, generation_idx, try_step)
        rollout = self._rollout()
        await rollout.areset(task, seed)
        return self._placed(
            self._opened(rollout, seed), sample_idx, generation_idx, try_step, batch_idx
        )

    async def step_async(
        self,
        parsed_actions: Sequence[ActionFromLLM],
        model_response: Any,
        current_state: Tau2BenchState,
        current_messages: Sequence[Message] | None = None,
    ) -> Tau2BenchStepResult:
        """Do what `step` does on the running event loop; only a judge model is asked in a worker thread."""
        if current_state.done:
            return step_result(current_state)
        turn = ModelTurn(current_state, parsed_actions, self.tool_role)
        for move in turn.moves:
            if turn.end(move, turn.begin(move) or await turn.rollout.aadvance()):
                break
        if self._is_last(turn):
            judged = needs_judge(turn.rollout.task, self.evaluation_type)
            graded = (
                await asyncio.to_thread(self._graded, turn.rollout)
                if judged
                else self._graded(turn.rollout)
            )
            turn.cut(graded, self._last_words(), self.shaping)
        return turn.result(model_response, current_messages)
