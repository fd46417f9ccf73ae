"""Rollouts from an inference engine: its settings, its protocol, and which one is meant.

An engine takes token ids and returns token ids with their log-probabilities; nothing is encoded
again. It plays with the adapter that the learner wrote last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol, get_args

from act_prm.llm_handlers.client import SamplingParams
from tau2.errors import ConfigError
from tau2.utils.json_types import JsonMapping

EngineKind = Literal["vllm", "sglang", "llama_cpp"]
KINDS: tuple[str, ...] = get_args(EngineKind)


@dataclass(frozen=True, slots=True)
class EngineReply:
    """What an engine generated after one prompt."""

    tokens: list[int]
    """With the token that ended it."""
    logprobs: list[float]
    """Of each token, in nats; another number of them means that some are not known."""
    stopped: bool
    """Whether an end or a stop text ended it, not the number of tokens."""


class RolloutEngine(Protocol):
    """Generates replies with the newest adapter."""

    tempered: bool
    """Whether log-probabilities are of the distribution at the sampling temperature, not at 1."""

    async def complete(
        self,
        prompts: Sequence[list[int]],
        params: SamplingParams,
        *,
        seeds: Sequence[int],
        limits: Sequence[int],
        ends: Sequence[int],
    ) -> list[EngineReply]:
        """Return a reply to each prompt.

        Args:
            prompts: Token ids.
            params: Temperature, top_p and stop texts.
            seeds: Of each prompt's sampling, where the engine takes one.
            limits: The most tokens of each reply.
            ends: Tokens that end a reply.

        Raises:
            ModelUnavailable: the engine did not answer, or not with what was asked for.
        """

    async def load_adapter(self, folder: Path, number: int) -> None:
        """Play with the adapter in a folder of peft from now on; `number` grows with each one.

        The path is absolute.

        Raise ModelUnavailable when the engine does not take it.
        """

    async def close(self) -> None:
        """Free what the engine holds."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """The setting `engine` of a configs/model file. Raise ConfigError for invalid values."""

    kind: EngineKind
    url: str | None = None
    """Address of the server: vllm and sglang."""
    model: str | None = None
    """Name of the base model on a vLLM server; None: the model's own name."""
    api_key_env: str | None = None
    """The environment variable with the key of the server."""
    tempered_logprobs: bool | None = None
    """Whether the server's log-probabilities have the temperature applied.

    None: yes for sglang, no for vllm (start it with --logprobs-mode processed_logprobs, and say
    true) and llama_cpp.
    """
    concurrency: int = 64
    """Prompts that are sent at once."""
    timeout: float = 600.0
    """Seconds for one reply."""
    weights: str | None = None
    """The GGUF file for llama_cpp; None: the one that is trained."""
    threads: int = 1
    """Of llama_cpp."""
    parallel: int = 8
    """Conversations that llama_cpp keeps and answers at once."""

    @classmethod
    def of(cls, config: JsonMapping) -> EngineConfig:
        """Return the settings. Raise ConfigError, naming what is wrong."""
        known = {one.name for one in fields(cls)}
        if unknown := sorted(set(config) - known):
            raise ConfigError(f"engine has unknown keys {unknown}; known: {sorted(known)}")
        if config.get("kind") not in KINDS:
            raise ConfigError(f"engine.kind is {config.get('kind')!r}; known: {', '.join(KINDS)}")
        engine = cls(**config)
        if engine.kind != "llama_cpp" and not engine.url:
            raise ConfigError(f"engine.url is the address of the {engine.kind} server; name it")
        for name in ("concurrency", "timeout", "threads", "parallel"):
            if getattr(engine, name) <= 0:
                raise ConfigError(f"engine.{name} must be positive")
        return engine
