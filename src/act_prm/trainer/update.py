"""Optimizer steps on data: policy gradients, fine-tuning, and the KL penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, exp
from typing import Protocol, runtime_checkable

from act_prm.llm_handlers.client import Datum, PolicyLoss, ScoresAsSampled, StatesMemory
from act_prm.metrics.summary import Metrics, mean, means
from act_prm.trainer.context import TrainingContext
from tau2.errors import ConfigError


@runtime_checkable
class HasReference(Protocol):
    """A model that can also score sequences as it did before training."""

    async def reference_logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        """Return what `logprobs` returns, for the model without its adapter."""


async def policy_gradient(
    context: TrainingContext, data: Sequence[Datum], batch_id: int
) -> Metrics:
    """Take the optimizer steps of a batch with the configured loss; return metrics."""
    config = context.config
    size = _step_size(context, len(data))
    data = _weighted_by_probability(context, data)
    data, kl_metrics = await _with_kl_penalty(context, data)
    data = await _with_references(context, _normalized(context, _teaching(data)))
    # The only step of a batch is taken where the batch was sampled: its ratios are exactly 1.
    on_policy = len(data) <= size
    if not on_policy:
        data = await _with_old_logprobs(context, data)
    policy = PolicyLoss(
        clip_low=config.clip_low,
        clip_high=config.clip_high,
        correction_cap=config.correction_cap,
        kl_coef=config.kl_loss_coef,
        on_policy=on_policy,
    )
    metrics = await optimize(
        context, data, config.loss_fn, size=size, scope=batch_id, policy=policy
    )
    if config.compute_post_kl and data:
        kl_metrics["post_kl"] = await _kl_of_update(context, data)
    return metrics | kl_metrics


async def fine_tune(
    context: TrainingContext, data: Sequence[Datum], scope: object, *, size: int | None = None
) -> Metrics:
    """Take the optimizer steps of a batch with cross entropy, `size` sequences each."""
    size = size or _step_size(context, len(data))
    return await optimize(context, data, "cross_entropy", size=size, scope=scope)


def _step_size(context: TrainingContext, count: int) -> int:
    """Return the number of sequences of one optimizer step."""
    config = context.config
    size = max(ceil(count / config.num_substeps), 1)
    return min(size, config.mini_batch_size or size)


def _teaching(data: Sequence[Datum]) -> list[Datum]:
    """Return the data with a gradient: with weights, and an advantage if it has any."""
    return [
        datum
        for datum in data
        if datum.n_trained and (datum.advantages is None or any(datum.advantages))
    ]


async def optimize(
    context: TrainingContext,
    data: Sequence[Datum],
    loss_fn: str,
    *,
    size: int,
    scope: object,
    policy: PolicyLoss | None = None,
) -> Metrics:
    """Take one optimizer step for each `size` sequences, in an order derived from the scope.

    Sequences without a gradient are left out. A step that has moved too far from the policy of the
    batch (`max_kl`) is the last one.
    """
    kept = _teaching(data)
    context.random("order", loss_fn, scope).shuffle(kept)
    _tell_memory(context, kept)
    max_kl = context.config.max_kl
    reports = []
    for start in range(0, len(kept), size):
        report = await context.model.forward_backward(kept[start : start + size], loss_fn, policy)
        step_metrics = await context.model.optim_step(context.learning_rate)
        reports.append({"loss": report.loss, **report.metrics, **step_metrics})
        if max_kl is not None and report.metrics.get("kl_to_old", 0.0) > max_kl:
            break
    counts = {"optimizer_steps": float(len(reports)), "sequences": float(len(kept))}
    found = means(reports) | counts
    largest = [one["engine_ratio_max"] for one in reports if "engine_ratio_max" in one]
    return found | ({"engine_ratio_max": max(largest)} if largest else {})


def _tell_memory(context: TrainingContext, data: Sequence[Datum]) -> None:
    """Say before the first step how much memory it needs."""
    if data and not context.memory_told and isinstance(context.model, StatesMemory):
        context.reporter.note(context.model.memory_sentence(data))
        context.memory_told = True


def _weighted_by_probability(context: TrainingContext, data: Sequence[Datum]) -> list[Datum]:
    """Return the data with advantages that are smaller for improbable tokens.

    The advantage of a token with probability p is multiplied by 1 - share * (1 - p) (Yang et al.,
    "Do not let low-probability tokens over-dominate in RL for LLMs", 2025, arXiv:2505.12929). An
    episode that went wrong ends in tokens that the policy hardly ever writes: without it, they are
    most of its gradient, though the mistake came before them.
    """
    share = context.config.probability_weight
    if not share:
        return list(data)
    return [
        replace(
            datum,
            advantages=[
                advantage * (1.0 - share * (1.0 - exp(min(logprob, 0.0))))
                for advantage, logprob in zip(
                    datum.advantages or [], datum.logprobs or [], strict=True
                )
            ],
        )
        for datum in data
    ]


def _normalized(context: TrainingContext, data: Sequence[Datum]) -> list[Datum]:
    """Return the data with weights of the configured normalisation of the loss.

    The loss of an optimizer step is the mean over its weights. With weights of 1 that is the mean
    over tokens (Yu et al., "DAPO", 2025, arXiv:2503.14476): a token of a long episode counts as
    much as one of a short episode. With `sequence_mean` the weights of each sequence sum to 1.
    """
    if context.config.loss_normalization == "token_mean":
        return list(data)
    return [
        replace(datum, weights=[weight / sum(datum.weights) for weight in datum.weights])
        for datum in data
    ]


async def _with_old_logprobs(context: TrainingContext, data: Sequence[Datum]) -> list[Datum]:
    """Return the data with the learner's log-probabilities before the first step.

    A service samples and trains with one model; there, those of the samples are the learner's.
    """
    model = context.model
    if not data or not isinstance(model, ScoresAsSampled):
        return list(data)
    old = await model.learner_logprobs(data)
    return [replace(datum, old_logprobs=row) for datum, row in zip(data, old, strict=True)]


async def _with_references(context: TrainingContext, data: Sequence[Datum]) -> list[Datum]:
    """Return the data with the log-probabilities that a KL term in the loss needs."""
    model = context.model
    if not context.config.kl_loss_coef or not data:
        return list(data)
    if not isinstance(model, ScoresAsSampled):
        raise ConfigError(
            f"kl_loss_coef needs a model in this process; {model.name} is not: set it to 0"
        )
    reference = await model.learner_logprobs(data, reference=True)
    return [
        replace(datum, reference_logprobs=row) for datum, row in zip(data, reference, strict=True)
    ]


async def _with_kl_penalty(
    context: TrainingContext, data: Sequence[Datum]
) -> tuple[list[Datum], Metrics]:
    """Return the data with the KL penalty to the reference added to the advantages."""
    model = context.model
    coefficient = context.config.kl_penalty_coef
    if not coefficient or not data:
        return list(data), {}
    if isinstance(model, ScoresAsSampled):
        reference = await model.learner_logprobs(data, reference=True)
    elif isinstance(model, HasReference):
        reference = await model.reference_logprobs([datum.tokens for datum in data])
    else:
        raise ConfigError(
            f"kl_penalty_coef needs a model with a reference; {model.name} has none here: "
            "set it to 0"
        )
    kl = [_kl_of_tokens(datum, row) for datum, row in zip(data, reference, strict=True)]
    mean_kl = mean(value for row in kl for value in row if value is not None)
    discount = context.config.kl_discount_factor
    penalized = [
        _penalize(datum, row, mean_kl, coefficient=coefficient, discount=discount)
        for datum, row in zip(data, kl, strict=True)
    ]
    return penalized, {"kl_to_reference": mean_kl}


def _kl_of_tokens(datum: Datum, reference: Sequence[float]) -> list[float | None]:
    """Return log p(token) - log p_reference(token) of the trained tokens; None for the others.

    Its mean over sampled tokens estimates KL(policy, reference) without bias (estimator k1 of
    Schulman, "Approximating KL divergence", 2020).
    """
    return [
        sampled - referred if weight else None
        for weight, sampled, referred in zip(
            datum.weights, datum.logprobs or [], reference, strict=True
        )
    ]


def _penalize(
    datum: Datum,
    kl: Sequence[float | None],
    mean_kl: float,
    *,
    coefficient: float,
    discount: float,
) -> Datum:
    """Return the datum with the penalty added to its advantages.

    The penalty of token t is p_t = coefficient * (mean_kl - kl_t) + discount * p_(t+1): a token
    also bears part of the penalty of those that follow it. The batch mean is the baseline of the
    penalty: without a discount, the penalties of a batch sum to 0.
    """
    penalties: list[float] = []
    following = 0.0
    for value in reversed(kl):
        own = 0.0 if value is None else coefficient * (mean_kl - value)
        following = own + discount * following
        penalties.append(0.0 if value is None else following)
    pairs = zip(datum.advantages or [], reversed(penalties), strict=True)
    return replace(datum, advantages=[advantage + penalty for advantage, penalty in pairs])


async def _kl_of_update(context: TrainingContext, data: Sequence[Datum]) -> float:
    """Return the mean log-probability that the sampled tokens lost: an estimate of KL(old, new)."""
    model = context.model
    if isinstance(model, ScoresAsSampled):
        logprobs = await model.learner_logprobs(data)
    else:
        logprobs = await model.logprobs([datum.tokens for datum in data])
    return mean(
        old - new
        for datum, row in zip(data, logprobs, strict=True)
        for weight, old, new in zip(datum.weights, datum.logprobs or [], row, strict=True)
        if weight
    )
