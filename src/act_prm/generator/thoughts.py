"""Act-PRM: thoughts for demonstrated actions, rewarded by how probable they make the action.

For each step of a demonstration the model writes thoughts: before the action, or shown the action and asked what led
to it (action-prompted). The reward of a thought is P(action | conversation, thought) under the plain policy. With a
bandit all samples of a step are one group, and the best thought goes into the conversation of the next step;
without, each sample goes on by itself, and the group is of whole trajectories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from act_prm.generator.demonstrations import Demonstration, Demonstrations
from act_prm.generator.online import Progress
from act_prm.generator.prompts import action_then_thought, thought_of, thought_then_action
from act_prm.generator.setting import Setting
from act_prm.llm_handlers.client import Completion
from act_prm.replay_buffer import EpisodeStep, Trajectory, TrajectoryGroup
from act_prm.replay_buffer.steps import POLICY, THOUGHT

Message = dict[str, Any]


@dataclass(slots=True)
class _Walk:
    """One way through a demonstration, with the thoughts it has had so far."""

    place: int
    generation_id: int
    shown: Demonstration
    thoughts: list[str] = field(default_factory=list)
    trajectory: Trajectory = field(default_factory=lambda: Trajectory([]))
    stopped: bool = False


@dataclass(slots=True)
class _Question:
    """What the model is asked at one step of a walk, and how the plain policy is to be scored there."""

    walk: _Walk
    asked: tuple[list[Message], list[int]]
    plain: tuple[list[Message], list[int]]
    opening: str
    """What the asked-for continuation begins after: the action and the opened thought, or the opened thought."""


@dataclass(slots=True)
class _Answer:
    """A sampled thought, as it was written and as the plain policy would have written it."""

    question: _Question
    generation_id: int
    reply: Completion
    plain_reply: list[int]
    first: int
    last: int
    """The action's tokens in the whole plain sequence."""

    @property
    def sequence(self) -> list[int]:
        return [*self.question.plain[1], *self.plain_reply]


