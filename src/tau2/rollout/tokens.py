"""Tokens of a turn as the policy saw and wrote them, and their joining into training samples.

A trainer that has them hands them over with each action; nothing here knows a tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tokens:
    """One turn of a policy in tokens. Raise ValueError when the parts differ in length."""

    prompt_ids: Sequence[int]
    completion_ids: Sequence[int]
    logprobs: Sequence[float] | None = None
    """Of the completion, under the policy that sampled it."""
    loss_mask: Sequence[bool] | None = None
    """Which tokens of the completion are trained on; None: all."""

    def __post_init__(self) -> None:
        for name in ("logprobs", "loss_mask"):
            part = getattr(self, name)
            if part is not None and len(part) != len(self.completion_ids):
                raise ValueError(
                    f"{name} has {len(part)} entries, but the completion has {len(self.completion_ids)} tokens"
                )

    @property
    def trained(self) -> list[bool]:
        """Which tokens of the completion are trained on."""
        return (
            [True] * len(self.completion_ids)
            if self.loss_mask is None
            else [bool(one) for one in self.loss_mask]
        )


@dataclass(slots=True)
class Sample:
    """One sequence to train on: the turns whose prompts continue one another, token by token."""

    ids: list[int] = field(default_factory=list)
    loss_mask: list[bool] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    """0.0 where the mask is False or no log-probabilities were given."""
    turns: list[int] = field(default_factory=list)
    """The turns it holds."""

    def takes(self, tokens: Tokens) -> bool:
        """Return whether the prompt of a turn begins with this very sequence."""
        return (
            len(tokens.prompt_ids) >= len(self.ids)
            and list(tokens.prompt_ids[: len(self.ids)]) == self.ids
        )

    def add(self, tokens: Tokens, turn: int) -> None:
        """Append a turn that this sample `takes`."""
        context = tokens.prompt_ids[len(self.ids) :]
        trained = tokens.trained
        given = tokens.logprobs if tokens.logprobs is not None else [0.0] * len(trained)
        self.ids += [*context, *tokens.completion_ids]
        self.loss_mask += [False] * len(context) + trained
        self.logprobs += [0.0] * len(context)
        self.logprobs += [
            float(one) if counts else 0.0 for one, counts in zip(given, trained, strict=True)
        ]
        self.turns.append(turn)


def samples_of(turns: Iterable[Tokens | None]) -> list[Sample]:
    """Return the turns as few sequences as their tokens permit.

    A turn whose prompt does not repeat what came before token by token (a template that drops old reasoning, a
    tokenizer that merges across the border) starts a sample of its own, so every token is trained on as it was
    sampled. Turns without tokens are left out.
    """
    samples: list[Sample] = []
    for number, tokens in enumerate(turns):
        if tokens is None:
            continue
        if not samples or not samples[-1].takes(tokens):
            samples.append(Sample())
        samples[-1].add(tokens, number)
    return samples
