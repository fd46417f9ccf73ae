"""A model that learns in this process and plays on a rollout engine.

After an update the adapter is written and handed to the engine before the next reply is sampled.
Log-probabilities are the engine's; the trainer corrects for their difference to the learner's and
logs it. Where the engine cannot state those of the distribution that was sampled from, the learner
scores the tokens.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from act_prm.llm_handlers.client import Datum, SampledCompletion, SamplingParams
from act_prm.llm_handlers.rollout_engine import EngineReply, RolloutEngine
from act_prm.llm_handlers.torch_model import TorchModel, TorchSettings
from tau2.errors import ConfigError
from tau2.seeds import derive_seed


class EngineModel(TorchModel):
    """A TorchModel whose replies come from an engine. Raise ConfigError without an adapter."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str,
        settings: TorchSettings | None = None,
        engine: RolloutEngine,
    ) -> None:
        super().__init__(model, tokenizer, name=name, settings=settings)
        if not hasattr(model, "peft_config"):
            raise ConfigError(
                "a rollout engine plays with an adapter, but all weights are trained; name a "
                "--lora_config"
            )
        self.engine = engine
        self._updates = 0
        self._loaded = 0
        """The update whose adapter the engine plays with; 0: the base model, as every run begins.
        """
        self._loading = asyncio.Lock()
        self._adapters = tempfile.TemporaryDirectory(prefix="tau2-adapter-")

    async def sample(
        self, prompts: Sequence[list[int]], params: SamplingParams
    ) -> list[SampledCompletion]:
        """Return one completion per prompt, from the engine; see `client.TrainableModel`."""
        if not prompts:
            return []
        base = params.seed
        if base is None:
            self._calls += 1
            base = derive_seed(self.settings.seed, "sample", self._calls)
        limits = [min(params.max_tokens, self._room_after(len(one))) for one in prompts]
        seeds = [derive_seed(base, "prompt", at) for at in range(len(prompts))]
        await self._hand_over()
        replies = await self.engine.complete(
            prompts, params, seeds=seeds, limits=limits, ends=sorted(self._ends)
        )
        logprobs = await self._logprobs_of(prompts, replies, params)
        return [
            SampledCompletion(
                reply.tokens,
                row,
                self.tokenizer.decode(reply.tokens, skip_special_tokens=True),
                reply.stopped or bool(reply.tokens and reply.tokens[-1] in self._ends),
            )
            for reply, row in zip(replies, logprobs, strict=True)
        ]

    async def optim_step(self, learning_rate: float) -> dict[str, float]:
        """Take one step; the engine gets the new adapter before the next reply."""
        taken = await super().optim_step(learning_rate)
        self._updates += 1
        return taken

    async def load_state(self, path: Path) -> None:
        """Restore a state; the engine gets its adapter before the next reply."""
        await super().load_state(path)
        self._updates += 1

    async def close(self) -> None:
        """Free the learner and the engine."""
        await self.engine.close()
        self._adapters.cleanup()
        await super().close()

    async def _hand_over(self) -> None:
        async with self._loading:
            if self._loaded == self._updates:
                return
            number = self._updates
            folder = Path(self._adapters.name) / str(number)
            await self.save_weights(folder)
            await self.engine.load_adapter(folder, number)
            if self._loaded:
                await asyncio.to_thread(shutil.rmtree, folder.with_name(str(self._loaded)))
            self._loaded = number

    async def _logprobs_of(
        self,
        prompts: Sequence[list[int]],
        replies: Sequence[EngineReply],
        params: SamplingParams,
    ) -> list[list[float]]:
        """Return the log-probabilities of the replies under the distribution sampled from."""
        if params.temperature == 0.0:
            return [[0.0] * len(reply.tokens) for reply in replies]
        plain = params.top_p == 1.0 and (self.engine.tempered or params.temperature == 1.0)
        rows = [
            reply.logprobs if plain and len(reply.logprobs) == len(reply.tokens) else None
            for reply in replies
        ]
        missing = [at for at, row in enumerate(rows) if row is None and replies[at].tokens]
        if missing:
            data = [
                Datum(
                    tokens=[*prompts[at], *replies[at].tokens],
                    weights=[0.0] * len(prompts[at]) + [1.0] * len(replies[at].tokens),
                    temperature=params.temperature,
                    top_p=params.top_p,
                )
                for at in missing
            ]
            scored = await self.learner_logprobs(data)
            for at, row in zip(missing, scored, strict=True):
                rows[at] = row[len(prompts[at]) :]
        return [row or [] for row in rows]