class ThoughtGenerator:
    """Makes groups of thoughts for the demonstrations of an environment."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.config = setting.config
        self.demonstrations = Demonstrations(setting)

    async def generate(
        self,
        tasks: Sequence[int],
        *,
        group_size: int,
        batch_id: int,
        num_tries: int = 1,
        progress: Progress | None = None,
    ) -> list[TrajectoryGroup]:
        """Return a group for each step of each task's demonstration (bandit), or for each task."""
        each = 1 if self.config.bandit else group_size
        shown = self.demonstrations.some(list(tasks))
        walks = [_Walk(place, g, one) for place, one in shown for g in range(each)]
        groups: list[TrajectoryGroup] = []
        total = sum(len(walk.shown) for walk in walks)
        for at in range(max((len(one) for _, one in shown), default=0)):
            if progress is not None:
                progress(sum(len(walk.thoughts) for walk in walks), total)
            going = [walk for walk in walks if at < len(walk.shown) and not walk.stopped]
            groups += await self._step(going, at, batch_id, group_size if self.config.bandit else 1)
        return groups if self.config.bandit else self._whole(walks)

    def _whole(self, walks: list[_Walk]) -> list[TrajectoryGroup]:
        places = sorted({walk.place for walk in walks})
        members = [
            [one.trajectory for one in walks if one.place == place and one.trajectory.steps]
            for place in places
        ]
        return [self.setting.group(some) for some in members if some]

    async def _step(
        self, walks: list[_Walk], at: int, batch_id: int, samples: int
    ) -> list[TrajectoryGroup]:
        """Sample and score thoughts for one step of each walk, and go on with the best."""
        questions = [
            question for walk in walks if (question := self._question(walk, at)) is not None
        ]
        prompts = [question.asked[1] for question in questions for _ in range(samples)]
        scope = ("thought", self.setting.env.split, batch_id, at)
        replies = await self.setting.sample(prompts, *scope, stop=[self.config.thought_eos])
        answers = [
            self._answer(questions[number // samples], number % samples, reply, at)
            for number, reply in enumerate(replies)
        ]
        scored = (
            await self.setting.model.logprobs([answer.sequence for answer in answers])
            if answers
            else []
        )
        single = [
            self._trajectory(answer, row, at, batch_id)
            for answer, row in zip(answers, scored, strict=True)
        ]
        groups = []
        for number, question in enumerate(questions):
            group = self.setting.group(single[number * samples : (number + 1) * samples])
            groups.append(group)
            self._go_on(question.walk, group.best)
        return groups

    def _go_on(self, walk: _Walk, best: Trajectory) -> None:
        walk.thoughts.append(best.info["thought"])
        walk.trajectory.steps += best.steps
        walk.trajectory.twins += best.twins

    def _question(self, walk: _Walk, at: int) -> _Question | None:
        """Return the question at a step; None (and the walk ends) where its prompt does not fit."""
        shown, config, action = walk.shown, self.config, walk.shown.actions[at]
        reserve = (
            len(self.setting.chat.encode(action))
            + len(self.setting.chat.encode(config.thought_eos)) * 4
        )
        plain = self._prompt(
            shown,
            shown.history(
                at, lambda i: thought_then_action(walk.thoughts[i], shown.actions[i], config)
            ),
            "",
            reserve,
        )
        opening = (
            f"{action}\n{config.thought_bos}" if config.action_prompted else config.thought_bos
        )
        asked = plain and (plain[0], [*plain[1], *self.setting.chat.encode(opening)])
        if config.action_prompted:
            told = shown.history(
                at, lambda i: action_then_thought(walk.thoughts[i], shown.actions[i], config)
            )
            asked = self._prompt(shown, told, opening, 0)
        if plain is None or asked is None:
            walk.stopped = True
            return None
        return _Question(walk, asked, plain, opening)

    def _prompt(
        self, shown: Demonstration, told: list[Message], prefix: str, reserve: int
    ) -> tuple[list[Message], list[int]] | None:
        system = {"role": "system", "content": shown.system_prompt}
        return self.setting.prompt(
            [system, *self.setting.shown(told)], shown.tools, prefix=prefix, reserve=reserve
        )

    def _answer(self, question: _Question, sample: int, reply: Completion, at: int) -> _Answer:
        chat, config = self.setting.chat, self.config
        thought = list(reply.tokens)
        if config.thought_eos not in reply.text:
            end = int(chat.tokenizer.eos_token_id)
            thought = (thought[:-1] if thought and thought[-1] == end else thought) + chat.encode(
                config.thought_eos
            )
        thought = [*chat.encode(config.thought_bos), *thought]
        action = chat.encode(f"\n{question.walk.shown.actions[at]}")
        first = len(question.plain[1]) + len(thought)
        plain_reply = [*thought, *action, int(chat.tokenizer.eos_token_id)]
        generation = sample if config.bandit else question.walk.generation_id
        return _Answer(question, generation, reply, plain_reply, first, first + len(action))

    def _trajectory(
        self, answer: _Answer, logprobs: list[float], at: int, batch_id: int
    ) -> Trajectory:
        """Return an answer as a trajectory of one step, with its twin, the step as the plain policy says it."""
        question, config = answer.question, self.config
        thought = thought_of(answer.reply.text, config)
        reward = reward_of(logprobs[answer.first : answer.last], config.reward_method)
        asked, ids = question.asked
        step = self._made(answer, at, batch_id, reward)
        explained = EpisodeStep(
            state=[*asked, {"role": "assistant", "content": question.opening}],
            action={"role": "assistant", "content": answer.reply.text},
            state_action_tokens=[*ids, *answer.reply.tokens],
            state_len=len(ids),
            old_logprobs=list(answer.reply.logprobs),
            kind=THOUGHT,
            **step,
        )
        shown, ids = question.plain
        action = question.walk.shown.actions[at]
        said = EpisodeStep(
            state=shown,
            action={"role": "assistant", "content": thought_then_action(thought, action, config)},
            state_action_tokens=answer.sequence,
            state_len=len(ids),
            old_logprobs=logprobs[len(ids) :],
            kind=POLICY,
            **step,
        )
        return Trajectory([explained], [said], {"thought": thought})

    def _made(self, answer: _Answer, at: int, batch_id: int, reward: float) -> dict[str, Any]:
        """Return what a step and its twin have in common."""
        shown = answer.question.walk.shown
        return {
            "next_obs": shown.after(at),
            "tools": shown.tools,
            "temperature": self.setting.sampling.temperature,
            "reward": reward,
            "done": at + 1 == len(shown),
            "timestep": at,
            "batch_id": batch_id,
            "unique_data_sample_id": shown.task_id,
            "generation_id": answer.generation_id,
            "split": self.setting.env.split,
            "info": {
                "thought_finished": answer.reply.finished,
                "thought_tokens": len(answer.reply.tokens),
            },
        }


def reward_of(logprobs: Sequence[float], method: str) -> float:
    """Return the reward of a thought from the log-probabilities of the action's tokens after it."""
    total = math.fsum(logprobs)
    if method == "action_probs_per_token" and logprobs:
        total /= len(logprobs)
    return math.exp(min(total, 0.0))
