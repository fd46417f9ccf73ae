"""llama.cpp as a rollout engine: prompts by ids, and an adapter for each update."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from act_prm.llm_handlers.client import SamplingParams
from act_prm.llm_handlers.llama_engine import LlamaEngine
from act_prm.llm_handlers.rollout_engine import EngineReply
from tau2.errors import ModelUnavailable
from tau2.llm.failure import CallFailed
from tau2.llm.local.library import EngineOptions

ANSWER = {
    "tokens": [7, 2],
    "completion_probabilities": [{"id": 7, "logprob": -0.5}, {"id": 2, "logprob": -0.1}],
    "stop_type": "eos",
}


class Server:
    """Stands in for llama.cpp."""

    def __init__(self, answer=ANSWER):
        self.answer = answer
        self.asked = []
        self.closed = False

    def route(self, path, body):
        assert not self.closed
        self.asked.append((path, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self):
        self.closed = True


class Machine:
    """Starts servers, and remembers with what."""

    def __init__(self, answer=ANSWER):
        self.answer = answer
        self.started = []
        self.servers = []

    def start(self, weights, adapter, options, folder):
        assert adapter is None or adapter.is_file()
        self.started.append((weights.name, adapter and adapter.read_text()))
        self.servers.append(Server(self.answer))
        return self.servers[-1]

    def engine(self):
        return LlamaEngine(
            Path("small.gguf"),
            EngineOptions(512, 2, 1),
            lambda folder, file: file.write_text(f"adapter of {folder.name}"),
            self.start,
        )


async def completed(engine, count=1):
    params = SamplingParams(max_tokens=8, temperature=0.7, stop=("</x>",))
    return await engine.complete(
        [[1, 2]] * count, params, seeds=[2**40 + 3] * count, limits=[5] * count, ends=[2]
    )


def test_prompts_are_ids_and_so_are_replies():
    machine = Machine()

    async def play():
        engine = machine.engine()
        replies = await completed(engine, 3)
        await engine.close()
        return replies

    assert asyncio.run(play()) == [EngineReply([7, 2], [-0.5, -0.1], stopped=True)] * 3
    [server] = machine.servers
    route, body = server.asked[0]
    assert (route, body["prompt"], body["n_predict"]) == ("/completion", [1, 2], 5)
    assert (body["top_k"], body["min_p"], body["repeat_penalty"]) == (0, 0.0, 1.0)
    assert body["cache_prompt"] is True
    assert body["seed"] < 2**32
    assert server.closed


def test_every_update_has_the_weights_loaded_with_its_adapter():
    machine = Machine()

    async def play():
        engine = machine.engine()
        await completed(engine)
        await engine.load_adapter(Path("/run/1"), 1)
        await completed(engine)
        await completed(engine)
        await engine.load_adapter(Path("/run/2"), 2)
        await completed(engine)
        await engine.close()

    asyncio.run(play())
    assert machine.started == [
        ("small.gguf", None), ("small.gguf", "adapter of 1"), ("small.gguf", "adapter of 2"),
    ]  # fmt: skip
    assert all(server.closed for server in machine.servers)


def test_a_failure_is_the_engines():
    problem = CallFailed("out of memory", was_sent=True)

    async def play(machine):
        engine = machine.engine()
        try:
            await completed(engine)
        finally:
            await engine.close()

    with pytest.raises(ModelUnavailable, match=r"llama\.cpp: out of memory"):
        asyncio.run(play(Machine(problem)))
    with pytest.raises(ModelUnavailable, match="did not return tokens"):
        asyncio.run(play(Machine({"content": "Hello"})))
