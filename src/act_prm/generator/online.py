"""Plays the episodes of a batch together: one call of the model for each step of all of them.

Tokens and log-probabilities are those of the sampling; nothing is scored or encoded again. Each
prompt continues the tokens so far where the chat template allows that, so that an episode is one
sequence to train on. An episode in which the infrastructure or the simulated user failed is left
out of its group: it says nothing about the policy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from act_prm.environments.base import AsyncTrainEnv, ForksStates
from act_prm.environments.types import EnvironmentState, EnvironmentStepResult
from act_prm.generator.context import GeneratorContext
from act_prm.generator.prompts import Prompt, with_thoughts
from act_prm.llm_handlers.actions import get_actions
from act_prm.llm_handlers.client import SampledCompletion
from act_prm.replay_buffer import EpisodeStep, Trajectory, TrajectoryGroup
from act_prm.replay_buffer.steps import ONLINE
from tau2.errors import ModelError, ParticipantError
from tau2.utils.json_types import JsonObject

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Progress = Callable[[int, int], None]
"""Called with the number of finished pieces of work and of all pieces."""


@dataclass(slots=True)
class _OnlineEpisode:
    """One live episode."""

    group: int
    """Index of its task in the batch."""
    sample_idx: int
    generation_id: int
    try_step: int = 0
    state: EnvironmentState | None = None
    steps: list[EpisodeStep] = field(default_factory=list)
    done: bool = False
    infra_failed: bool = False
    user_failed: bool = False
    info: JsonObject = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.infra_failed or self.user_failed

    @property
    def live_state(self) -> EnvironmentState:
        assert self.state is not None, "the episode has begun"
        return self.state

    @property
    def last_turn(self) -> Prompt | None:
        """The last prompt, with the ids of the reply to it."""
        if not self.steps:
            return None
        return self.steps[-1].state, self.steps[-1].state_action_tokens

    def begin(self, state: EnvironmentState) -> None:
        self.enter(state, bool(state.metadata.get("done")))

    def enter(self, state: EnvironmentState, done: bool) -> None:
        self.state = state
        self.info = dict(state.metadata)
        self.infra_failed = bool(state.metadata.get("infra_failed"))
        self.user_failed = bool(state.metadata.get("user_failed"))
        self.done = done or self.failed

    def fail(self, problem: Exception) -> None:
        text = f"{type(problem).__name__}: {problem}"
        logger.warning("an episode is left out: %s", text)
        self.done = True
        self.infra_failed = True
        self.info = {"error": text}


class OnlineGenerator:
    """Generates groups of episodes by sampling the policy in the environment."""

    def __init__(self, context: GeneratorContext) -> None:
        self.context = context
        self.env = context.env
        self._async_env = context.env if isinstance(context.env, AsyncTrainEnv) else None

    async def generate(
        self,
        tasks: Sequence[int],
        *,
        group_size: int,
        batch_id: int,
        num_tries: int = 1,
        progress: Progress | None = None,
    ) -> list[TrajectoryGroup]:
        """Return a group for each task (an index of the environment), in the order of the tasks.

        A task that was failed is tried again in the same group, up to `num_tries` times.
        """
        playing = [
            _OnlineEpisode(group, task, generation_id)
            for group, task in enumerate(tasks)
            for generation_id in range(group_size)
        ]
        episodes: list[_OnlineEpisode] = []
        for try_step in range(num_tries):
            await self._play(playing, batch_id, progress)
            episodes += playing
            playing = [
                _OnlineEpisode(one.group, one.sample_idx, one.generation_id, try_step + 1)
                for one in playing
                if not one.failed and not one.info.get("correct")
            ]
            if not playing:
                break
        episodes.sort(key=lambda one: (one.group, one.generation_id, one.try_step))
        return [
            self._group(list(members))
            for _, members in groupby(episodes, key=lambda one: one.group)
        ]

    def _group(self, members: list[_OnlineEpisode]) -> TrajectoryGroup:
        # A failed episode may have steps, but its reward of 0.0 is not the policy's.
        kept = [
            Trajectory(one.steps, info=one.info) for one in members if one.steps and not one.failed
        ]
        return self.context.group(
            kept,
            infra_failed=sum(one.infra_failed for one in members),
            user_failed=sum(one.user_failed for one in members if not one.infra_failed),
            unplayed=sum(not one.steps for one in members if not one.failed),
        )

    async def _play(
        self, episodes: list[_OnlineEpisode], batch_id: int, progress: Progress | None
    ) -> None:
        """Play the episodes to their ends."""
        await self._for_each(_by_task(episodes), lambda some: self._begin_group(some, batch_id))
        step = 0
        while live := [one for one in episodes if not one.done]:
            if progress is not None:
                progress(len(episodes) - len(live), len(episodes))
            prompted = [(one, prompt) for one in live if (prompt := self._prompt(one)) is not None]
            scope = (self.env.split, batch_id, live[0].try_step, step)
            completions = await self.context.sample([ids for _, (_, ids) in prompted], *scope)
            actions = [
                (episode, prompt, completion)
                for (episode, prompt), completion in zip(prompted, completions, strict=True)
            ]
            await self._for_each(actions, lambda action: self._act(*action))
            step += 1

    async def _for_each(
        self, items: Sequence[Item], work: Callable[[Item], Awaitable[None]]
    ) -> None:
        """Do the work for every item, concurrently if the environment is asynchronous."""
        if self._async_env is None:
            for item in items:
                await work(item)
            return

        async def one(item: Item) -> None:
            await work(item)

        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(one(item))

    async def _begin_group(self, episodes: list[_OnlineEpisode], batch_id: int) -> None:
        """Begin the episodes of one task: with one reset where the environment can fork it.

        Then the members of a group differ by what the policy does alone, and a user that is a model
        writes its first message once.
        """
        first, *others = episodes
        await self._begin(first, batch_id)
        shared = first.state is not None and not first.done
        if self.context.config.share_reset and isinstance(self.env, ForksStates) and shared:
            copies = self.env.fork(first.live_state, len(others)) if others else []
            for episode, state in zip(others, copies, strict=True):
                number = {"generation_id": episode.generation_id}
                episode.begin(state.model_copy(update=number))
            return
        await self._for_each(others, lambda one: self._begin(one, batch_id))

    async def _begin(self, episode: _OnlineEpisode, batch_id: int) -> None:
        where = {
            "sample_idx": episode.sample_idx,
            "generation_idx": episode.generation_id,
            "try_step": episode.try_step,
            "batch_idx": batch_id,
        }
        try:
            if self._async_env is not None:
                state = await self._async_env.reset_async(**where)
            else:
                state = self.env.reset(**where)
        except (ModelError, ParticipantError) as problem:
            episode.fail(problem)
            return
        episode.begin(state)

    def _prompt(self, episode: _OnlineEpisode) -> Prompt | None:
        """Return the policy's prompt.

        End the episode and return None when it cannot be made to fit.
        """
        context = self.context
        state = episode.live_state
        messages = with_thoughts(context.hide_observations(state.messages), context.thought_tags)
        prompt = context.prompt(
            [{"role": "system", "content": state.system_prompt}, *messages],
            state.tools,
            after=episode.last_turn,
        )
        if prompt is None:
            episode.done = True
            episode.info |= {"too_long": True, "truncated": True}
            if episode.steps:
                episode.steps[-1].done = True
                episode.steps[-1].truncated = True
        return prompt

    async def _act(
        self, episode: _OnlineEpisode, prompt: Prompt, completion: SampledCompletion
    ) -> None:
        state = episode.live_state
        actions = get_actions(
            completion.text,
            tool_call_tags=self.context.tool_call_tags,
            thought_tags=self.context.thought_tags,
            tools=state.tools,
        )
        response = {"role": "assistant", "content": completion.text}
        try:
            if self._async_env is not None:
                result = await self._async_env.step_async(
                    parsed_actions=actions, model_response=response, current_state=state
                )
            else:
                result = self.env.step(actions, response, state)
        except (ModelError, ParticipantError) as problem:
            episode.fail(problem)
            return
        episode.steps.append(self._step(episode, prompt, completion, result))
        episode.enter(result.state, bool(result.done or result.truncated))

    def _step(
        self,
        episode: _OnlineEpisode,
        prompt: Prompt,
        completion: SampledCompletion,
        result: EnvironmentStepResult,
    ) -> EpisodeStep:
        state = episode.live_state
        messages, ids = prompt
        return EpisodeStep(
            state=messages,
            action={"role": "assistant", "content": completion.text},
            next_obs=list(result.state.new_messages),
            tools=state.tools,
            state_action_tokens=[*ids, *completion.tokens],
            state_len=len(ids),
            old_logprobs=list(completion.logprobs),
            temperature=self.context.sampling.temperature,
            top_p=self.context.sampling.top_p,
            finished=completion.finished,
            reward=float(result.reward or 0.0),
            done=bool(result.done),
            truncated=bool(result.truncated),
            timestep=len(episode.steps),
            try_step=episode.try_step,
            batch_id=state.batch_id,
            unique_data_sample_id=str(getattr(state, "task_id", state.sample_id)),
            generation_id=episode.generation_id,
            split=self.env.split,
            kind=ONLINE,
            info={
                key: value
                for key, value in result.info.items()
                if isinstance(value, str | int | float | bool)
            },
        )


def _by_task(episodes: Sequence[_OnlineEpisode]) -> list[list[_OnlineEpisode]]:
    """Return the episodes in groups of one task, in their order."""
    return [list(members) for _, members in groupby(episodes, key=lambda one: one.group)]
