"""From steps to optimizer steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from typing import Protocol, runtime_checkable

from act_prm.llm_handlers.client import Datum
from act_prm.metrics.summary import Numbers, mean, means
from act_prm.trainer.workbench import Workbench
from tau2.errors import ConfigError


@runtime_checkable
class HasReference(Protocol):
    """A model that can also be scored as it was before training."""

    async def reference_logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        """Return what `logprobs` returns, for the model without its adapter."""


async def policy_gradient(bench: Workbench, data: Sequence[Datum], batch_id: int) -> Numbers:
    """Take the optimizer steps of a batch with the configured loss; return what was measured."""
    config = bench.config
    charged, measured = await _charged(bench, data)
    found = await optimize(
        bench, charged, config.loss_fn, size=_step_size(bench, len(charged)), scope=batch_id
    )
    if config.compute_post_kl and charged:
        measured["post_kl"] = await _moved(bench, charged)
    return found | measured


async def fine_tune(
    bench: Workbench, data: Sequence[Datum], scope: object, *, size: int | None = None
) -> Numbers:
    """Take the optimizer steps of a batch with cross entropy, `size` sequences each; return what was measured."""
    return await optimize(
        bench, data, "cross_entropy", size=size or _step_size(bench, len(data)), scope=scope
    )


def _step_size(bench: Workbench, count: int) -> int:
    """Return how many sequences an optimizer step takes."""
    config = bench.config
    divided = max(ceil(count / config.num_substeps), 1)
    return min(divided, config.mini_batch_size or divided)


async def optimize(
    bench: Workbench, data: Sequence[Datum], loss_fn: str, *, size: int, scope: object
) -> Numbers:
    """Take one optimizer step for each `size` sequences, in an order that depends on the scope alone.

    Sequences without weight or advantage have no gradient; they are left out.
    """
    kept = [
        datum
        for datum in data
        if datum.n_trained and (datum.advantages is None or any(datum.advantages))
    ]
    bench.random("order", loss_fn, scope).shuffle(kept)
    reports = []
    for some in _chunks(kept, size):
        report = await bench.model.forward_backward(some, loss_fn)
        stepped = await bench.model.optim_step(bench.config.learning_rate)
        reports.append({"loss": report.loss, **report.metrics, **stepped})
    counts = {"optimizer_steps": float(len(reports)), "sequences": float(len(kept))}
    return means(reports) | counts


def _chunks(data: list[Datum], size: int) -> Iterator[list[Datum]]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def _charged(bench: Workbench, data: Sequence[Datum]) -> tuple[list[Datum], Numbers]:
    """Return the data with what straying from the reference costs taken off their advantages."""
    config, model = bench.config, bench.model
    if not config.kl_penalty_coef or not data:
        return list(data), {}
    if not isinstance(model, HasReference):
        raise ConfigError(
            f"kl_penalty_coef needs a model with a reference; {model.name} has none here: set it to 0"
        )
    reference = await model.reference_logprobs([datum.tokens for datum in data])
    strayed = [_strayed(datum, row) for datum, row in zip(data, reference, strict=True)]
    average = mean(one for row in strayed for one in row if one is not None)
    charged = [
        _charge(datum, row, average, bench) for datum, row in zip(data, strayed, strict=True)
    ]
    return charged, {"kl_to_reference": average}


def _strayed(datum: Datum, reference: Sequence[float]) -> list[float | None]:
    """Return by how much each trained token is likelier than under the reference."""
    old = datum.logprobs or []
    return [
        now - then if weight else None
        for weight, now, then in zip(datum.weights, old, reference, strict=True)
    ]


def _charge(
    datum: Datum, strayed: Sequence[float | None], average: float, bench: Workbench
) -> Datum:
    config = bench.config
    charges: list[float] = []
    later = 0.0
    for one in reversed(strayed):
        own = 0.0 if one is None else config.kl_penalty_coef * (average - one)
        later = own + config.kl_discount_factor * later
        charges.append(0.0 if one is None else later)
    advantages = [a + c for a, c in zip(datum.advantages or [], reversed(charges), strict=True)]
    return replace(datum, advantages=advantages)


async def _moved(bench: Workbench, data: Sequence[Datum]) -> float:
    """Return the mean log-probability that the sampled tokens lost by the update: an estimate of KL(old, new)."""
    new = await bench.model.logprobs([datum.tokens for datum in data])
    return mean(
        old - now
        for datum, row in zip(data, new, strict=True)
        for weight, old, now in zip(datum.weights, datum.logprobs or [], row, strict=True)
        if weight
    )
