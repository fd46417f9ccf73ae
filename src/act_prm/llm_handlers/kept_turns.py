"""Keys and values of conversations, kept from one turn to the next.

A turn goes on where the last one ended, so only what came since has to be computed. What is kept
holds until the model learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch
with needs_extra("train", "transformers"):
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A conversation that was computed."""

    tokens: tuple[int, ...]
    layers: list[tuple[torch.Tensor, torch.Tensor]]
    """Keys and values of each layer, [head, token, dimension]."""


class KeptTurns:
    """The conversations of the last call of `generate`, of at most `limit` tokens together."""

    def __init__(self, limit: int) -> None:
        self._left = self._limit = limit
        self._before: dict[tuple[int, ...], KeptTurn] = {}
        self._new: dict[tuple[int, ...], KeptTurn] = {}

    def clear(self) -> None:
        """Forget everything: the weights change."""
        self._before = {}
        self._new = {}
        self._left = self._limit

    def end_of_call(self) -> None:
        """Forget what was kept before this call: those conversations went on, or are over."""
        self._before = self._new
        self._new = {}
        self._left = self._limit

    def of(self, prompt: tuple[int, ...]) -> KeptTurn | None:
        """Return the longest conversation that the prompt goes on with; None without one."""
        # The last token of a prompt is computed in any case: its scores are those of the reply.
        lengths = sorted({len(tokens) for tokens in self._before}, reverse=True)
        beginnings = (prompt[:length] for length in lengths if length < len(prompt))
        return next((self._before[one] for one in beginnings if one in self._before), None)

    def keep(self, tokens: tuple[int, ...], cache: Any, row: int, mask: torch.Tensor) -> None:
        """Keep a row of a cache, where there is room; `mask` says where it has tokens, [column].

        Only caches that hold every token in every layer are kept: not those of sliding windows.
        """
        if len(tokens) > self._left or tokens in self._new:
            return
        if any(type(layer) is not DynamicLayer or layer.keys is None for layer in cache.layers):
            return
        self._left -= len(tokens)
        at = mask.bool()
        layers = [(one.keys[row][:, at], one.values[row][:, at]) for one in cache.layers]
        self._new[tokens] = KeptTurn(tokens, layers)


def joined(turns: Sequence[KeptTurn]) -> Any:
    """Return a cache with the conversations as rows, padded before their beginnings."""
    width = max(len(turn.tokens) for turn in turns)
    cache = DynamicCache()
    for number in range(len(turns[0].layers)):
        keys, values = (
            torch.stack([_padded(turn.layers[number][part], width) for turn in turns])
            for part in (0, 1)
        )
        cache.update(keys, values, number)
    return cache


def _padded(states: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(states, (0, 0, width - states.shape[1], 0))
