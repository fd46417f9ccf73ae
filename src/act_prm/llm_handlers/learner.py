"""Scores data and takes optimizer steps, in torch; everything here runs in one thread.

The policy gradient is taken without dropout, so that the log-probabilities it compares are those of
the policy that was sampled from. What is trained is kept in float32 even where the model computes
in half precision: small updates would be rounded away otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from act_prm.llm_handlers import checkpoints
from act_prm.llm_handlers.batching import batches
from act_prm.llm_handlers.client import AdamSettings, Datum, LossReport, PolicyLoss
from act_prm.llm_handlers.losses import Targets, loss_sum
from act_prm.llm_handlers.processes import Processes
from act_prm.llm_handlers.scoring import padded, score
from tau2.errors import ConfigError, needs_extra

with needs_extra("train", "torch"):
    import torch

_HALF = (torch.bfloat16, torch.float16)
_TARGETS = ("weights", "advantages", "logprobs", "old_logprobs", "reference_logprobs")


class Learner:
    """The trained parameters of a model and their optimizer.

    Raise ConfigError when nothing is trained.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str,
        adam: AdamSettings,
        train_tokens: int,
        processes: Processes,
        on_learning: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._on_learning = on_learning  # frees what was computed with the weights of before
        self._adam = adam
        self._budget = train_tokens
        self._processes = processes
        self.dtype = next(model.parameters()).dtype
        named = checkpoints.trained(model)
        if not named:
            raise ConfigError(
                f"{name} has no parameters to train; attach a LoRA adapter or unfreeze some"
            )
        for parameter in named.values():
            if parameter.dtype in _HALF:
                parameter.data = parameter.data.float()
        self.optimizer = torch.optim.AdamW(
            named.values(),
            lr=0.0,
            betas=(adam.beta1, adam.beta2),
            eps=adam.eps,
            weight_decay=adam.weight_decay,
        )
        self.model = model
        self.model.eval()

    def computing(self) -> AbstractContextManager[Any]:
        """Return the context of forward passes: half precision where the model was loaded in it."""
        # An adapter casts its inputs itself; without one, the float32 weights are cast here.
        if self.dtype not in _HALF or hasattr(self.model, "disable_adapter"):
            return nullcontext()
        device = next(self.model.parameters()).device
        halved: AbstractContextManager[Any] = torch.autocast(device.type, self.dtype)
        return halved

    def logprobs(
        self,
        sequences: Sequence[list[int]],
        positions: Sequence[Sequence[int]] | None = None,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        reference: bool = False,
    ) -> list[list[float]]:
        """Return the log-probabilities of the tokens at `positions` (None: of all), 0.0 elsewhere.

        `reference`: without the adapter.
        """
        if positions is None:
            positions = [range(1, len(one)) for one in sequences]
        adapter_off = self.model.disable_adapter() if reference else nullcontext()
        with torch.inference_mode(), self.computing(), adapter_off:

            def scored(batch: list[int]) -> list[list[float]]:
                places = sorted({at for row in batch for at in positions[row]})
                some = [sequences[row] for row in batch]
                if not places:
                    return [[0.0] * len(one) for one in some]
                new, _ = score(self.model, some, places, temperature=temperature, top_p=top_p)
                return [
                    _spread(len(sequences[row]), places, values, set(positions[row]))
                    for row, values in zip(batch, new.tolist(), strict=True)
                ]

            planned = batches([len(one) for one in sequences], self._budget)
            results = self._processes.share(planned, lambda some: [scored(one) for one in some])
        found = {
            row: values
            for batch, scores in zip(planned, results, strict=True)
            for row, values in zip(batch, scores, strict=True)
        }
        return [found[row] for row in range(len(sequences))]

    def data_logprobs(self, data: Sequence[Datum], *, reference: bool) -> list[list[float]]:
        """Return the log-probabilities of the weighted tokens as they were sampled."""
        found: dict[int, list[float]] = {}
        for (temperature, top_p), rows in _by_rule(data).items():
            scored = self.logprobs(
                [data[row].tokens for row in rows],
                [_weighted(data[row]) for row in rows],
                temperature=temperature,
                top_p=top_p,
                reference=reference,
            )
            found |= dict(zip(rows, scored, strict=True))
        return [found[row] for row in range(len(data))]

    def forward_backward(
        self, data: Sequence[Datum], loss_fn: str, policy: PolicyLoss, dropout_seed: int
    ) -> LossReport:
        """Accumulate the gradient of the loss over the data; see `client.TrainableModel`."""
        total = sum(sum(datum.weights) for datum in data)
        count = sum(datum.n_trained for datum in data)
        if not count:
            return LossReport(0.0, {"n_tokens": 0.0})
        self._on_learning()
        passes = self.passes(data)
        metrics: dict[str, float] = {}
        with _mode(self.model, dropout=loss_fn == "cross_entropy", seed=dropout_seed):
            for some in self._processes.own_share(passes):
                _combine(metrics, self._one_pass(some, loss_fn, policy, total))
        metrics = self._processes.combined(metrics)
        loss = metrics.pop("loss")
        averages = {
            name: value if name.endswith("_max") else value / count
            for name, value in metrics.items()
        }
        return LossReport(
            loss,
            {
                "n_tokens": float(count),
                "n_sequence_tokens": float(sum(len(datum.tokens) for datum in data)),
                **averages,
            },
        )

    def passes(self, data: Sequence[Datum]) -> list[list[Datum]]:
        """Return the data as they are computed together."""
        return [
            [data[rows[at]] for at in batch]
            for rows in _by_rule(data).values()
            for batch in batches([len(data[row].tokens) for row in rows], self._budget)
        ]

    def _one_pass(
        self, data: list[Datum], loss_fn: str, policy: PolicyLoss, total: float
    ) -> dict[str, float]:
        positions = weighted_positions(data)
        with self.computing():
            new, entropy = score(
                self.model,
                [datum.tokens for datum in data],
                positions,
                temperature=_rule(data[0])[0],
                top_p=_rule(data[0])[1],
                entropy=True,
            )
        targets = Targets(*(_at(positions, data, part, new.device) for part in _TARGETS))
        summed, metrics = loss_sum(loss_fn, new, targets, policy)
        # Dividing by the weights of all data makes the accumulated gradient that of the mean.
        loss = summed / total
        loss.backward()
        counted = targets.weights > 0
        sums = {"loss": loss.detach(), "entropy": entropy[counted].sum(), **metrics}
        return {name: float(value) for name, value in sums.items()}

    def reset_optimizer(self) -> None:
        """Forget the moments of earlier gradients."""
        self.optimizer.state.clear()

    def optim_step(self, learning_rate: float) -> dict[str, float]:
        """Take one Adam step; return the norm of the gradient before clipping.

        A gradient that is not finite is dropped, and `skipped` is 1.
        """
        self._on_learning()
        limit = self._adam.max_grad_norm
        parameters = list(checkpoints.trained(self.model).values())
        self._processes.sum_gradients(parameters)
        longest = math.inf if limit is None else limit
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, longest))
        is_finite = math.isfinite(norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        if is_finite:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"grad_norm": norm if is_finite else 0.0, "skipped": float(not is_finite)}


