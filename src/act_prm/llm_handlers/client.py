"""What a trainer asks of a model, in tokens: sample, score, accumulate gradients, step, save.

Two implementations keep this protocol: `torch_model.TorchModel` (in this process) and `tinker_model.TinkerModel`
(a training service). `load.load_model` chooses. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from tau2.errors import ConfigError

LossName = Literal["cross_entropy", "importance_sampling", "ppo"]
LOSSES: tuple[str, ...] = get_args(LossName)


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How to sample. Raise ConfigError for values that mean nothing."""

    max_tokens: int
    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    seed: int | None = None
    """Prompt number i of a call is sampled from `seed` and i alone, whatever else is sampled beside it."""
    stop: tuple[str, ...] = ()
    """Texts that end a reply, besides the end-of-turn token; a reply keeps the text that ended it."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ConfigError(f"max_tokens is {self.max_tokens}; a reply needs at least one token")
        if not 0.0 <= self.temperature < math.inf:
            raise ConfigError(
                f"temperature is {self.temperature}; it must be 0 (greedy) or a positive number"
            )
        if not 0.0 < self.top_p <= 1.0:
            raise ConfigError(f"top_p is {self.top_p}; it must lie in (0, 1]")
        if "" in self.stop:
            raise ConfigError("stop holds an empty text, which would end every reply at once")


@dataclass(frozen=True, slots=True)
class SampledCompletion:
    """One sampled reply, token by token."""

    tokens: list[int]
    """As sampled, the end-of-turn token included."""
    logprobs: list[float]
    """Of each token under the very distribution it was drawn from (temperature and top_p applied; greedy: 0.0)."""
    text: str
    """The tokens as text, without special tokens."""
    finished: bool
    """Ended by the model (end of turn or a stop text), not cut at max_tokens."""


@dataclass(frozen=True, slots=True)
class Datum:
    """One sequence to train on; entry i of every list concerns token i given tokens[:i].

    Raise ValueError when the lists differ in length or the first token, which nothing precedes, carries weight.
    """

    tokens: list[int]
    weights: list[float]
    """0: not in the loss."""
    advantages: list[float] | None = None
    logprobs: list[float] | None = None
    """Of the policy that sampled the tokens."""

    def __post_init__(self) -> None:
        for name in ("weights", "advantages", "logprobs"):
            part = getattr(self, name)
            if part is not None and len(part) != len(self.tokens):
                raise ValueError(
                    f"{name} has {len(part)} entries, but there are {len(self.tokens)} tokens"
                )
        if any(not 0.0 <= weight < math.inf for weight in self.weights):
            raise ValueError("weights must be finite and not negative")
        if self.weights and self.weights[0]:
            raise ValueError("the first token has nothing before it; its weight must be 0")

    @property
    def n_trained(self) -> int:
        """How many tokens are in the loss."""
        return sum(1 for weight in self.weights if weight)


@dataclass(frozen=True, slots=True)
class LossReport:
    """What one `forward_backward` measured, over the tokens in the loss."""

    loss: float
    metrics: dict[str, float] = field(default_factory=dict)
    """n_tokens always; entropy, kl_to_old, ratio_mean, clip_fraction where they are known."""


@dataclass(frozen=True, slots=True)
class AdamSettings:
    """The optimizer, the same for every implementation; the learning rate comes with each step."""

    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float | None = 1.0
    """Longer gradients are scaled to this length; None: as they are."""


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that is used."""

    eos_token_id: Any

    def encode(self, text: str, *, add_special_tokens: bool = ...) -> list[int]:
        """Return the ids of `text`."""

    def decode(self, token_ids: Any, *, skip_special_tokens: bool = ...) -> str:
        """Return the text of the ids."""

    def apply_chat_template(self, conversation: list[dict[str, Any]], **options: Any) -> Any:
        """Return the conversation as the model was taught to read it."""


class TrainableModel(Protocol):
    """A language model that can be sampled from, scored and trained."""

    name: str

    @property
    def tokenizer(self) -> Any:
        """The tokenizer (see `Tokenizer`)."""

    async def sample(
        self, prompts: Sequence[list[int]], params: SamplingParams
    ) -> list[SampledCompletion]:
        """Return one completion per prompt; repeat a prompt to get a group.

        Raise ContextWindowExceeded where a prompt leaves no room for a token.
        """

    async def logprobs(self, sequences: Sequence[list[int]]) -> list[list[float]]:
        """Return each token's log-probability given those before it, at temperature 1; the first entry is 0.0."""

    async def forward_backward(self, data: Sequence[Datum], loss_fn: str) -> LossReport:
        """Add the gradient of the loss, averaged over the weighted tokens of `data`, to those not yet stepped.

        With w the weights, A the advantages, r = exp(new - old log-probability): `cross_entropy` is
        -sum(w new) / sum(w), `importance_sampling` is -sum(w r A) / sum(w), and `ppo` replaces r A by
        min(r A, clip(r, 1 - eps, 1 + eps) A).
        """

    async def optim_step(self, learning_rate: float) -> dict[str, float]:
        """Take one Adam step with the accumulated gradients, clear them, and return at least `grad_norm`.

        A service that does not report the norm leaves it out.
        """

    async def save_state(self, path: Path) -> str:
        """Write all that resuming needs (weights, optimizer, random state), whole or not at all; return where."""

    async def load_state(self, path: Path) -> None:
        """Continue from what `save_state` wrote."""

    async def save_weights(self, path: Path) -> str:
        """Write what sampling needs (a LoRA adapter, or the whole model); return where."""

    async def close(self) -> None:
        """Free what the model holds; it is not used afterwards."""


def checked(data: Sequence[Datum], loss_fn: str) -> list[Datum]:
    """Return the data that carry weight. Raise ValueError where the loss is unknown or lacks what it needs."""
    if loss_fn not in LOSSES:
        raise ConfigError(f"no loss named {loss_fn!r}; known: {', '.join(LOSSES)}")
    kept = [datum for datum in data if datum.n_trained]
    if loss_fn != "cross_entropy" and any(
        one.advantages is None or one.logprobs is None for one in kept
    ):
        raise ValueError(
            f"{loss_fn} needs the advantages and the sampled log-probabilities of every datum"
        )
    return kept
