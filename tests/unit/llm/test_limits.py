"""Limits per provider: calls in flight, per minute, and what a provider asks for in Retry-After."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.stub import StubServer, failing

from tau2.data_model.message import UserMessage
from tau2.errors import ConfigError
from tau2.llm import acomplete, complete, use_middleware
from tau2.llm.failure import CallFailed
from tau2.llm.middleware.limits import (
    Limit,
    ProviderLimits,
    TokenBucket,
    limits_of,
    provider_of,
    through_folder,
)
from tau2.llm.middleware.shared_limits import SharedProviderLimits
from tau2.llm.request import Request

ASKED = [UserMessage(content="Hello")]


def ask_together(stub: StubServer, calls: int, limits: ProviderLimits) -> list[str | None]:
    """Return the answers of calls that were made at once under these limits."""

    async def story() -> list[str | None]:
        with use_middleware(limits.middleware):
            coros = [
                acomplete("openai/any", ASKED, api_base=stub.base_url, api_key="key")
                for _ in range(calls)
            ]
            return [message.content for message in await asyncio.gather(*coros)]

    return asyncio.run(story())


def test_calls_in_flight_stay_below_the_limit():
    with StubServer("Hi", latency=0.02) as stub:
        assert ask_together(stub, 12, ProviderLimits({"openai": Limit(in_flight=3)})) == ["Hi"] * 12
        assert stub.max_in_flight <= 3


def test_other_providers_are_not_limited():
    with StubServer("Hi", latency=0.05) as stub:
        ask_together(stub, 6, ProviderLimits({"anthropic": Limit(in_flight=1)}))
        assert stub.max_in_flight > 1


def test_no_call_goes_out_before_the_moment_that_the_provider_named():
    sent: list[float] = []

    def reply(body):
        sent.append(time.monotonic())
        return failing(429, retry_after=0.3) if len(sent) == 1 else "Hi"

    with StubServer(reply) as stub:
        limits = ProviderLimits()
        assert ask_together(stub, 1, limits) == ["Hi"]
        assert sent[1] - sent[0] >= 0.3
        limits.provider("openai/any").limiter.pause_for(0.3)
        began = time.monotonic()
        ask_together(stub, 4, limits)
        assert min(sent[2:]) - began >= 0.29


def test_a_retry_after_is_for_everybody_whatever_its_status():
    sent: list[float] = []

    def reply(body):
        sent.append(time.monotonic())
        return failing(503, retry_after=0.3) if len(sent) == 1 else "Hi"

    with StubServer(reply) as stub:
        limits = ProviderLimits()
        assert ask_together(stub, 1, limits) == ["Hi"]
        provider = limits.provider("openai/any")
        provider.on_failure(CallFailed("busy", status=503, temporary=True, retry_after=0.3))
        assert provider.limiter.allowed == float("inf")
        began = time.monotonic()
        ask_together(stub, 3, limits)
    assert sent[1] - sent[0] >= 0.3
    assert min(sent[2:]) - began >= 0.29


def test_who_waited_inside_asks_no_sooner_either():
    limits = ProviderLimits()
    limits.provider("openai/any").limiter.pause_for(5.0)
    flow = limits.wait_for_pause(Request("openai/any", []), lambda request: (_ for _ in ()))
    assert 4 < next(flow).seconds <= 5.0


def test_a_pause_reaches_the_calls_of_other_processes(tmp_path):
    here, there = (
        ProviderLimits({}, through_folder(tmp_path)).provider("openai/any") for _ in range(2)
    )
    assert here.pause() == 0.0
    here.on_failure(CallFailed("slow down", status=429, temporary=True, retry_after=30.0))
    assert 29 < there.pause() <= 30


def test_sync_calls_obey_too():
    limits = ProviderLimits({"openai": Limit(in_flight=1)})
    with StubServer("Hi") as stub, use_middleware(limits.middleware):
        message = complete("openai/any", ASKED, api_base=stub.base_url, api_key="key")
    assert message.content == "Hi"


def test_a_bucket_lets_a_burst_through_and_then_its_rate():
    bucket = TokenBucket(600)  # ten per second, sixty at once
    assert bucket.take(60) == 0.0
    assert 0.9 < bucket.take(10) <= 1.0


@pytest.mark.parametrize(
    ("configured", "limit"),
    [
        ({"openai": 40}, Limit(in_flight=40)),
        ({"openai": {"in_flight": 4, "rpm": 500}}, Limit(in_flight=4, rpm=500)),
        ({"openai": {"tpm": 2e5}}, Limit(tpm=2e5)),
    ],
)
def test_limits_as_they_are_configured(configured, limit):
    assert limits_of(configured) == {"openai": limit}


@pytest.mark.parametrize(
    "wrong", [{"openai": 0}, {"openai": {"rps": 1}}, {"openai": {"rpm": "many"}}, {"openai": True}]
)
def test_wrong_limits_are_named(wrong):
    with pytest.raises(ConfigError, match="provider_limits: openai"):
        limits_of(wrong)


def test_whom_a_model_is_asked_from():
    assert provider_of("gpt-4.1") == "openai"
    assert provider_of("anthropic/claude-sonnet-4-5") == "anthropic"


# --- several processes
# ----------------------------------------------------------------------------------------------


def test_slots_are_shared_and_come_back_when_a_process_dies(tmp_path):
    here = SharedProviderLimits(tmp_path, "openai", 2, {})
    mine = here.slot()
    script = f"""
