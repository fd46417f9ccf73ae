"""Plays episodes in the environment, all of a batch side by side: one call of the model for each turn of them all.

Tokens and log-probabilities are those of the sampling; nothing is scored again or encoded anew. An episode whose
surroundings or simulated user failed is left out of its group: it says nothing about the policy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from act_prm.generator.prompts import with_thoughts
from act_prm.generator.setting import Setting
from act_prm.llm_handlers.actions import get_actions
from act_prm.llm_handlers.client import Completion
from act_prm.replay_buffer import EpisodeStep, Trajectory, TrajectoryGroup
from act_prm.replay_buffer.steps import ONLINE
from tau2.errors import ModelError, ParticipantError

logger = logging.getLogger(__name__)

Prompt = tuple[list[dict[str, Any]], list[int]]
Progress = Callable[[int, int], None]
"""Told how many episodes are over, of how many."""


@dataclass(slots=True)
class _Episode:
    """One live episode."""

    place: int
    """Of its task in the batch."""
    sample_idx: int
    generation_id: int
    try_step: int = 0
    state: Any = None
    steps: list[EpisodeStep] = field(default_factory=list)
    done: bool = False
    infra_failed: bool = False
    user_failed: bool = False
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.infra_failed or self.user_failed


class OnlineGenerator:
    """Rolls out groups of episodes; `env` has `reset` and `step`, or `reset_async` and `step_async`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.env = setting.env

    async def generate(
        self,
        tasks: Sequence[int],
        *,
        group_size: int,
        batch_id: int,
        num_tries: int = 1,
        progress: Progress | None = None,
    ) -> list[TrajectoryGroup]:
        """Return a group for each task (an index of the environment), its trajectories in the order of generation."""
        playing = [
            _Episode(place, task, g) for place, task in enumerate(tasks) for g in range(group_size)
        ]
        over: list[_Episode] = []
        for attempt in range(num_tries):
            await self._play(playing, batch_id, progress)
            over += playing
            playing = [self._again(one) for one in playing if not one.failed and not _solved(one)]
            if not playing or attempt + 1 == num_tries:
                break
        return self._groups(over)

    def _again(self, episode: _Episode) -> _Episode:
        return _Episode(
            episode.place, episode.sample_idx, episode.generation_id, episode.try_step + 1
        )

    def _groups(self, episodes: list[_Episode]) -> list[TrajectoryGroup]:
        episodes = sorted(episodes, key=lambda one: (one.place, one.generation_id, one.try_step))
        return [
            self._group(list(members))
            for _, members in groupby(episodes, key=lambda one: one.place)
        ]

    def _group(self, members: list[_Episode]) -> TrajectoryGroup:
        kept = [
            Trajectory(one.steps, info=one.info) for one in members if one.steps and not one.failed
        ]
        return self.setting.group(
            kept,
            infra_failed=sum(one.infra_failed for one in members),
            user_failed=sum(one.user_failed for one in members if not one.infra_failed),
            unplayed=sum(not one.steps for one in members if not one.failed),
        )

    async def _play(
        self, episodes: list[_Episode], batch_id: int, progress: Progress | None
    ) -> None:
        """Play the episodes to their ends."""
        await self._each(episodes, lambda one: self._begin(one, batch_id))
        turn = 0
        while going := [one for one in episodes if not one.done]:
            if progress is not None:
                progress(len(episodes) - len(going), len(episodes))
            asked = [(one, prompt) for one in going if (prompt := self._prompt(one)) is not None]
            scope = (self.env.split, batch_id, going[0].try_step, turn)
            replies = await self.setting.sample([ids for _, (_, ids) in asked], *scope)
            moves = [
                (one, prompt, reply) for (one, prompt), reply in zip(asked, replies, strict=True)
            ]
            await self._each(moves, lambda move: self._move(*move))
            turn += 1

    async def _each(self, items: Sequence[Any], work: Callable[[Any], Awaitable[None]]) -> None:
        """Do the work for every item: side by side if the environment can wait, one after the other if not."""
        if self._is_async:
            async with asyncio.TaskGroup() as together:
                for item in items:
                    together.create_task(_awaited(work(item)))
        else:
            for item in items:
                await work(item)

    @property
    def _is_async(self) -> bool:
        return hasattr(self.env, "step_async")

    async def _begin(self, episode: _Episode, batch_id: int) -> None:
        where = {
            "sample_idx": episode.sample_idx,
            "generation_idx": episode.generation_id,
            "try_step": episode.try_step,
            "batch_idx": batch_id,
        }
        try:
            state = (
                await self.env.reset_async(**where) if self._is_async else self.env.reset(**where)
            )
        except (ModelError, ParticipantError) as problem:
            self._lost(episode, problem)
            return
        self._take(episode, state, bool(state.metadata.get("done")))

    def _lost(self, episode: _Episode, problem: Exception) -> None:
        logger.warning("an episode is left out: %s: %s", type(problem).__name__, problem)
        episode.done = episode.infra_failed = True
        episode.info = {"error": f"{type(problem).__name__}: {problem}"}

    def _take(self, episode: _Episode, state: Any, done: bool) -> None:
        episode.state, episode.info = state, dict(state.metadata)
        episode.infra_failed = bool(state.metadata.get("infra_failed"))
        episode.user_failed = bool(state.metadata.get("user_failed"))
        episode.done = done or episode.failed

    def _prompt(self, episode: _Episode) -> Prompt | None:
        """Return what the model is shown, or end the episode when nothing of it fits."""
        state = episode.state
        said = with_thoughts(self.setting.shown(state.messages), self.setting.thought_tags)
        prompt = self.setting.prompt(
            [{"role": "system", "content": state.system_prompt}, *said], state.tools
        )
        if prompt is None:
            episode.done = True
            episode.info |= {"too_long": True, "truncated": True}
            if episode.steps:
                episode.steps[-1].done = episode.steps[-1].truncated = True
        return prompt

    async def _move(self, episode: _Episode, prompt: Prompt, reply: Completion) -> None:
        state, setting = episode.state, self.setting
        actions = get_actions(
            reply.text,
            tool_call_tags=setting.tool_call_tags,
            thought_tags=setting.thought_tags,
            known_tools=[tool["name"] for tool in state.tools],
        )
        said = {"role": "assistant", "content": reply.text}
        move = {"parsed_actions": actions, "model_response": said, "current_state": state}
        try:
            result = await self.env.step_async(**move) if self._is_async else self.env.step(**move)
        except (ModelError, ParticipantError) as problem:
            self._lost(episode, problem)
            return
        episode.steps.append(self._step(episode, prompt, reply, result))
        self._take(episode, result.state, bool(result.done or result.truncated))

    def _step(
        self, episode: _Episode, prompt: Prompt, reply: Completion, result: Any
    ) -> EpisodeStep:
        state, (shown, ids) = episode.state, prompt
        return EpisodeStep(
            state=shown,
            action={"role": "assistant", "content": reply.text},
            next_obs=list(result.state.new_messages),
            tools=state.tools,
            state_action_tokens=[*ids, *reply.tokens],
            state_len=len(ids),
            old_logprobs=list(reply.logprobs),
            temperature=self.setting.sampling.temperature,
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


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _solved(episode: _Episode) -> bool:
    return bool(episode.info.get("correct"))
