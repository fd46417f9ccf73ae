"""A clock that never waits, and an environment without anybody's keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from tests.stub import StubServer

from tau2.llm.clock import clock
from tau2.llm.returned_fields import RETURNED_FIELDS
from tau2.llm.transport.async_client import apost
from tau2.llm.transport.endpoint import Endpoint
from tau2.llm.transport.response import HttpResponse
from tau2.llm.transport.sync_client import close, post
from tau2.llm.unsupported_params import UNSUPPORTED_PARAMS

_VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "HOSTED_VLLM_API_BASE",
    "HOSTED_VLLM_API_KEY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_API_BASE",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


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
    """Make every wait of a model call instantaneous, and recorded."""
    token = clock.set(fake := StillClock())
    yield fake
    clock.reset(token)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take keys, addresses and proxies out of the environment, and forget what models refused."""
    for name in (*_VARIABLES, *_PROXIES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    yield
    UNSUPPORTED_PARAMS.forget()
    RETURNED_FIELDS.forget()


SendPost: TypeAlias = Callable[..., HttpResponse]
_HEADERS = (
    ("Content-Type", "application/json"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
)


@pytest.fixture(params=["sync", "async"])
def send(request: pytest.FixtureRequest) -> Iterator[SendPost]:
    """Return a function that posts to a stub (or address) with one of the clients.

    It does so `times` in sequence, with a pause between, and returns the last response.
    """

    def post_all(
        place: StubServer | str,
        *,
        body: bytes = b'{"model": "m"}',
        seconds: float = 5.0,
        times: int = 1,
        pause: float = 0.0,
        headers: tuple[tuple[str, str], ...] = (),
        verify: bool | str = True,
    ) -> HttpResponse:
        base = place if isinstance(place, str) else place.base_url
        url = base + "/chat/completions"
        endpoint = Endpoint(url, "m", headers=(*_HEADERS, *headers), verify=verify)

        async def all_async() -> HttpResponse:
            for _ in range(times - 1):
                await apost(endpoint, body, seconds)
                await asyncio.sleep(pause)
            return await apost(endpoint, body, seconds)

        if request.param == "async":
            return asyncio.run(all_async())
        for _ in range(times - 1):
            post(endpoint, body, seconds)
            time.sleep(pause)
        return post(endpoint, body, seconds)

    yield post_all
    close()
