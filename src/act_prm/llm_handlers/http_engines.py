"""Inference servers as rollout engines: vLLM and SGLang, by token ids over HTTP.

The server reads adapters from the learner's disk: both run on one machine, or share a folder. vLLM
must be started with `--enable-lora` and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, SGLang with
`--enable-lora`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from act_prm.llm_handlers.client import SamplingParams
from act_prm.llm_handlers.rollout_engine import EngineConfig, EngineReply
from tau2.errors import ConfigError, ModelUnavailable
from tau2.utils.json_types import JsonObject

_ATTEMPTS = 4
_FIRST_PAUSE = 1.0  # seconds; doubled after each attempt
_MOST_SHOWN = 300  # characters of what a server answered
_TOKEN = "token_id:"  # noqa: S105  -- how vLLM writes a token's id
_SERVER_ERROR = 500


class HttpEngine:
    """What the servers have in common."""

    def __init__(self, config: EngineConfig, *, tempered: bool) -> None:
        given = config.tempered_logprobs
        self.tempered = tempered if given is None else given
        self._config = config
        self._adapter: str | None = None
        self._at_once = asyncio.Semaphore(config.concurrency)
        self._client = httpx.AsyncClient(
            base_url=str(config.url).rstrip("/"),
            timeout=config.timeout,
            headers=_headers(config.api_key_env),
            limits=httpx.Limits(max_connections=config.concurrency),
        )

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
        asked = [
            self._body(prompt, params, seed, limit, list(ends))
            for prompt, seed, limit in zip(prompts, seeds, limits, strict=True)
        ]
        return list(await asyncio.gather(*map(self._reply, asked)))

    async def load_adapter(self, folder: Path, number: int) -> None:
        """Have the server read an adapter, and forget the one before; see `RolloutEngine`."""
        name = f"tau2-{os.getpid()}-{number}"
        load, unload = self._adapter_routes
        await self._post(load, {"lora_name": name, "lora_path": str(folder)})
        before, self._adapter = self._adapter, name
        if before is not None:
            await self._post(unload, {"lora_name": before})

    async def close(self) -> None:
        """Have the server forget the adapter, and close the connections."""
        try:
            if self._adapter is not None:
                await self._post(self._adapter_routes[1], {"lora_name": self._adapter})
        except ModelUnavailable:
            return  # a server that is gone holds nothing
        finally:
            await self._client.aclose()

    _adapter_routes: tuple[str, str]

    def _body(
        self, prompt: list[int], params: SamplingParams, seed: int, limit: int, ends: list[int]
    ) -> tuple[str, JsonObject]:
        raise NotImplementedError

    def _read(self, answer: Any) -> EngineReply:
        raise NotImplementedError

    async def _reply(self, asked: tuple[str, JsonObject]) -> EngineReply:
        route, body = asked
        async with self._at_once:
            answer = await self._post(route, body)
        try:
            return self._read(answer)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ModelUnavailable(
                f"{self._where(route)} did not return tokens and log-probabilities: "
                f"{str(answer)[:_MOST_SHOWN]}"
            ) from error

    async def _post(self, route: str, body: JsonObject) -> Any:
        """Return what the server answers; ask again where that may help."""
        pause = _FIRST_PAUSE
        for attempt in range(_ATTEMPTS):
            try:
                response = await self._client.post(route, json=body)
                if response.status_code < _SERVER_ERROR:
                    return self._answer(route, response)
                problem = f"{response.status_code} {response.text[:_MOST_SHOWN]}"
            except httpx.HTTPError as error:
                problem = f"{type(error).__name__} {error}".strip()
            if attempt + 1 < _ATTEMPTS:
                await asyncio.sleep(pause)
                pause *= 2
        raise ModelUnavailable(f"{self._where(route)} did not answer: {problem}")

    def _answer(self, route: str, response: httpx.Response) -> Any:
        if response.is_error:
            text = response.text[:_MOST_SHOWN]
            raise ModelUnavailable(f"{self._where(route)} refused: {response.status_code} {text}")
        if "json" not in response.headers.get("content-type", ""):
            return response.text
        return response.json()

    def _where(self, route: str) -> str:
        return f"the {self._config.kind} server at {self._config.url} ({route})"


def _headers(variable: str | None) -> Mapping[str, str]:
    if variable is None:
        return {}
    key = os.environ.get(variable)
    if not key:
        raise ConfigError(f"engine.api_key_env names {variable}, which is not set")
    return {"Authorization": f"Bearer {key}"}


class VllmEngine(HttpEngine):
    """A vLLM server: `/v1/completions` with ids in and out."""

    _adapter_routes = ("/v1/load_lora_adapter", "/v1/unload_lora_adapter")

    def __init__(self, config: EngineConfig, model_name: str) -> None:
        super().__init__(config, tempered=False)
        self._model = config.model or model_name

    def _body(
        self, prompt: list[int], params: SamplingParams, seed: int, limit: int, ends: list[int]
    ) -> tuple[str, JsonObject]:
        body: JsonObject = {
            "model": self._adapter or self._model,
            "prompt": prompt,
            "max_tokens": limit,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "seed": seed % 2**31,
            "stop_token_ids": ends,
            "logprobs": 0,
            "return_tokens_as_token_ids": True,
        }
        if params.stop:
            body |= {"stop": list(params.stop), "include_stop_str_in_output": True}
        return "/v1/completions", body

    def _read(self, answer: Any) -> EngineReply:
        choice = answer["choices"][0]
        names = choice["logprobs"]["tokens"]
        if not all(name.startswith(_TOKEN) for name in names):
            raise ValueError("tokens without ids")
        return EngineReply(
            tokens=[int(name.removeprefix(_TOKEN)) for name in names],
            logprobs=[float(one) for one in choice["logprobs"]["token_logprobs"]],
            stopped=choice["finish_reason"] == "stop",
        )


class SglangEngine(HttpEngine):
    """An SGLang server: `/generate` with ids in and out."""

    _adapter_routes = ("/load_lora_adapter", "/unload_lora_adapter")

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config, tempered=True)

    def _body(
        self, prompt: list[int], params: SamplingParams, seed: int, limit: int, ends: list[int]
    ) -> tuple[str, JsonObject]:
        sampling: JsonObject = {
            "max_new_tokens": limit,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "stop_token_ids": ends,
        }
        if params.stop:
            sampling |= {"stop": list(params.stop), "no_stop_trim": True}
        body: JsonObject = {
            "input_ids": prompt,
            "sampling_params": sampling,
            "return_logprob": True,
        }
        return "/generate", body | ({"lora_path": self._adapter} if self._adapter else {})

    def _read(self, answer: Any) -> EngineReply:
        facts = answer["meta_info"]
        scored = facts["output_token_logprobs"]
        return EngineReply(
            tokens=[int(one[1]) for one in scored],
            logprobs=[float(one[0]) for one in scored],
            stopped=facts["finish_reason"]["type"] == "stop",
        )
