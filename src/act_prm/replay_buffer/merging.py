"""The steps of an episode as few training sequences.

Where each prompt repeats the sequence so far token by token, the whole episode is one sequence: its
tokens are computed once instead of once for each later step. A prompt that does not (the chat
template rewrote the conversation, old messages were left out) begins a new sequence, since joining
it would train on tokens in a context in which they were not sampled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from act_prm.llm_handlers.client import Datum
from act_prm.replay_buffer.steps import EpisodeStep


@dataclass(slots=True)
class MergedSteps:
    """Consecutive steps of one episode as one sequence; all lists have one entry per token."""

    tokens: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    advantages: list[float] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    temperature: float = 1.0
    top_p: float = 1.0

    def continues_in(self, step: EpisodeStep) -> bool:
        """Return whether the prompt of a step begins with this sequence, token by token."""
        length = len(self.tokens)
        return (
            length <= step.state_len
            and step.state_action_tokens[:length] == self.tokens
            and (step.temperature, step.top_p) == (self.temperature, self.top_p)
        )

    def append(self, step: EpisodeStep, *, trained: bool) -> None:
        """Append a step; what its prompt adds is context, and so is a reply that is not trained."""
        context = step.state_len - len(self.tokens)
        reply = step.reply_len
        self.tokens += step.state_action_tokens[len(self.tokens) :]
        self.weights += [0.0] * context + [float(trained)] * reply
        self.advantages += [0.0] * context + [step.advantage if trained else 0.0] * reply
        self.logprobs += [0.0] * context + (step.old_logprobs or [0.0] * reply)

    def datum(self) -> Datum:
        """Return the datum of the policy gradient."""
        return Datum(
            tokens=self.tokens,
            weights=self.weights,
            advantages=self.advantages,
            logprobs=self.logprobs,
            temperature=self.temperature,
            top_p=self.top_p,
        )

    def sft_datum(self) -> Datum:
        """Return the datum of supervised fine-tuning."""
        return Datum(self.tokens, self.weights)


def merged(steps: Iterable[EpisodeStep], *, mask_truncated: bool = False) -> list[MergedSteps]:
    """Return the steps of one episode as few sequences.

    `mask_truncated`: replies that max_tokens cut off are not trained on.
    """
    found: list[MergedSteps] = []
    for step in steps:
        if not found or not found[-1].continues_in(step):
            found.append(MergedSteps(temperature=step.temperature, top_p=step.top_p))
        found[-1].append(step, trained=step.finished or not mask_truncated)
    return found


def by_episode(steps: Sequence[EpisodeStep]) -> list[list[EpisodeStep]]:
    """Return consecutive steps in runs: a step whose number does not grow begins an episode."""
    runs: list[list[EpisodeStep]] = []
    for step in steps:
        if not runs or not _follows(runs[-1][-1], step):
            runs.append([])
        runs[-1].append(step)
    return runs


def _follows(before: EpisodeStep, step: EpisodeStep) -> bool:
    return step.timestep > before.timestep and (
        step.unique_data_sample_id,
        step.generation_id,
        step.try_step,
        step.batch_id,
    ) == (before.unique_data_sample_id, before.generation_id, before.try_step, before.batch_id)
