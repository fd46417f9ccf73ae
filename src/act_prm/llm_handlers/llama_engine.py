"""llama.cpp in this process as a rollout engine: quantised weights, and prompts evaluated once.

Conversations are kept between turns, so that only what is new of a prompt is evaluated. An adapter
is read when the weights are loaded: a new one means loading them again (a second or so for small
models), and evaluating the conversations anew. So it fits updates after many episodes, on a CPU.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from act_prm.llm_handlers.client import SamplingParams
from act_prm.llm_handlers.rollout_engine import EngineReply
from tau2.errors import ModelUnavailable
from tau2.llm.failure import CallFailed
from tau2.llm.local.library import EngineOptions, LlamaServer, start_server
from tau2.utils.json_types import JsonMapping, JsonObject

Start = Callable[[Path, Path | None, EngineOptions, Path], LlamaServer]
Convert = Callable[[Path, Path], Any]
"""Writes the adapter of a folder of peft as a GGUF file."""


class LlamaEngine:
    """A `RolloutEngine` over llama.cpp.

    Args:
        weights: The GGUF file.
        options: Context, conversations at once, threads.
        convert: See `Convert`.
        start: Loads weights and an adapter.
    """

    tempered = False

    def __init__(
        self, weights: Path, options: EngineOptions, convert: Convert, start: Start = start_server
    ) -> None:
        self._weights = weights
        self._options = options
        self._convert = convert
        self._start = start
        self._folder = tempfile.TemporaryDirectory(prefix="tau2-llama-")
        self._server: LlamaServer | None = None
        self._adapter: Path | None = None
        self._workers = ThreadPoolExecutor(options.n_parallel, thread_name_prefix="llama-engine")

    async def complete(
        self,
        prompts: Sequence[list[int]],
        params: SamplingParams,
        *,
        seeds: Sequence[int],
        limits: Sequence[int],
        ends: Sequence[int],
    ) -> list[EngineReply]:
        """Return a reply to each prompt; see `RolloutEngine`."""
        if self._server is None:
            self._server = await self._in_worker(self._loaded)
        asked = [
            partial(self._reply, self._server, _body(prompt, params, seed, limit))
            for prompt, seed, limit in zip(prompts, seeds, limits, strict=True)
        ]
        return list(await asyncio.gather(*map(self._in_worker, asked)))

    async def load_adapter(self, folder: Path, number: int) -> None:
        """Load the weights again with this adapter at the next call; see `RolloutEngine`."""
        file = Path(self._folder.name) / f"adapter-{number}.gguf"
        await self._in_worker(partial(self._convert, folder, file))
        before, self._adapter = self._adapter, file
        await self._stop()
        if before is not None:
            before.unlink(missing_ok=True)

    async def close(self) -> None:
        """Free the weights."""
        await self._stop()
        self._workers.shutdown(wait=True)
        self._folder.cleanup()

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await self._in_worker(server.close)

    async def _in_worker(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _loaded(self) -> LlamaServer:
        try:
            return self._start(self._weights, self._adapter, self._options, Path(self._folder.name))
        except CallFailed as failure:
            raise ModelUnavailable(str(failure)) from failure

    def _reply(self, server: LlamaServer, body: JsonObject) -> EngineReply:
        try:
            answer = server.route("/completion", body)
        except CallFailed as failure:
            raise ModelUnavailable(f"llama.cpp: {failure}") from failure
        return _read(answer)


def _body(prompt: list[int], params: SamplingParams, seed: int, limit: int) -> JsonObject:
    body: JsonObject = {
        "prompt": prompt,
        "n_predict": limit,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "repeat_penalty": 1.0,
        "seed": seed % 2**32,
        "n_probs": 1,
        "return_tokens": True,
        "cache_prompt": True,
    }
    return body | ({"stop": list(params.stop)} if params.stop else {})


def _read(answer: JsonMapping) -> EngineReply:
    try:
        scored = answer["completion_probabilities"]
        return EngineReply(
            tokens=[int(one) for one in answer["tokens"]],
            # A token that is half of a character has none; then the learner scores the reply.
            logprobs=[float(one["logprob"]) for one in scored],
            stopped=answer["stop_type"] in {"eos", "word"},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(f"llama.cpp did not return tokens: {error!r}") from error
