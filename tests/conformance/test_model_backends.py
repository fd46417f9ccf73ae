"""Every backend that calls a server over HTTP keeps the same promises."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.native_servers import ALL, ASKED, CLAUDE, KEY, TOOLS, Native, ask, with_results
from tests.stub import Raw, StubServer

from tau2 import TextRunConfig
from tau2.data_model.message import AssistantMessage
from tau2.data_model.simulation import Results
from tau2.errors import (
    ContextWindowExceeded,
    EmptyCompletion,
    ModelRefused,
    ModelUnavailable,
)
from tau2.llm import acomplete, check_model, complete, use_middleware
from tau2.llm.clock import clock
from tau2.llm.middleware.cache import ResponseCache
from tau2.llm.unsupported_params import UNSUPPORTED_PARAMS
from tau2.runner import get_tasks, run_tasks

each = pytest.mark.parametrize("native", ALL, ids=["chat", "anthropic", "responses"])
_VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_API_KEY")


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*_VARIABLES, "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    yield
    UNSUPPORTED_PARAMS.forget()


class StillClock:
    """Time moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1_700_000_000.0 + self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture
def still() -> Iterator[StillClock]:
    token = clock.set(fake := StillClock())
    yield fake
    clock.reset(token)


@each
def test_text_comes_back_sync_and_async_alike(native: Native) -> None:
    with StubServer(native.says("On its way.")) as stub:
        now = ask(native, stub.base_url)
        later = asyncio.run(
            acomplete(native.model, ASKED, tools=TOOLS, api_base=stub.base_url, api_key=KEY)
        )
        assert stub.bodies[0] == stub.bodies[1]
        assert stub.seen[0].target == native.path
    assert now.content == later.content == "On its way."
    assert (now.usage, now.cost, now.raw_data) == (later.usage, later.cost, later.raw_data)
    assert now.usage["prompt_tokens"] == 100
    assert now.usage["completion_tokens"] == 20
    assert now.cost > 0


@each
def test_calls_keep_their_ids_and_several_results_go_back(native: Native) -> None:
    with StubServer([native.calls("toolu_01", "toolu_02"), native.says("Today.")]) as stub:
        first = ask(native, stub.base_url)
        assert [call.id for call in first.calls] == ["toolu_01", "toolu_02"]
        assert first.calls[1].arguments == {"order_id": "toolu_02"}
        assert first.reasoning_content == "An order number first."
        assert ask(native, stub.base_url, with_results(first)).content == "Today."
        sent = json.dumps(stub.last)
    assert sent.count("shipped toolu_0") == 2
    assert "ZW5jcnlwdGVk" in sent


@each
def test_what_another_model_encrypted_is_not_sent(native: Native) -> None:
    other = next(one for one in ALL if one is not native)
    with StubServer(other.calls("call_1")) as theirs, StubServer(native.says("ok")) as stub:
        first = ask(other, theirs.base_url)
        ask(native, stub.base_url, with_results(first))
        assert "ZW5jcnlwdGVk" not in json.dumps(stub.last)
        assert "An order number first." not in json.dumps(stub.last)


@each
def test_what_is_cut_short_says_so(native: Native) -> None:
    with StubServer([native.cut, native.filtered]) as stub:
        assert ask(native, stub.base_url).cut_short == "length"
        with pytest.raises(EmptyCompletion, match="content filter"):
            ask(native, stub.base_url)


@each
def test_failures_are_judged_as_everywhere(native: Native, still: StillClock) -> None:
    with StubServer([native.busy, native.says("ok"), native.too_long]) as stub:
        assert ask(native, stub.base_url).content == "ok"
        assert len(still.sleeps) == 1
        with pytest.raises(ContextWindowExceeded):
            ask(native, stub.base_url)
    denied = Raw(401, {"type": "error", "error": {"message": f"invalid key {KEY}"}})
    with StubServer([denied, native.busy]) as stub:
        with pytest.raises(ModelRefused, match="invalid key") as caught:
            ask(native, stub.base_url)
        assert KEY not in str(caught.value)
        with pytest.raises(ModelUnavailable):
            ask(native, stub.base_url, num_retries=1)


@each
def test_a_refused_parameter_is_learnt(native: Native) -> None:
    def reply(body: dict[str, Any]) -> Raw:
        if "temperature" in body:
            return Raw(400, {"error": {"message": "temperature: Extra inputs are not permitted"}})
        return native.says("ok")

    model = native.model.replace("gpt-5", "acme-1")
    with StubServer(reply) as stub:
        args = {"api_base": stub.base_url, "api_key": KEY, "temperature": 0.5}
        for _ in range(2):
            assert complete(model, ASKED, **args).content == "ok"
        assert stub.requests == 3


@each
def test_middleware_sees_an_ordinary_completion(native: Native, tmp_path: Any) -> None:
    cache = ResponseCache(tmp_path)
    with StubServer(native.calls("call_1")) as stub, use_middleware(cache.middleware):
        first = ask(native, stub.base_url, temperature=0)
        again = ask(native, stub.base_url, temperature=0)
        assert stub.requests == 1
    assert first == again
    assert first.provider_data == again.provider_data


@each
def test_a_missing_key_is_found_before_the_run(
    native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ANTHROPIC_API_KEY" if native.model == CLAUDE else "OPENAI_API_KEY"
    with pytest.raises(Exception, match=f"no API key.*{name}"):
        check_model(native.model)
    monkeypatch.setenv(name, "from the environment")
    check_model(native.model)


@each
def test_a_run_keeps_what_the_provider_attached(native: Native, tmp_path: Path) -> None:
    """The agent's thoughts are stored and go back to its model; the user never sees them."""

    def reply(body: dict[str, Any]) -> Raw:
        return native.says("Done.") if "made_1" in json.dumps(body) else native.calls("made_1")

    path = tmp_path / "run" / "results.json"
    with StubServer(reply) as stub:
        config = TextRunConfig(
            domain="mock",
            agent="llm_agent",
            user="scripted_user",
            llm_agent=native.model,
            llm_args_agent={"api_base": stub.base_url, "api_key": KEY},
            max_retries=0,
        )
        tasks = get_tasks("mock", task_ids=["create_task_1"])
        played = run_tasks(config, tasks, save_path=path, console_display=False)
        assert "ZW5jcnlwdGVk" in json.dumps(stub.bodies[1])
    stored = Results.load(path)
    (run,) = stored.simulations
    kept = [message for message in run.messages or () if isinstance(message, AssistantMessage)]
    kept = [message for message in kept if message.calls]
    assert kept[0].reasoning_content == "An order number first."
    assert "ZW5jcnlwdGVk" in json.dumps(kept[0].provider_data)
    again = [m for m in played.simulations[0].messages or () if isinstance(m, AssistantMessage)]
    assert kept[0].provider_data == next(m for m in again if m.calls).provider_data
    assert KEY not in path.read_text(encoding="utf-8")
