"""Log-probabilities of given tokens in torch: one forward pass over right-padded sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch
    from torch.utils.checkpoint import checkpoint

# Positions whose full-precision scores over the vocabulary are in memory at once; the backward pass
# recomputes them.
_POSITIONS_AT_ONCE = 256


def padded(
    rows: Sequence[Sequence[float]], *, fill: float, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Return the rows as one tensor [row, column], padded on the right."""
    width = max(len(row) for row in rows)
    return torch.tensor(
        [[*row, *[fill] * (width - len(row))] for row in rows], dtype=dtype, device=device
    )


def score(
    model: Any, sequences: Sequence[list[int]], positions: Sequence[int], *, entropy: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log-probabilities and entropies (or zeros) of the tokens, both [sequence, position].

    `positions` are at least 1. The values of positions beyond the end of a sequence are undefined.
    Gradients flow through the log-probabilities. The unit is nats.
    """
    device = next(model.parameters()).device
    ids = padded(sequences, fill=0, dtype=torch.long, device=device)
    mask = padded([[1] * len(one) for one in sequences], fill=0, dtype=torch.long, device=device)
    at = torch.tensor(list(positions), dtype=torch.long, device=device)
    logits = model(
        input_ids=ids, attention_mask=mask, logits_to_keep=at - 1, use_cache=False
    ).logits
    targets = ids[:, at]
    chunks = [
        checkpoint(_score_chunk, some, wanted, entropy, use_reentrant=False)
        for some, wanted in zip(
            logits.split(_POSITIONS_AT_ONCE, dim=1),
            targets.split(_POSITIONS_AT_ONCE, dim=1),
            strict=True,
        )
    ]
    logprobs = torch.cat([logprob for logprob, _ in chunks], dim=1)
    entropies = torch.cat([entropy_chunk for _, entropy_chunk in chunks], dim=1)
    return logprobs, entropies


def _score_chunk(
    logits: torch.Tensor, targets: torch.Tensor, entropy: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    scores = torch.log_softmax(logits.float(), dim=-1)
    new = scores.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    with torch.no_grad():
        spread = -(scores.exp() * scores).sum(-1) if entropy else torch.zeros_like(new)
    return new, spread
