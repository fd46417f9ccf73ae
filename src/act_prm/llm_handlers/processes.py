"""The processes that train one model: this one alone, or those that `accelerate launch` started.

Rollouts, files and decisions are those of the first process. It tells the others which method of
their copy of the model to call; all call it with the same arguments, each computes its share, and
gradients are averaged by what accelerate is configured to use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

from act_prm.llm_handlers.client import Datum
from tau2.errors import needs_extra

with needs_extra("train", "torch"):
    import torch

Result = TypeVar("Result")
Syncs = Callable[[Any], AbstractContextManager[Any]]


class Processes(Protocol):
    """What one or several processes do to train a model."""

    is_first: bool
    """Whether this process decides."""
    count: int

    def prepare(self, model: Any, optimizer: Any) -> tuple[Any, Any]:
        """Return model and optimizer for training."""

    def shared(
        self, batches: Sequence[list[int]], work: Callable[[list[int]], list[list[float]]]
    ) -> dict[int, list[float]]:
        """Return the results of the work on all batches, by the indices in them."""

    def rounds(self, passes: Sequence[list[Datum]]) -> Iterator[tuple[list[Datum], Syncs]]:
        """Yield this process's passes, each with the context in which it is computed."""

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradient of the loss to the accumulated one."""

    def combined(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the metrics of all processes: sums, and the maxima of `..._max`."""

    def clip(self, parameters: list[torch.nn.Parameter], limit: float) -> float:
        """Scale the gradient down to the limit and return its former norm."""


class OneProcess:
    """Trains in this process alone."""

    is_first = True
    count = 1

    def prepare(self, model: Any, optimizer: Any) -> tuple[Any, Any]:
        """Return both as they are."""
        return model, optimizer

    def shared(
        self, batches: Sequence[list[int]], work: Callable[[list[int]], list[list[float]]]
    ) -> dict[int, list[float]]:
        """Return the results of the work on all batches, by the indices in them."""
        return {at: row for batch in batches for at, row in zip(batch, work(batch), strict=True)}

    def rounds(self, passes: Sequence[list[Datum]]) -> Iterator[tuple[list[Datum], Syncs]]:
        """Yield all passes."""
        for some in passes:
            yield some, nullcontext

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradient of the loss to the accumulated one."""
        loss.backward()

    def combined(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the metrics as they are."""
        return metrics

    def clip(self, parameters: list[torch.nn.Parameter], limit: float) -> float:
        """Scale the gradient down to the limit and return its former norm."""
        return float(torch.nn.utils.clip_grad_norm_(parameters, limit))
