"""The model protocol in this process: a causal language model of transformers.

All work on the model happens in one worker thread, one call at a time, so that the event loop stays
free for users and tools; concurrent calls of `sample` are joined into batches.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from act_prm.llm_handlers import checkpoints
from act_prm.llm_handlers.batching import Coalescer, batches
from act_prm.llm_handlers.client import (
    AdamSettings,
    Datum,
    LossReport,
    SampledCompletion,
    SamplingParams,
    checked,
)
from act_prm.llm_handlers.folders import whole_folder
from act_prm.llm_handlers.losses import Targets, loss_sum
from act_prm.llm_handlers.sampling import ReplyRow, SamplingRule, generate
from act_prm.llm_handlers.scoring import padded, score
from tau2.errors import ConfigError, ContextWindowExceeded, needs_extra
from tau2.seeds import derive_seed

with needs_extra("train", "torch"):
    import torch

Result = TypeVar("Result")

_TAIL_TOKENS = 8  # decoded in addition to the longest stop text: a character may be several tokens


@dataclass(frozen=True, slots=True)
class TorchSettings:
    """Settings of a TorchModel; the defaults suit a GPU and work on a CPU."""

    seed: int = 0
    """For samples without a seed of their own, and for dropout."""
    max_length: int | None = None
    """Tokens of prompt and completion together; None: the context length of the model."""
    train_tokens: int = 8192
    """Tokens (with padding) of one forward and backward pass."""
    sample_tokens: int = 131_072
    """Tokens of prompts and completions that are sampled together."""
    clip: float = 0.2
    """Clip range eps of the loss `ppo`."""
    adam: AdamSettings = field(default_factory=AdamSettings)

    def __post_init__(self) -> None:
        if self.train_tokens < 1 or self.sample_tokens < 1:
            raise ConfigError("train_tokens and sample_tokens must be at least 1")


@dataclass(frozen=True, slots=True)
class _SampleRequest:
    """One prompt of a call of `sample`, with everything that its completion depends on."""

    prompt: tuple[int, ...]
    seed: int
    params: SamplingParams


class TorchModel:
    """A `client.TrainableModel` over a loaded model.

    Parameters with `requires_grad` are trained.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, name: str, settings: TorchSettings | None = None
    ) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.model = model
        self.settings = settings or TorchSettings()
        own_length = getattr(model.config, "max_position_embeddings", None)
        lengths = [length for length in (self.settings.max_length, own_length) if length]
        if not lengths:
            raise ConfigError(f"{name} states no context length; set max_length")
        self._context = int(min(lengths))
        # Replies end with the tokenizer's end token, or one of those in the generation config.
        stated = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
        ends = [*(stated if isinstance(stated, list) else [stated]), tokenizer.eos_token_id]
        self._ends = frozenset(int(end) for end in ends if end is not None)
        self._calls = 0
        self._passes = 0
        self._optimizer = self._new_optimizer()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="torch-model")
        self._joined: Coalescer[_SampleRequest, SampledCompletion] = Coalescer(
            lambda asked: self._in_worker(self._sample, asked)
        )
        model.eval()

    async def sample(
        self, prompts: Sequence[list[int]], params: SamplingParams
    ) -> list[SampledCompletion]:
        """Return one completion per prompt; see `client.TrainableModel`."""
        base = params.seed
        if base is None:
            self._calls += 1
            base = derive_seed(self.settings.seed, "sample", self._calls)
        for prompt in prompts:
            self._room_after(len(prompt))
        plain = replace(params, seed=None)
        asked = [
            _SampleRequest(tuple(one), derive_seed(base, "prompt", at), plain)
            for at, one in enumerate(prompts)
        ]
        return await self._joined.ask(asked) if asked else []

    async def logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        """Return the log-probability of each token; the first entry is 0.0."""
        self._check_lengths(sequences)
        return await self._in_worker(self._logprobs, sequences)

    async def reference_logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        """Return what `logprobs` returns, without the adapter. Raise ConfigError without one."""
        if not hasattr(self.model, "disable_adapter"):
            raise ConfigError(
                f"all weights of {self.name} are trained, so there is no reference; use an adapter"
            )
        self._check_lengths(sequences)
        return await self._in_worker(self._reference_logprobs, sequences)

    async def forward_backward(self, data: Sequence[Datum], loss_fn: str) -> LossReport:
        """Accumulate the gradient of the loss; see `client.TrainableModel`."""
        kept = checked(data, loss_fn)
        self._check_lengths([datum.tokens for datum in kept])
        return await self._in_worker(self._forward_backward, kept, loss_fn)

    async def optim_step(self, learning_rate: float) -> dict[str, float]:
        """Take one Adam step; return the norm of the gradient before clipping."""
        return await self._in_worker(self._optim_step, learning_rate)

    async def save_state(self, path: Path) -> str:
        """Write weights, optimizer and seeds as the folder `path`."""
        extra = {
            "name": self.name,
            "calls": self._calls,
            "passes": self._passes,
            "seed": self.settings.seed,
        }
        await self._in_worker(checkpoints.save_state, path, self.model, self._optimizer, extra)
        return str(path)

    async def load_state(self, path: Path) -> None:
        """Restore what `save_state` wrote.

        Raise DataFileError, before any change, if it does not fit.
        """
        extra = await self._in_worker(checkpoints.load_state, path, self.model, self._optimizer)
        self._calls = int(extra["calls"])
        self._passes = int(extra["passes"])
        self.settings = replace(self.settings, seed=int(extra["seed"]))

    async def save_weights(self, path: Path) -> str:
        """Write the adapter (or the model) in the format of its library, with the tokenizer."""
        await self._in_worker(self._save_weights, path)
        return str(path)

    async def close(self) -> None:
        """Free the model and stop the worker thread."""
        self._worker.shutdown(wait=True)
        self.model = None
        self._optimizer = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    async def _in_worker(self, work: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *args)

    def _sample(self, asked: list[_SampleRequest]) -> list[SampledCompletion]:
        rows = [self._row(one) for one in asked]
        kinds: dict[tuple[float, float, tuple[str, ...]], list[ReplyRow]] = {}
        for one, row in zip(asked, rows, strict=True):
            kinds.setdefault(
                (one.params.temperature, one.params.top_p, one.params.stop), []
            ).append(row)
        for (temperature, top_p, stop), alike in kinds.items():
            drawing = SamplingRule(temperature, top_p, self._ended(stop))
            generate(self.model, alike, drawing, budget=self.settings.sample_tokens)
        return [
            SampledCompletion(
                row.tokens,
                row.logprobs,
                self.tokenizer.decode(row.tokens, skip_special_tokens=True),
                row.finished,
            )
            for row in rows
        ]

    def _row(self, asked: _SampleRequest) -> ReplyRow:
        limit = min(asked.params.max_tokens, self._room_after(len(asked.prompt)))
        return ReplyRow(asked.prompt, limit, random.Random(asked.seed))  # noqa: S311  -- no secret

    def _ended(self, stop: tuple[str, ...]) -> Callable[[list[int]], bool]:
        tail = max((len(text) for text in stop), default=0) + _TAIL_TOKENS

        def ended(tokens: list[int]) -> bool:
            if tokens[-1] in self._ends:
                return True
            if not stop:
                return False
            text = self.tokenizer.decode(tokens[-tail:], skip_special_tokens=False)
            return any(one in text for one in stop)

        return ended

    def _logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        found: list[list[float]] = [[0.0] * min(len(one), 1) for one in sequences]
        with torch.inference_mode():
            for batch in batches([len(one) for one in sequences], self.settings.train_tokens):
                some = [sequences[at] for at in batch]
                width = max(len(one) for one in some)
                if width < 2:  # noqa: PLR2004  -- nothing precedes the first token
                    continue
                new, _ = score(self.model, some, range(1, width))
                for at, row in zip(batch, new.tolist(), strict=True):
                    found[at] += row[: max(len(sequences[at]) - 1, 0)]
        return found

    def _reference_logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        with self.model.disable_adapter():
            return self._logprobs(sequences)

    def _forward_backward(self, data: list[Datum], loss_fn: str) -> LossReport:
        total = sum(sum(datum.weights) for datum in data)
        count = sum(datum.n_trained for datum in data)
        if not count:
            return LossReport(0.0, {"n_tokens": 0.0})
        self._passes += 1
        sums: dict[str, float] = {}
        with torch.random.fork_rng():
            # For dropout; the global random state is restored afterwards.
            torch.manual_seed(derive_seed(self.settings.seed, "pass", self._passes))
            self.model.train()
            try:
                lengths = [len(datum.tokens) for datum in data]
                for batch in batches(lengths, self.settings.train_tokens):
                    metrics = self._one_pass([data[at] for at in batch], loss_fn, total)
                    for name, value in metrics.items():
                        sums[name] = sums.get(name, 0.0) + float(value)
            finally:
                self.model.eval()
        loss = sums.pop("loss")
        averages = {name: value / count for name, value in sums.items()}
        return LossReport(loss, {"n_tokens": float(count), **averages})

    def _one_pass(self, data: list[Datum], loss_fn: str, total: float) -> dict[str, torch.Tensor]:
        positions = sorted(
            {at for datum in data for at, weight in enumerate(datum.weights) if weight}
        )
        new, entropy = score(self.model, [datum.tokens for datum in data], positions, entropy=True)
        targets = Targets(
            *(
                _at(
                    positions,
                    [getattr(datum, part) or [0.0] * len(datum.tokens) for datum in data],
                    new.device,
                )
                for part in ("weights", "advantages", "logprobs")
            )
        )
        summed, metrics = loss_sum(loss_fn, new, targets, clip=self.settings.clip)
        # Dividing by the weights of all data makes the accumulated gradient that of the mean.
        loss = summed / total
        loss.backward()
        return {"loss": loss.detach(), "entropy": entropy[targets.weights > 0].sum(), **metrics}

    def _optim_step(self, learning_rate: float) -> dict[str, float]:
        parameters = list(checkpoints.trained(self.model).values())
        limit = self.settings.adam.max_grad_norm
        norm = torch.nn.utils.clip_grad_norm_(parameters, float("inf") if limit is None else limit)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return {"grad_norm": float(norm)}

    def _new_optimizer(self) -> torch.optim.Optimizer:
        adam = self.settings.adam
        parameters = list(checkpoints.trained(self.model).values())
        if not parameters:
            raise ConfigError(
                f"{self.name} has no parameters to train; attach a LoRA adapter or unfreeze some"
            )
        return torch.optim.AdamW(
            parameters,
            lr=0.0,
            betas=(adam.beta1, adam.beta2),
            eps=adam.eps,
            weight_decay=adam.weight_decay,
        )

    def _save_weights(self, path: Path) -> None:
        with whole_folder(path) as draft:
            options: dict[str, Any] = {"safe_serialization": True}
            if hasattr(self.model, "peft_config"):
                # The vocabulary never changes; peft would ask the model hub whether it has.
                options["save_embedding_layers"] = False
            self.model.save_pretrained(str(draft), **options)
            self.tokenizer.save_pretrained(str(draft))

    @property
    def context_length(self) -> int:
        """Tokens of prompt and completion together."""
        return self._context

    def _room_after(self, length: int) -> int:
        """Return how many tokens fit after a prompt. Raise ContextWindowExceeded if none do."""
        if not length:
            raise ValueError("a prompt needs at least one token")
        if length >= self._context:
            raise ContextWindowExceeded(
                f"a prompt of {length} tokens leaves no room in the {self._context} of {self.name}"
            )
        return self._context - length

    def _check_lengths(self, sequences: Sequence[list[int]]) -> None:
        longest = max((len(one) for one in sequences), default=0)
        if longest > self._context:
            raise ContextWindowExceeded(
                f"a sequence of {longest} tokens exceeds the {self._context} of {self.name}"
            )


def _at(positions: list[int], rows: list[list[float]], device: torch.device) -> torch.Tensor:
    return padded(rows, fill=0.0, dtype=torch.float32, device=device)[:, positions]
