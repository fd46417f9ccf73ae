"""Embeddings from an endpoint: what is sent, what is believed, and what a failure becomes."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tau2.errors import ConfigError, DeadlineExceeded, ModelRefused, ModelUnavailable
from tau2.knowledge.embedders import embedder_for, endpoint
from tau2.llm.clock import clock
from tau2.llm.deadline import deadline
from tau2.llm.failure import unreachable
from tau2.llm.transport.response import HttpResponse
from tau2.llm.transport.sync_client import close

SECRET = "sk-a-secret-of-this-test-0123456789"


class StillClock:
    """Time passes only by waiting."""

    def __init__(self):
        self.waited = []

    def now(self):
        return 1000.0 + sum(self.waited)

    def wall(self):
        return 1e9 + sum(self.waited)

    def sleep(self, seconds):
        self.waited.append(seconds)

    async def asleep(self, seconds):
        self.sleep(seconds)


class FakeServer:
    """Embeds a text as its length and 1, unless it is told what to answer first."""

    def __init__(self):
        self.first = []
        self.seen = []

    def post(self, place, body, seconds):
        self.seen.append((place, json.loads(body), seconds))
        if not self.first:
            return answer(self.seen[-1][1]["input"])
        told = self.first.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    @property
    def inputs(self):
        return [body["input"] for _, body, _ in self.seen]


def answer(texts):
    data = [{"index": n, "embedding": [len(text), 1]} for n, text in enumerate(texts)]
    return reply({"data": data[::-1]})


def reply(content, status=200, headers=None):
    return HttpResponse(status, headers or {}, json.dumps(content).encode())


@pytest.fixture
def server(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENROUTER_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENROUTER_API_KEY", SECRET)
    fake = FakeServer()
    monkeypatch.setattr(endpoint, "post", fake.post)
    return fake


@pytest.fixture
def still():
    token = clock.set(fake := StillClock())
    yield fake
    clock.reset(token)


def test_openai_is_asked_for_its_large_model_with_the_key(server):
    rows = embedder_for("openai").documents(["abc", "a longer text"])
    place, body, _ = server.seen[0]
    assert place.url == "https://api.openai.com/v1/embeddings"
    assert dict(place.headers)["Authorization"] == f"Bearer {SECRET}"
    assert body["model"] == "text-embedding-3-large"
    assert np.linalg.norm(rows, axis=1).tolist() == pytest.approx([1, 1])
    assert rows[:, 0].tolist() == pytest.approx([3 / 10**0.5, 13 / 170**0.5])


def test_qwen_queries_carry_an_instruction_and_its_documents_none(server):
    qwen = embedder_for("openrouter")
    qwen.query("lost key")
    qwen.documents(["Lost keys"])
    place, body, _ = server.seen[0]
    assert place.url == "https://openrouter.ai/api/v1/embeddings"
    assert body["model"] == "qwen/qwen3-embedding-8b"
    assert server.inputs[0][0].startswith("Instruct: ")
    assert server.inputs[0][0].endswith("\nQuery:lost key")
    assert server.inputs[1] == ["Lost keys"]
    embedder_for("openrouter/gemini-embedding-001").query("lost key")
    assert server.inputs[2] == ["lost key"]


def test_a_server_of_ones_own_needs_an_address_and_no_key(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    own = embedder_for("openai/bge-small", api_base="http://127.0.0.1:9/v1", dimensions=2)
    own.query("hose")
    place, body, _ = server.seen[0]
    assert place.url == "http://127.0.0.1:9/v1/embeddings"
    assert "Authorization" not in dict(place.headers)
    assert body["dimensions"] == 2
    assert own.name == "openai/bge-small, 2 dimensions, at http://127.0.0.1:9/v1/embeddings"


def test_the_address_may_stand_in_the_environment_and_belongs_to_the_name(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:8/v1")
    for name, port in (("openai/any", 9), ("openrouter/any", 8)):
        embedder = embedder_for(name)
        embedder.query("hose")
        assert server.seen[-1][0].url == f"http://127.0.0.1:{port}/v1/embeddings"
        assert embedder.name == f"{name}, at http://127.0.0.1:{port}/v1/embeddings"


def test_many_texts_go_in_batches_and_come_back_in_order(server):
    texts = ["x" * n for n in range(1, 151)]
    rows = embedder_for("openai").documents(texts)
    assert [len(batch) for batch in server.inputs] == [64, 64, 22]
    assert (np.diff(rows[:, 0]) > 0).all()


def test_texts_are_cut_and_cleaned_and_never_empty(server):
    embedder_for("openai").documents(["", "\ud800", "y" * 100_000])
    assert server.inputs == [[" ", "\ufffd", "y" * 24_000]]


def test_a_failure_that_may_pass_is_asked_again_after_the_wait_that_the_server_wants(server, still):
    server.first = [
        reply({"error": {"message": "slow down"}}, 429, {"retry-after": "7"}),
        unreachable("the connection failed"),
    ]
    assert embedder_for("openai").query("hose").shape == (2,)
    assert len(server.seen) == 3
    assert still.waited[0] == 7


def test_a_key_that_is_refused_is_told_at_once_and_not_repeated_in_the_text(server, still):
    server.first = [reply({"error": {"message": f"Incorrect API key {SECRET}"}}, 401)]
    with pytest.raises(ModelRefused, match="HTTP 401") as caught:
        embedder_for("openai").query("hose")
    assert SECRET not in str(caught.value)
    assert caught.value.status == 401
    assert still.waited == []


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"data": "none"},
        {"data": [{"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": "0", "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": [float("nan")]}]},
        {"data": [{"index": 0, "embedding": ["a"]}]},
        {"data": [{"index": 0, "embedding": [[1.0]]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]},
    ],
)
def test_an_answer_that_holds_no_vectors_is_a_failure_of_the_model(server, still, content):
    server.first = [reply(content)] * 4
    with pytest.raises(ModelUnavailable, match="asked 4 times"):
        embedder_for("openai").query("hose")


def test_nothing_is_sent_after_the_episode_is_over(server, still):
    token = deadline.set(still.now() - 1)
    try:
        with pytest.raises(DeadlineExceeded):
            embedder_for("openai").query("hose")
    finally:
        deadline.reset(token)
    assert server.seen == []


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENROUTER_API_KEY"])
def test_a_missing_key_is_told_with_its_variable(server, monkeypatch, name):
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=f"set {name}"):
        embedder_for(name.removesuffix("_API_KEY").lower())


def test_no_option_takes_a_key_because_options_are_saved(server):
    with pytest.raises(ConfigError, match="api_key"):
        embedder_for("openai", api_key=SECRET)


@pytest.mark.parametrize("dimensions", [0, True, "many", 10**6])
def test_dimensions_that_cannot_be_are_refused(server, dimensions):
    with pytest.raises(ConfigError, match="dimensions"):
        embedder_for("openai", dimensions=dimensions)


@contextmanager
def loopback():
    """A server of embeddings on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = answer(body["input"]).body
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}/v1"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
        close()


def test_over_a_real_connection():
    with loopback() as address:
        row = embedder_for("openai/any", api_base=address).query("hose")
    assert row.tolist() == pytest.approx([4 / 17**0.5, 1 / 17**0.5])
