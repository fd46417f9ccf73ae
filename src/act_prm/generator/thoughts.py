"""Act-PRM: thoughts for demonstrated actions, rewarded by how probable they make the action.

For each step of a demonstration the model writes thoughts: before the action, or shown the action
and asked what led to it (action-prompted). The reward of a thought is
P(action | conversation, thought) under the policy, per token. With a bandit all samples of a step
are one group, and the best thought goes into the conversation of the next step; without one, each
sample goes on by itself, and a group is of whole trajectories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from act_prm.environments.types import Message
from act_prm.generator.context import GeneratorContext
from act_prm.generator.demonstrations import Demonstration, Demonstrations
from act_prm.generator.online import Progress
from act_prm.generator.prompts import (
    Prompt,
    action_then_thought,
    thought_of,
    thought_then_action,
)
from act_prm.llm_handlers.client import SampledCompletion
from act_prm.replay_buffer import EpisodeStep, Trajectory, TrajectoryGroup
from act_prm.replay_buffer.steps import POLICY, THOUGHT
from tau2.utils.json_types import JsonObject


@dataclass(slots=True)
class _Branch:
    """One pass through a demonstration, with the thoughts so far."""

    group: int
    generation_id: int
    demonstration: Demonstration
    thoughts: list[str] = field(default_factory=list)
    trajectory: Trajectory = field(default_factory=lambda: Trajectory([]))
    stopped: bool = False


@dataclass(slots=True)
class _ThoughtPrompt:
    """The prompts for one step of a branch."""

    branch: _Branch
    sampled: Prompt
    """What the thought is sampled from."""
    policy: Prompt
    """What the policy would see: the conversation alone."""
    opening: str
    """The end of `sampled`: the opening tag of the thought, after the action if it is shown."""


@dataclass(slots=True)
class _ThoughtSample:
    """A sampled thought, and the same thought and action as the policy would write them."""

    prompt: _ThoughtPrompt
    generation_id: int
    completion: SampledCompletion
    policy_reply: list[int]
    """Token ids of thought, action and end of turn."""
    action_start: int
    action_end: int
    """The range of the action's tokens in `sequence`."""

    @property
    def sequence(self) -> list[int]:
        return [*self.prompt.policy[1], *self.policy_reply]


