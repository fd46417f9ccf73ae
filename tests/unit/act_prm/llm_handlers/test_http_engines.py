"""vLLM and SGLang as rollout engines: ids in, ids and log-probabilities out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from act_prm.llm_handlers.client import SamplingParams
from act_prm.llm_handlers.http_engines import SglangEngine, VllmEngine
from act_prm.llm_handlers.rollout_engine import EngineConfig, EngineReply
from tau2.errors import ConfigError, ModelUnavailable

PARAMS = SamplingParams(max_tokens=8, temperature=0.7, top_p=0.9, stop=("</x>",))
VLLM_ANSWER = {
    "choices": [
        {
            "finish_reason": "stop",
            "logprobs": {"tokens": ["token_id:7", "token_id:2"], "token_logprobs": [-0.5, -0.1]},
        }
    ]
}
SGLANG_ANSWER = {
    "output_ids": [7],
    "meta_info": {
        "finish_reason": {"type": "length", "length": 2},
        "output_token_logprobs": [[-0.5, 7, None], [-0.1, 9, None]],
    },
}


class Server:
    """Answers by a list, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, request):
        body = json.loads(request.content)
        self.asked.append((request.url.path, body, request.headers.get("authorization")))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json=answer)


def engine_at(server, kind="vllm", **settings):
    config = EngineConfig.of({"kind": kind, "url": "http://engine:8000/", **settings})
    engine = SglangEngine(config) if kind == "sglang" else VllmEngine(config, "base/model")
    transport = httpx.MockTransport(server)
    headers = engine._client.headers
    engine._client = httpx.AsyncClient(
        transport=transport, base_url="http://engine:8000", headers=headers
    )
    return engine


async def completed(engine, prompts=([1, 2],), params=PARAMS):
    count = len(prompts)
    return await engine.complete(
        list(prompts), params, seeds=[2**40 + 5] * count, limits=[8] * count, ends=[2, 3]
    )


@pytest.fixture
def no_pause(monkeypatch):
    async def at_once(seconds):
        pauses.append(seconds)

    pauses = []
    monkeypatch.setattr("act_prm.llm_handlers.http_engines.asyncio.sleep", at_once)
    return pauses


def test_vllm_is_asked_by_ids_and_answers_with_ids():
    server = Server(VLLM_ANSWER)
    [reply] = asyncio.run(completed(engine_at(server)))
    [(route, body, _)] = server.asked

    assert reply == EngineReply([7, 2], [-0.5, -0.1], stopped=True)
    assert route == "/v1/completions"
    assert (body["model"], body["prompt"], body["max_tokens"]) == ("base/model", [1, 2], 8)
    assert (body["temperature"], body["top_p"]) == (0.7, 0.9)
    assert body["stop_token_ids"] == [2, 3]
    assert body["return_tokens_as_token_ids"] is True
    assert (body["stop"], body["include_stop_str_in_output"]) == (["</x>"], True)
    assert 0 <= body["seed"] < 2**31


def test_sglang_is_asked_by_ids_and_answers_with_ids():
    server = Server(SGLANG_ANSWER)
    [reply] = asyncio.run(completed(engine_at(server, "sglang")))
    [(route, body, _)] = server.asked

    assert reply == EngineReply([7, 9], [-0.5, -0.1], stopped=False)
    assert route == "/generate"
    assert body["input_ids"] == [1, 2]
    assert body["return_logprob"] is True
    assert body["sampling_params"]["stop_token_ids"] == [2, 3]


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_the_newest_adapter_plays_and_the_one_before_is_forgotten(kind):
    server = Server(VLLM_ANSWER if kind == "vllm" else SGLANG_ANSWER)

    async def play():
        engine = engine_at(server, kind)
        await engine.load_adapter(Path("/adapters/1"), 1)
        await engine.load_adapter(Path("/adapters/2"), 2)
        await completed(engine)
        await engine.close()

    asyncio.run(play())
    routes = [route.rpartition("/")[2] for route, _, _ in server.asked]
    loaded = [body.get("lora_name") for _, body, _ in server.asked]
    played = server.asked[3][1]

    assert routes[:3] == ["load_lora_adapter", "load_lora_adapter", "unload_lora_adapter"]
    assert routes[4] == "unload_lora_adapter"
    assert loaded[0] == loaded[2]
    assert played["model" if kind == "vllm" else "lora_path"] == loaded[1] == loaded[4]
    assert server.asked[0][1]["lora_path"] == "/adapters/1"


def test_a_server_that_stumbles_is_asked_again_and_one_that_refuses_is_not(no_pause):
    server = Server(httpx.Response(503, text="busy"), httpx.ConnectError("gone"), VLLM_ANSWER)
    assert asyncio.run(completed(engine_at(server)))[0].tokens == [7, 2]
    assert no_pause == [1.0, 2.0]

    with pytest.raises(ModelUnavailable, match=r"vllm server at http://engine.* 503 busy"):
        asyncio.run(completed(engine_at(Server(httpx.Response(503, text="busy")))))
    refusing = Server(httpx.Response(400, text="no such model"))
    with pytest.raises(ModelUnavailable, match="refused: 400 no such model"):
        asyncio.run(completed(engine_at(refusing)))
    assert len(refusing.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": []},
        {"choices": [{"finish_reason": "stop", "logprobs": None}]},
        {
            "choices": [
                {
                    "finish_reason": "stop",
                    "logprobs": {"tokens": ["Hello"], "token_logprobs": [-1.0]},
                }
            ]
        },
    ],
)
def test_a_server_that_answers_with_text_alone_is_refused(answer):
    with pytest.raises(ModelUnavailable, match="did not return tokens"):
        asyncio.run(completed(engine_at(Server(answer))))


def test_a_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("ENGINE_KEY", "secret-key")
    server = Server(VLLM_ANSWER)
    asyncio.run(completed(engine_at(server, api_key_env="ENGINE_KEY")))
    assert server.asked[0][2] == "Bearer secret-key"
    monkeypatch.delenv("ENGINE_KEY")
    with pytest.raises(ConfigError, match="ENGINE_KEY, which is not set"):
        engine_at(server, api_key_env="ENGINE_KEY")


def test_whether_log_probabilities_are_tempered_is_known_and_can_be_said():
    assert engine_at(Server({}), "sglang").tempered
    assert not engine_at(Server({})).tempered
    assert engine_at(Server({}), tempered_logprobs=True).tempered


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"kind": "other"}, "engine.kind is 'other'; known: vllm, sglang, llama_cpp"),
        ({}, "engine.kind is None"),
        ({"kind": "vllm"}, "engine.url is the address of the vllm server"),
        ({"kind": "vllm", "url": "http://x", "concurrency": 0}, "engine.concurrency must be posit"),
        ({"kind": "vllm", "ur": "http://x"}, r"unknown keys \['ur'\]"),
    ],
)
def test_settings_that_make_no_engine_are_refused(settings, reason):
    with pytest.raises(ConfigError, match=reason):
        EngineConfig.of(settings)
