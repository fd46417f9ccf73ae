"""Batched sampling in torch: distinct prompts are prefilled once, each row has its own seed.

A prompt that goes on with a conversation of the last call is computed from where that ended.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from act_prm.llm_handlers.batching import batches
from act_prm.llm_handlers.kept_turns import KeptTurns, joined
from act_prm.llm_handlers.scoring import cache_name, common_prefix, log_distribution
from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch

# Keeps a draw below the total mass, so that it selects a token with probability above 0.
_NEARLY_ONE = 1.0 - 1e-12


@dataclass(slots=True)
class ReplyRow:
    """One completion that is being sampled."""

    prompt: tuple[int, ...]
    limit: int
    """Maximal number of tokens."""
    random: random.Random
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finished: bool = False

    @property
    def done(self) -> bool:
        """Whether the completion is complete."""
        return self.finished or len(self.tokens) >= self.limit


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """How tokens are sampled, and when a completion ends."""

    temperature: float
    top_p: float
    ended: Callable[[list[int]], bool]
    """`ended(tokens)` returns whether the last token ended the completion."""


def generate(
    model: Any, rows: Sequence[ReplyRow], drawing: SamplingRule, *, budget: int, kept: KeptTurns
) -> None:
    """Complete the rows in place, in batches of at most `budget` tokens with their prompts."""
    # Equal prompts must be in one batch to be prefilled once.
    ordered = sorted(rows, key=lambda row: (len(row.prompt), row.prompt))
    going_on = [row for row in ordered if kept.of(row.prompt) is not None]
    beginning = [row for row in ordered if kept.of(row.prompt) is None]
    with torch.inference_mode():
        for some in (going_on, beginning):
            for batch in batches([len(row.prompt) + row.limit for row in some], budget):
                _generate_batch(model, [some[at] for at in batch], drawing, kept)


def _generate_batch(
    model: Any, rows: list[ReplyRow], drawing: SamplingRule, kept: KeptTurns
) -> None:
    state = _prefill(model, rows, kept)
    while True:
        tokens, logprobs = draw(state.logits, [row.random for row in rows], drawing)
        for row, token, logprob in zip(rows, tokens.tolist(), logprobs.tolist(), strict=True):
            row.tokens.append(token)
            row.logprobs.append(logprob)
            row.finished = drawing.ended(row.tokens)
        for at, row in enumerate(rows):
            if row.done:
                # The last token was not computed.
                evaluated = (*row.prompt, *row.tokens[:-1])
                kept.keep(evaluated, state.cache, at, state.mask[at])
        going = [at for at, row in enumerate(rows) if not row.done]
        if not going:
            return
        if len(going) < len(rows):
            rows = [rows[at] for at in going]
            index = torch.tensor(going, device=tokens.device)
            state.select(index)
            tokens = tokens[index]
        state.advance(model, tokens)


@dataclass(slots=True)
class _DecodingState:
    """The key-value cache of the rows, and the logits of their next tokens."""

    cache: Any
    cache_name: str
    """The name of the cache in the arguments and results of the model."""
    mask: torch.Tensor
    positions: torch.Tensor
    """Position of the next token of each row, [row]."""
    logits: torch.Tensor

    def select(self, index: torch.Tensor) -> None:
        """Select (or repeat) the rows at `index`."""
        self.cache.batch_select_indices(index)
        self.mask = self.mask[index]
        self.positions = self.positions[index]
        self.logits = self.logits[index]

    def advance(self, model: Any, tokens: torch.Tensor) -> None:
        """Append one token to each row."""
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)
        out = model(
            input_ids=tokens.unsqueeze(1),
            attention_mask=self.mask,
            position_ids=self.positions.unsqueeze(1),
            use_cache=True,
            **{self.cache_name: self.cache},
        )
        self.positions = self.positions + 1
        self.cache = out[self.cache_name]
        self.logits = out.logits[:, -1]


def _prefill(model: Any, rows: list[ReplyRow], kept: KeptTurns) -> _DecodingState:
    """Return the state after the prompts; each distinct prompt is computed once.

    What all of them begin with (the policy and the tools, usually), or what was kept of each, is
    not computed again.
    """
    prompts = list(dict.fromkeys(row.prompt for row in rows))
    device = next(model.parameters()).device
    name = cache_name(model)
    cache, known = _computed(model, prompts, name, kept)
    before = max(known)
    width = max(len(one) - at for one, at in zip(prompts, known, strict=True))
    # Padding before the rest, too: the last position of every row is its last token.
    ids = torch.tensor(
        [
            [0] * (width - len(one) + at) + list(one[at:])
            for one, at in zip(prompts, known, strict=True)
        ],
        device=device,
    )
    mask = torch.tensor(
        [
            [0] * (before - at) + [1] * at + [0] * (width - len(one) + at) + [1] * (len(one) - at)
            for one, at in zip(prompts, known, strict=True)
        ],
        device=device,
    )
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    out = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions[:, before:],
        use_cache=True,
        logits_to_keep=1,
        **({} if cache is None else {name: cache}),
    )
    state = _DecodingState(out[name], name, mask, positions[:, -1] + 1, out.logits[:, -1])
    if len(prompts) < len(rows):
        place = {prompt: at for at, prompt in enumerate(prompts)}
        state.select(torch.tensor([place[row.prompt] for row in rows], device=device))
    return state


def _computed(
    model: Any, prompts: list[tuple[int, ...]], name: str, kept: KeptTurns
) -> tuple[Any, list[int]]:
    """Return a cache of what the prompts begin with, and how many tokens of each it holds."""
    turns = [turn for one in prompts if (turn := kept.of(one)) is not None]
    if len(turns) == len(prompts):
        return joined(turns), [len(turn.tokens) for turn in turns]
    # The last token stays with the rest: its scores are those of the first token of the reply.
    shared = common_prefix(prompts, min(map(len, prompts)) - 1)
    if not shared:
        return None, [0] * len(prompts)
    start = torch.tensor([prompts[0][:shared]], device=next(model.parameters()).device)
    cache = model(input_ids=start, use_cache=True, logits_to_keep=1)[name]
    cache.batch_repeat_interleave(len(prompts))
    return cache, [shared] * len(prompts)


def draw(
    logits: torch.Tensor, randoms: Sequence[random.Random], drawing: SamplingRule
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return one token per row, and its log-probability under the sampled distribution, [row]."""
    if drawing.temperature == 0.0:
        tokens = logits.argmax(-1)
        return tokens, torch.zeros_like(tokens, dtype=torch.float32)
    scores = log_distribution(logits, drawing.temperature, drawing.top_p)
    # Inverse transform sampling, with one random number per row.
    cumulative = scores.exp().double().cumsum(-1)
    draws = [[one.random() * _NEARLY_ONE] for one in randoms]
    chances = torch.tensor(draws, dtype=torch.float64, device=cumulative.device)
    tokens = torch.searchsorted(cumulative, chances * cumulative[:, -1:], right=True)
    return tokens.squeeze(-1), scores.gather(-1, tokens).squeeze(-1)