class ThoughtGenerator:
    """Generates groups of thoughts for the demonstrations of an environment."""

    def __init__(self, context: GeneratorContext) -> None:
        self.context = context
        self.config = context.config
        self.demonstrations = Demonstrations(context)

    async def generate(
        self,
        tasks: Sequence[int],
        *,
        group_size: int,
        batch_id: int,
        progress: Progress | None = None,
    ) -> list[TrajectoryGroup]:
        """Return a group for each step of each task's demonstration (bandit), or for each task."""
        n_branches, n_samples = (1, group_size) if self.config.bandit else (group_size, 1)
        demonstrations = self.demonstrations.existing(list(tasks))
        branches = [
            _Branch(group, generation_id, demonstration)
            for group, demonstration in demonstrations
            for generation_id in range(n_branches)
        ]
        groups: list[TrajectoryGroup] = []
        total = sum(len(branch.demonstration) for branch in branches)
        for at in range(max((len(one) for _, one in demonstrations), default=0)):
            if progress is not None:
                progress(sum(len(branch.thoughts) for branch in branches), total)
            live = [one for one in branches if at < len(one.demonstration) and not one.stopped]
            groups += await self._step(live, at, batch_id, n_samples)
        return groups if self.config.bandit else self._trajectory_groups(branches)

    def _trajectory_groups(self, branches: list[_Branch]) -> list[TrajectoryGroup]:
        groups = []
        for group in sorted({branch.group for branch in branches}):
            members = [one.trajectory for one in branches if one.group == group]
            if trajectories := [one for one in members if one.steps]:
                groups.append(self.context.group(trajectories))
        return groups

    async def _step(
        self, branches: list[_Branch], at: int, batch_id: int, n_samples: int
    ) -> list[TrajectoryGroup]:
        """Sample and score thoughts for one step of each branch; continue it with the best one."""
        prompts = [prompt for one in branches if (prompt := self._prompt(one, at)) is not None]
        if not prompts:
            return []
        scope = ("thought", self.context.env.split, batch_id, at)
        prompt_ids = [prompt.sampled[1] for prompt in prompts for _ in range(n_samples)]
        completions = await self.context.sample(prompt_ids, *scope, stop=[self.config.thought_eos])
        samples = [
            self._sample(prompts[number // n_samples], number % n_samples, completion, at)
            for number, completion in enumerate(completions)
        ]
        logprobs = await self.context.model.logprobs([sample.sequence for sample in samples])
        trajectories = [
            self._trajectory(sample, row, at, batch_id)
            for sample, row in zip(samples, logprobs, strict=True)
        ]
        groups = []
        for number, prompt in enumerate(prompts):
            group = self.context.group(trajectories[number * n_samples : (number + 1) * n_samples])
            groups.append(group)
            prompt.branch.thoughts.append(group.best.info["thought"])
            prompt.branch.trajectory.steps += group.best.steps
            prompt.branch.trajectory.policy_steps += group.best.policy_steps
        return groups

    def _prompt(self, branch: _Branch, at: int) -> _ThoughtPrompt | None:
        """Return the prompts of a step; stop the branch and return None where they do not fit."""
        demonstration = branch.demonstration
        config = self.config
        action = demonstration.actions[at]
        encode = self.context.chat.encode

        def policy_text(i: int) -> str:
            return thought_then_action(branch.thoughts[i], demonstration.actions[i], config)

        def explained_text(i: int) -> str:
            return action_then_thought(branch.thoughts[i], demonstration.actions[i], config)

        # Beside the sampled thought, the scored sequence holds the action and the closing tag.
        reserve = len(encode(action)) + len(encode(config.thought_eos)) * 4
        policy = self._fit(demonstration, demonstration.history(at, policy_text), "", reserve)
        sampled: Prompt | None
        if config.action_prompted:
            opening = f"{action}\n{config.thought_bos}"
            history = demonstration.history(at, explained_text)
            sampled = self._fit(demonstration, history, opening, 0)
        else:
            opening = config.thought_bos
            sampled = policy and (policy[0], [*policy[1], *encode(opening)])
        if policy is None or sampled is None:
            branch.stopped = True
            return None
        return _ThoughtPrompt(branch, sampled, policy, opening)

    def _fit(
        self, demonstration: Demonstration, history: list[Message], prefix: str, reserve: int
    ) -> Prompt | None:
        system = {"role": "system", "content": demonstration.system_prompt}
        return self.context.prompt(
            [system, *self.context.hide_observations(history)],
            demonstration.tools,
            prefix=prefix,
            reserve=reserve,
        )

    def _sample(
        self, prompt: _ThoughtPrompt, number: int, completion: SampledCompletion, at: int
    ) -> _ThoughtSample:
        chat = self.context.chat
        config = self.config
        end_of_turn = chat.end_of_turn
        thought = list(completion.tokens)
        # A thought that was cut off, or ended by an end of turn, is closed as the policy would.
        if config.thought_eos not in completion.text:
            if thought and thought[-1] == end_of_turn:
                thought.pop()
            thought += chat.encode(config.thought_eos)
        thought = [*chat.encode(config.thought_bos), *thought]
        action = chat.encode(f"\n{prompt.branch.demonstration.actions[at]}")
        action_start = len(prompt.policy[1]) + len(thought)
        return _ThoughtSample(
            prompt=prompt,
            generation_id=number if config.bandit else prompt.branch.generation_id,
            completion=completion,
            policy_reply=[*thought, *action, end_of_turn],
            action_start=action_start,
            action_end=action_start + len(action),
        )

    def _trajectory(
        self, sample: _ThoughtSample, logprobs: list[float], at: int, batch_id: int
    ) -> Trajectory:
        """Return a sample as a trajectory of one step, with the step that the policy would make."""
        prompt = sample.prompt
        thought = thought_of(sample.completion.text, self.config)
        action = prompt.branch.demonstration.actions[at]
        reward = reward_of(logprobs[sample.action_start : sample.action_end])
        common = self._common_fields(sample, at, batch_id, reward)
        messages, ids = prompt.sampled
        thought_step = EpisodeStep(
            state=[*messages, {"role": "assistant", "content": prompt.opening}],
            action={"role": "assistant", "content": sample.completion.text},
            state_action_tokens=[*ids, *sample.completion.tokens],
            state_len=len(ids),
            old_logprobs=list(sample.completion.logprobs),
            kind=THOUGHT,
            **common,
        )
        messages, ids = prompt.policy
        text = thought_then_action(thought, action, self.config)
        policy_step = EpisodeStep(
            state=messages,
            action={"role": "assistant", "content": text},
            state_action_tokens=sample.sequence,
            state_len=len(ids),
            old_logprobs=logprobs[len(ids) :],
            kind=POLICY,
            **common,
        )
        return Trajectory([thought_step], [policy_step], {"thought": thought})

    def _common_fields(
        self, sample: _ThoughtSample, at: int, batch_id: int, reward: float
    ) -> JsonObject:
        """Return the fields that a thought step and its policy step have in common."""
        demonstration = sample.prompt.branch.demonstration
        return {
            "next_obs": demonstration.after(at),
            "tools": demonstration.tools,
            "temperature": self.context.sampling.temperature,
            "top_p": self.context.sampling.top_p,
            "finished": sample.completion.finished,
            "reward": reward,
            "done": at + 1 == len(demonstration),
            "timestep": at,
            "batch_id": batch_id,
            "unique_data_sample_id": demonstration.task_id,
            "generation_id": sample.generation_id,
            "split": self.context.env.split,
            "info": {
                "thought_finished": sample.completion.finished,
                "thought_tokens": len(sample.completion.tokens),
            },
        }


def reward_of(logprobs: Sequence[float]) -> float:
    """Return the reward of a thought, in [0, 1]: the action's probability per token.

    `logprobs` are those of the action's tokens after the thought, in nats. The geometric mean of
    their probabilities does not depend on the length of the action; the probability of the whole
    action would be so near to 0 that no thought could be told from another.
    """
    if not logprobs:
        return 1.0
    # Rounding may leave a log-probability slightly above 0.
    return math.exp(min(math.fsum(logprobs) / len(logprobs), 0.0))