def _rule(datum: Datum) -> tuple[float, float]:
    """Return temperature and top_p; greedy samples are scored with a temperature of 1."""
    return datum.temperature or 1.0, datum.top_p


def _by_rule(data: Sequence[Datum]) -> dict[tuple[float, float], list[int]]:
    """Return the indices of the data by their temperature and top_p."""
    rules: dict[tuple[float, float], list[int]] = {}
    for row, datum in enumerate(data):
        rules.setdefault(_rule(datum), []).append(row)
    return rules


def weighted_positions(data: Sequence[Datum]) -> list[int]:
    """Return the positions at which some sequence has a weight."""
    return sorted({at for datum in data for at in _weighted(datum)})


def _weighted(datum: Datum) -> list[int]:
    return [at for at, weight in enumerate(datum.weights) if weight]


def _spread(
    length: int, places: Sequence[int], values: Sequence[float], wanted: set[int]
) -> list[float]:
    """Return the values of the wanted places in a row of that length, 0.0 elsewhere."""
    row = [0.0] * length
    for at, value in zip(places, values, strict=True):
        if at in wanted:
            row[at] = value
    return row


def _at(
    positions: list[int], data: Sequence[Datum], part: str, device: torch.device
) -> torch.Tensor | None:
    """Return one part of the data at the positions, [sequence, position]; None where it lacks."""
    rows = [getattr(datum, part) for datum in data]
    if part in {"old_logprobs", "reference_logprobs"} and any(row is None for row in rows):
        return None
    filled = [row or [0.0] * len(datum.tokens) for row, datum in zip(rows, data, strict=True)]
    return padded(filled, fill=0.0, dtype=torch.float32, device=device)[:, positions]


def _combine(metrics: dict[str, float], measured: dict[str, float]) -> None:
    for name, value in measured.items():
        if name.endswith("_max"):
            metrics[name] = max(metrics.get(name, value), value)
        else:
            metrics[name] = metrics.get(name, 0.0) + value


@contextmanager
def _mode(model: Any, *, dropout: bool, seed: int) -> Iterator[None]:
    """Put the model into training mode, or into that of evaluation with checkpointed activations.

    The global random state, of which dropout draws, is restored afterwards.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model.train(dropout)
        if not dropout:
            for module in model.modules():
                # transformers recomputes activations only in layers that are in training mode;
                # their dropout is in modules of its own.
                if getattr(module, "gradient_checkpointing", False):
                    module.training = True
        try:
            yield
        finally:
            model.eval()
