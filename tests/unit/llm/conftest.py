"""A clock that never waits, and an environment without anybody's keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tau2.llm.clock import clock
from tau2.llm.unsupported_params import UNSUPPORTED_PARAMS

_VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "HOSTED_VLLM_API_BASE",
    "HOSTED_VLLM_API_KEY",
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
