"""Log-probabilities of given tokens in torch: one forward pass over right-padded sequences."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch
    from torch.utils.checkpoint import checkpoint

# Positions whose full-precision scores over the vocabulary are in memory at once; the backward pass
# recomputes them.
_POSITIONS_AT_ONCE = 256
_SHORTEST_PREFIX = 32  # tokens; evaluating fewer once does not pay for a pass of its own


def padded(
    rows: Sequence[Sequence[float]], *, fill: float, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Return the rows as one tensor [row, column], padded on the right."""
    width = max(len(row) for row in rows)
    return torch.tensor(
        [[*row, *[fill] * (width - len(row))] for row in rows], dtype=dtype, device=device
    )


def score(
    model: Any,
    sequences: Sequence[list[int]],
    positions: Sequence[int],
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    entropy: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log-probabilities and entropies (or zeros) of the tokens, both [sequence, position].

    They are those of the distribution that `sampling.draw` draws from; a token outside of the
    nucleus counts as part of it, so that every log-probability is finite. `positions` are at least
    1. The values of positions beyond the end of a sequence are undefined. Gradients flow through
    the log-probabilities. The unit is nats. What all sequences begin with (the policy and the
    tools, usually) is evaluated once.
    """
    device = next(model.parameters()).device
    ids = padded(sequences, fill=0, dtype=torch.long, device=device)
    mask = padded([[1] * len(one) for one in sequences], fill=0, dtype=torch.long, device=device)
    at = torch.tensor(list(positions), dtype=torch.long, device=device)
    shared = _shared_prefix(model, sequences, positions)
    if shared:
        logits = _logits_after_prefix(model, ids, mask, at, shared)
    else:
        logits = model(
            input_ids=ids, attention_mask=mask, logits_to_keep=at - 1, use_cache=False
        ).logits
    targets = ids[:, at]
    chunks = [
        checkpoint(_score_chunk, some, wanted, temperature, top_p, entropy, use_reentrant=False)
        for some, wanted in zip(
            logits.split(_POSITIONS_AT_ONCE, dim=1),
            targets.split(_POSITIONS_AT_ONCE, dim=1),
            strict=True,
        )
    ]
    logprobs = torch.cat([logprob for logprob, _ in chunks], dim=1)
    entropies = torch.cat([entropy_chunk for _, entropy_chunk in chunks], dim=1)
    return logprobs, entropies


def cache_name(model: Any) -> str:
    """Return the name of the key-value cache in the model's arguments and results."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    # transformers 5.24 renamed it.
    return "cache" if "cache" in inspect.signature(base.forward).parameters else "past_key_values"


def _shared_prefix(model: Any, sequences: Sequence[list[int]], positions: Sequence[int]) -> int:
    """Return how many tokens to evaluate once for all sequences; 0 where it does not pay.

    The first scored token is predicted after them, so that none of its scores is missing.
    """
    # With gradient checkpointing, models keep no keys and values of a prefix.
    if _checkpoints_activations(model):
        return 0
    return common_prefix(sequences, min(map(len, sequences)), min(positions) - 1)


def common_prefix(sequences: Sequence[list[int]] | Sequence[tuple[int, ...]], *limits: int) -> int:
    """Return how many first tokens to evaluate once for all sequences; 0 where it does not pay.

    They are at most the smallest of the limits.
    """
    if len(sequences) == 1:
        return 0
    first, last = min(sequences), max(sequences)
    limit = min(limits)
    length = next((at for at in range(limit) if first[at] != last[at]), limit)
    return length if length >= _SHORTEST_PREFIX else 0


def _checkpoints_activations(model: Any) -> bool:
    # The current and the former name of the property in transformers; the former warns.
    for name in ("is_activation_checkpointing", "is_gradient_checkpointing"):
        if hasattr(model, name):
            return bool(getattr(model, name))
    return False


def _logits_after_prefix(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, at: torch.Tensor, prefix: int
) -> torch.Tensor:
    """Return the scores before the positions `at`; the first `prefix` tokens are evaluated once.

    The prefix's keys and values are repeated, not detached, so the gradient through them is that
    of evaluating it for each sequence.
    """
    name = cache_name(model)
    cache = model(input_ids=ids[:1, :prefix], use_cache=True, logits_to_keep=1)[name]
    cache.batch_repeat_interleave(len(ids))
    rest = ids[:, prefix:]
    places = torch.arange(prefix, ids.shape[1], device=ids.device).expand_as(rest)
    scores: torch.Tensor = model(
        input_ids=rest,
        attention_mask=mask,
        position_ids=places,
        use_cache=True,
        **{name: cache},
        logits_to_keep=at - 1 - prefix,
    ).logits
    return scores


def _score_chunk(
    logits: torch.Tensor, targets: torch.Tensor, temperature: float, top_p: float, entropy: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = log_distribution(logits, temperature, top_p, kept=targets)
    new = scores.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    with torch.no_grad():
        spread = torch.special.entr(scores.exp()).sum(-1) if entropy else torch.zeros_like(new)
    return new, spread


def log_distribution(
    logits: torch.Tensor,
    temperature: float,
    top_p: float,
    *,
    kept: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the log-probabilities of the distribution that tokens are sampled from, [..., token].

    The most probable tokens with mass `top_p` are renormalised, the others are -inf; `kept` [...]
    are tokens that are never excluded. Nucleus sampling: Holtzman et al., "The curious case of
    neural text degeneration", 2020.
    """
    scores = torch.log_softmax(logits.float() / temperature, dim=-1)
    if top_p >= 1.0:
        return scores
    with torch.no_grad():
        ordered, order = scores.sort(dim=-1, descending=True)
        before = ordered.exp().cumsum(-1) - ordered.exp()
        excluded = torch.empty_like(scores, dtype=torch.bool).scatter(-1, order, before >= top_p)
        if kept is not None:
            excluded = excluded.scatter(-1, kept.unsqueeze(-1), value=False)
    return torch.log_softmax(scores.masked_fill(excluded, float("-inf")), dim=-1)
