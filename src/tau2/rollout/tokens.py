"""The tokens of a policy's actions, and how they are joined into training samples.

A trainer gives the tokens with each action; nothing here needs a tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tokens:
    """One action in tokens. Raise ValueError when the parts differ in length."""

    prompt_ids: Sequence[int]
    """The whole prompt of the action, [prompt tokens]."""
    completion_ids: Sequence[int]
    """What the policy sampled, [completion tokens]."""
    logprobs: Sequence[float] | None = None
    """Of the completion under the policy that sampled it, [completion tokens], in nats."""
    loss_mask: Sequence[bool] | None = None
    """Which tokens of the completion are trained on, [completion tokens]; None: all."""

    def __post_init__(self) -> None:
        for name in ("logprobs", "loss_mask"):
            part = getattr(self, name)
            if part is not None and len(part) != len(self.completion_ids):
                raise ValueError(
                    f"{name} has {len(part)} entries, "
                    f"but the completion has {len(self.completion_ids)} tokens"
                )


@dataclass(slots=True)
class Sample:
    """One training sequence; `ids`, `loss_mask` and `logprobs` have one entry per token."""

    ids: list[int] = field(default_factory=list)
    loss_mask: list[bool] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    """0.0 where the mask is False or no log-probabilities were given."""
    steps: list[int] = field(default_factory=list)
    """Indices of the actions that the sequence contains."""

    def is_prefix_of(self, tokens: Tokens) -> bool:
        """Return whether the prompt of an action begins with this sequence, token by token."""
        return list(tokens.prompt_ids[: len(self.ids)]) == self.ids

    def append(self, tokens: Tokens, step: int) -> None:
        """Append an action of whose prompt this sequence is a prefix."""
        # What the prompt adds are observations: context, not trained on.
        context = tokens.prompt_ids[len(self.ids) :]
        completion = len(tokens.completion_ids)
        mask = (
            [True] * completion if tokens.loss_mask is None else list(map(bool, tokens.loss_mask))
        )
        logprobs = tokens.logprobs if tokens.logprobs is not None else [0.0] * completion
        self.ids += [*context, *tokens.completion_ids]
        self.loss_mask += [False] * len(context) + mask
        self.logprobs += [0.0] * len(context)
        self.logprobs += [
            float(logprob) if trained else 0.0
            for logprob, trained in zip(logprobs, mask, strict=True)
        ]
        self.steps.append(step)


def join_tokens(actions: Iterable[Tokens | None]) -> list[Sample]:
    """Return the actions of one rollout as few sequences; actions without tokens are left out.

    An action whose prompt does not repeat the sequence so far token by token starts a new sequence:
    the chat template dropped old reasoning, or the tokenizer merged tokens across a boundary.
    Joining them regardless would train on tokens in a context in which they were not sampled.
    """
    samples: list[Sample] = []
    for step, tokens in enumerate(actions):
        if tokens is None:
            continue
        if not samples or not samples[-1].is_prefix_of(tokens):
            samples.append(Sample())
        samples[-1].append(tokens, step)
    return samples