from pathlib import Path
from tau2.llm.request import Request
from tau2.llm.request import Request
from tau2.llm.middleware.shared_limits import SharedProviderLimits
held = SharedProviderLimits(Path({str(tmp_path)!r}), "openai", 2, {{}}).slot()
print(held is not None, flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "True\n"
        assert here.slot() is None
        other.kill()
        other.wait()
    again = here.slot()
    assert again is not None
    again.free()
    mine.free()


def test_a_pause_reaches_every_process(tmp_path):
    here, there = (SharedProviderLimits(tmp_path, "a/b", None, {}) for _ in range(2))
    here.pause(30)
    assert 29 < there.pause_left() <= 30


def test_a_pause_is_seen_while_another_one_writes(tmp_path):
    here, there = (SharedProviderLimits(tmp_path, "openai", None, {"rpm": 1e9}) for _ in range(2))
    here.pause(1000)
    ((bucket, _),) = there.buckets(1, 0)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [bucket.take(1) for _ in range(500)])
        seen = [here.pause_left()]
        while not writing.done():
            seen.append(here.pause_left())
    assert min(seen) > 900


def test_a_torn_state_file_starts_anew(tmp_path):
    provider = SharedProviderLimits(tmp_path, "openai", None, {"rpm": 60.0})
    (tmp_path / "openai" / "state").write_text('{"until": ')
    assert provider.pause_left() == 0.0
    ((bucket, _),) = provider.buckets(1, 1)
    assert bucket.take(6) == 0.0
    assert bucket.take(1) > 0.0


def test_processes_share_a_bucket(tmp_path):
    buckets = [
        SharedProviderLimits(tmp_path, "openai", None, {"rpm": 600.0}).buckets(1, 0)[0][0]
        for _ in range(2)
    ]
    assert buckets[0].take(60) == 0.0
    assert buckets[1].take(10) > 0.5


def test_tokens_that_were_used_beyond_the_estimate_are_told_to_every_process(tmp_path):
    here, there = (
        ProviderLimits({"openai": Limit(tpm=60_000)}, through_folder(tmp_path)) for _ in range(2)
    )
    asked = Request("openai/any", [{"role": "user", "content": "Hello"}])
    assert not list(here.provider(asked.model).admitted(asked))
    here.provider(asked.model).correct(
        asked, {"usage": {"prompt_tokens": 6_000, "completion_tokens": 1_000}}
    )
    (wait,) = there.provider(asked.model).admitted(asked)
    assert wait.seconds > 0.5
