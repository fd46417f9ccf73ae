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
from act_prm.llm_handlers.batching import Coalescer
from act_prm.llm_handlers.client import (
    AdamSettings,
    Datum,
    LossReport,
    PolicyLoss,
    SampledCompletion,
    SamplingParams,
    checked,
)
from act_prm.llm_handlers.folders import whole_folder
from act_prm.llm_handlers.kept_turns import KeptTurns
from act_prm.llm_handlers.learner import Learner, weighted_positions
from act_prm.llm_handlers.memory import MemoryNeed, memory_need
from act_prm.llm_handlers.processes import Operation, processes
from act_prm.llm_handlers.sampling import ReplyRow, SamplingRule, generate
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
    """Tokens (with padding) of one forward and backward pass; gradients accumulate over passes."""
    sample_tokens: int = 131_072
    """Tokens of prompts and completions that are sampled together."""
    kept_tokens: int = 32_768
    """Tokens of conversations whose keys and values are kept for their next turn; 0: none."""
    clip: float = 0.2
    """Clip range of the loss `ppo` on either side, where its settings name none."""
    adam: AdamSettings = field(default_factory=AdamSettings)

    def __post_init__(self) -> None:
        if self.train_tokens < 1 or self.sample_tokens < 1:
            raise ConfigError("train_tokens and sample_tokens must be at least 1")
        if self.kept_tokens < 0:
            raise ConfigError("kept_tokens must not be negative")


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
        self._processes = processes()
        self._kept = KeptTurns(self.settings.kept_tokens)
        self._learner = Learner(
            model,
            name=name,
            adam=self.settings.adam,
            train_tokens=self.settings.train_tokens,
            processes=self._processes,
            on_learning=self._kept.clear,
        )
        shared = (
            self._sample,
            self._load_state,
            self._learner.logprobs,
            self._learner.data_logprobs,
            self._learner.forward_backward,
            self._learner.optim_step,
            self._learner.reset_optimizer,
        )
        self._operations: dict[str, Callable[..., Any]] = {one.__name__: one for one in shared}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="torch-model")
        self._joined: Coalescer[_SampleRequest, SampledCompletion] = Coalescer(
            lambda asked: self._everywhere(self._sample, asked)
        )

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
        return await self._everywhere(self._learner.logprobs, sequences)

    async def reference_logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        """Return what `logprobs` returns, without the adapter. Raise ConfigError without one."""
        self._require_adapter()
        self._check_lengths(sequences)
        return await self._everywhere(self._learner.logprobs, sequences, reference=True)

    async def learner_logprobs(
        self, data: Sequence[Datum], *, reference: bool = False
    ) -> list[list[float]]:
        """Return the log-probabilities of the weighted tokens; see `client.ScoresAsSampled`."""
        if reference:
            self._require_adapter()
        self._check_lengths([datum.tokens for datum in data])
        return await self._everywhere(self._learner.data_logprobs, data, reference=reference)

    async def forward_backward(
        self, data: Sequence[Datum], loss_fn: str, policy: PolicyLoss | None = None
    ) -> LossReport:
        """Accumulate the gradient of the loss; see `client.TrainableModel`."""
        kept = checked(data, loss_fn)
        self._check_lengths([datum.tokens for datum in kept])
        self._passes += 1
        seed = derive_seed(self.settings.seed, "pass", self._passes)
        settings = self._with_clip(policy or PolicyLoss())
        return await self._everywhere(self._learner.forward_backward, kept, loss_fn, settings, seed)

    def memory_sentence(self, data: Sequence[Datum] | None = None) -> str:
        """Return what training needs and what is free; see `client.StatesMemory`."""
        settings = self.settings
        if data is None:
            return memory_need(
                self.model,
                longest=min(self._context, settings.train_tokens),
                train_tokens=settings.train_tokens,
                sample_tokens=settings.sample_tokens + settings.kept_tokens,
            ).bound_sentence()
        needs = [self._need_of_pass(some) for some in self._learner.passes(data)]
        return max(needs, key=lambda need: need.total).sentence()

    def _need_of_pass(self, data: Sequence[Datum]) -> MemoryNeed:
        longest = max(len(datum.tokens) for datum in data)
        return memory_need(
            self.model,
            longest=longest,
            train_tokens=longest * len(data),
            sample_tokens=0,
            scored_tokens=len(weighted_positions(data)) * len(data),
        )

    def _with_clip(self, policy: PolicyLoss) -> PolicyLoss:
        own = self.settings.clip
        return replace(
            policy,
            clip_low=own if policy.clip_low is None else policy.clip_low,
            clip_high=own if policy.clip_high is None else policy.clip_high,
        )

    def _require_adapter(self) -> None:
        if not hasattr(self.model, "disable_adapter"):
            raise ConfigError(
                f"all weights of {self.name} are trained, so there is no reference; use an adapter"
            )

    async def optim_step(self, learning_rate: float) -> dict[str, float]:
        """Take one Adam step; return the norm of the gradient before clipping."""
        return await self._everywhere(self._learner.optim_step, learning_rate)

    async def reset_optimizer(self) -> None:
        """Forget the moments of earlier gradients; see `client.ResetsOptimizer`."""
        await self._everywhere(self._learner.reset_optimizer)

    async def save_state(self, path: Path) -> str:
        """Write weights, optimizer and seeds as the folder `path`."""
        extra = {
            "name": self.name,
            "calls": self._calls,
            "passes": self._passes,
            "seed": self.settings.seed,
        }
        await self._in_worker(
            checkpoints.save_state, path, self.model, self._learner.optimizer, extra
        )
        return str(path)

    async def load_state(self, path: Path) -> None:
        """Restore what `save_state` wrote.

        Raise DataFileError, before any change, if it does not fit.
        """
        await self._everywhere(self._load_state, path)

    def _load_state(self, path: Path) -> None:
        self._kept.clear()
        extra = checkpoints.load_state(path, self.model, self._learner.optimizer)
        self._calls = int(extra["calls"])
        self._passes = int(extra["passes"])
        self.settings = replace(self.settings, seed=int(extra["seed"]))

    async def save_weights(self, path: Path) -> str:
        """Write the adapter (or the model) in the format of its library, with the tokenizer."""
        await self._in_worker(self._save_weights, path)
        return str(path)

    async def close(self) -> None:
        """Free the model and stop the worker thread."""
        if self._processes.is_first:
            await self._in_worker(self._processes.tell, None)
        self._worker.shutdown(wait=True)
        self.model = None
        self._operations.clear()
        del self._learner
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @property
    def is_first(self) -> bool:
        """Whether this process decides; the others `serve` it."""
        return self._processes.is_first

    async def serve(self) -> None:
        """Do what the first process tells, until it closes its model."""
        await self._in_worker(self._serve)

    def _serve(self) -> None:
        while (told := self._processes.hear()) is not None:
            self._operations[told.name](*told.arguments, **told.options)

    async def _everywhere(
        self, operation: Callable[..., Result], *arguments: Any, **options: Any
    ) -> Result:
        """Return the result of an operation that all processes do together."""

        def work() -> Result:
            self._processes.tell(Operation(operation.__name__, arguments, options))
            return operation(*arguments, **options)

        return await self._in_worker(work)

    async def _in_worker(self, work: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *args)

    def _sample(self, asked: list[_SampleRequest]) -> list[SampledCompletion]:
        return self._processes.share(asked, self._sample_share)

    def _sample_share(self, asked: list[_SampleRequest]) -> list[SampledCompletion]:
        rows = [self._row(one) for one in asked]
        kinds: dict[tuple[float, float, tuple[str, ...]], list[ReplyRow]] = {}
        for one, row in zip(asked, rows, strict=True):
            kinds.setdefault(
                (one.params.temperature, one.params.top_p, one.params.stop), []
            ).append(row)
        for (temperature, top_p, stop), alike in kinds.items():
            drawing = SamplingRule(temperature, top_p, self._ended(stop))
            with self._learner.computing():
                budget = self.settings.sample_tokens
                generate(self.model, alike, drawing, budget=budget, kept=self._kept)
        self._kept.end_of_call()
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
