"""The protocol of a trainable model, in tokens: sample, score, accumulate gradients, step, save.

It has two implementations: `torch_model.TorchModel` (in this process) and
`tinker_model.TinkerModel` (a training service). `load.load_model` chooses one. This module does not
need torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from tau2.errors import ConfigError
from tau2.utils.json_types import JsonObject

LossName = Literal["cross_entropy", "importance_sampling", "ppo"]
LOSSES: tuple[str, ...] = get_args(LossName)


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How to sample. Raise ConfigError for values out of range."""

    max_tokens: int
    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    seed: int | None = None
    """The completion of prompt i depends on `seed` and i alone, not on the rest of the batch."""
    stop: tuple[str, ...] = ()
    """Texts that end a completion, besides the end-of-turn token; they are part of it."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ConfigError(
                f"max_tokens is {self.max_tokens}; a completion needs at least one token"
            )
        if not 0.0 <= self.temperature < math.inf:
            raise ConfigError(
                f"temperature is {self.temperature}; it must be 0 (greedy) or a positive number"
            )
        if not 0.0 < self.top_p <= 1.0:
            raise ConfigError(f"top_p is {self.top_p}; it must lie in (0, 1]")
        if "" in self.stop:
            raise ConfigError(
                "stop contains an empty text, which would end every completion at once"
            )


@dataclass(frozen=True, slots=True)
class SampledCompletion:
    """One sampled completion."""

    tokens: list[int]
    """Token ids as sampled, with the end-of-turn token, [tokens]."""
    logprobs: list[float]
    """Under the distribution that was sampled from, temperature and top_p applied (greedy: 0.0),
    [tokens], in nats."""
    text: str
    """The tokens as text, without special tokens."""
    finished: bool
    """Whether an end of turn or a stop text ended it, not max_tokens."""


@dataclass(frozen=True, slots=True)
class Datum:
    """One training sample; entry i of every list belongs to token i given tokens[:i].

    Raise ValueError when the lists differ in length, a weight is negative or not finite, or the
    first token, which has no context, has a weight.
    """

    tokens: list[int]
    weights: list[float]
    """Weight of each token in the loss; 0: not in the loss."""
    advantages: list[float] | None = None
    logprobs: list[float] | None = None
    """Under the policy that sampled the tokens, as its engine reported them, in nats."""
    old_logprobs: list[float] | None = None
    """Under the learner before the first optimizer step of the batch; None: `logprobs`."""
    reference_logprobs: list[float] | None = None
    """Under the model without its adapter, for a KL term in the loss."""
    temperature: float = 1.0
    """With which the tokens were sampled; all log-probabilities are of the same distribution."""
    top_p: float = 1.0
    """Likewise."""

    def __post_init__(self) -> None:
        for name in ("weights", "advantages", "logprobs", "old_logprobs", "reference_logprobs"):
            part = getattr(self, name)
            if part is not None and len(part) != len(self.tokens):
                raise ValueError(
                    f"{name} has {len(part)} entries, but there are {len(self.tokens)} tokens"
                )
        if any(not 0.0 <= weight < math.inf for weight in self.weights):
            raise ValueError("weights must be finite and not negative")
        if self.weights and self.weights[0]:
            raise ValueError("the first token has no context; its weight must be 0")

    @property
    def n_trained(self) -> int:
        """How many tokens are in the loss."""
        return sum(1 for weight in self.weights if weight)


@dataclass(frozen=True, slots=True)
class PolicyLoss:
    """The settings of the policy-gradient losses. Raise ConfigError for values out of range."""

    clip_low: float | None = None
    """`ppo` clips ratios below 1 - clip_low; None: the model's own setting."""
    clip_high: float | None = None
    """`ppo` clips ratios above 1 + clip_high; None: the model's own setting."""
    correction_cap: float | None = None
    """Each token's loss is multiplied by min(exp(old - sampled log-probability), cap).

    This corrects for an engine whose probabilities differ from the learner's: truncated importance
    sampling (Ionides, "Truncated importance sampling", 2008; Yao et al., "Your efficient RL
    framework secretly brings you off-policy RL training", 2025). None: no correction.
    """
    kl_coef: float = 0.0
    """Coefficient of the estimator k3 of the KL divergence to `Datum.reference_logprobs`."""
    on_policy: bool = False
    """The old log-probabilities are those of this pass, so that every ratio is exactly 1."""

    def __post_init__(self) -> None:
        for name in ("clip_low", "clip_high", "correction_cap"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < math.inf:
                raise ConfigError(f"{name} is {value}; it must be a positive number, or null")
        if not 0.0 <= self.kl_coef < math.inf:
            raise ConfigError(f"kl_coef is {self.kl_coef}; it must not be negative")


@dataclass(frozen=True, slots=True)
class LossReport:
    """The metrics of one `forward_backward`, over the tokens in the loss."""

    loss: float
    metrics: dict[str, float] = field(default_factory=dict)
    """n_tokens; where known also entropy, kl_to_old, ratio_mean, clip_fraction, and the ratio of
    learner to engine: engine_ratio_mean, engine_ratio_max, engine_ratio_capped."""


@dataclass(frozen=True, slots=True)
class AdamSettings:
    """The settings of Adam; the learning rate is an argument of each step."""

    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float | None = 1.0
    """Gradients with a larger norm are scaled down to it; None: no clipping."""


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that is used."""

    eos_token_id: Any

    def encode(self, text: str, *, add_special_tokens: bool = ...) -> list[int]:
        """Return the ids of `text`."""

    def decode(self, token_ids: Any, *, skip_special_tokens: bool = ...) -> str:
        """Return the text of the ids."""

    def apply_chat_template(self, conversation: list[JsonObject], **options: Any) -> Any:
        """Return the conversation in the format of the model."""


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
        """Return the log-probability of each token at temperature 1; the first entry is 0.0."""

    async def forward_backward(
        self, data: Sequence[Datum], loss_fn: str, policy: PolicyLoss | None = None
    ) -> LossReport:
        """Add the gradient of the loss, averaged over the weighted tokens, to the accumulated one.

        With weights w, advantages A and r = exp(new - old log-probability): `cross_entropy` is
        -sum(w * new) / sum(w), `importance_sampling` is -sum(w * r * A) / sum(w), and `ppo`
        replaces r * A by min(r * A, clip(r, 1 - low, 1 + high) * A) (Schulman et al., "Proximal
        policy optimization algorithms", 2017, equation 7). `policy` holds the settings of the last
        two; a training service applies those that it has. Raise ConfigError for an unknown loss,
        ValueError when a datum lacks advantages or log-probabilities that the loss needs.
        """

    async def optim_step(self, learning_rate: float) -> dict[str, float]:
        """Take one Adam step with the accumulated gradient and clear it; return `grad_norm`.

        A service that does not report the norm leaves it out.
        """

    async def save_state(self, path: Path) -> str:
        """Write everything that resuming needs (weights, optimizer, seeds) atomically.

        Return where.
        """

    async def load_state(self, path: Path) -> None:
        """Restore what `save_state` wrote."""

    async def save_weights(self, path: Path) -> str:
        """Write what inference needs (a LoRA adapter, or the whole model); return where."""

    async def close(self) -> None:
        """Free the resources of the model, which is not used afterwards."""


@runtime_checkable
class ScoresAsSampled(Protocol):
    """A model that can score data as they were sampled: with their temperature and top_p."""

    async def learner_logprobs(
        self, data: Sequence[Datum], *, reference: bool = False
    ) -> list[list[float]]:
        """Return the log-probabilities of the weighted tokens, 0.0 elsewhere, [datum][token].

        `reference`: those of the model without its adapter. Raise ConfigError if it has none.
        """


@runtime_checkable
class ResetsOptimizer(Protocol):
    """A model whose optimizer can begin anew."""

    async def reset_optimizer(self) -> None:
        """Forget the moments of earlier gradients."""


@runtime_checkable
class ServesOthers(Protocol):
    """A model with a copy in each of several processes, of which the first decides."""

    @property
    def is_first(self) -> bool:
        """Whether this process decides."""

    async def serve(self) -> None:
        """Do what the first process tells, until it closes its model."""


@runtime_checkable
class StatesMemory(Protocol):
    """A model that knows how much memory training needs here."""

    def memory_sentence(self, data: Sequence[Datum] | None = None) -> str:
        """Return what a step on the data needs and what is free, as a sentence.

        None: what the largest step that the settings allow needs.
        """


def checked(data: Sequence[Datum], loss_fn: str) -> list[Datum]:
    """Return the data with a weight. Raise ConfigError or ValueError; see `forward_backward`."""
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
