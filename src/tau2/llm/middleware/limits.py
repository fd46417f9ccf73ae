"""Limits per provider, for all calls of a run: in flight, and requests and tokens per minute.

Even without configured limits, a provider is asked no sooner than it named in Retry-After,
whichever call it told so; and after a status 429, fewer calls are in flight until it has answered
for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from tau2.errors import ConfigError, DeadlineExceeded
from tau2.llm.clock import clock, remaining
from tau2.llm.failure import TOO_MANY_REQUESTS, CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.middleware.limiter import ConcurrencyLimiter
from tau2.llm.middleware.shared_limits import SharedProviderLimits, Slot
from tau2.llm.parse import tokens_of
from tau2.llm.request import Acquire, Flow, Request, Response, Sleep
from tau2.utils.json_types import JsonMapping, JsonValue

_CHARACTERS_PER_TOKEN = 4  # an estimate, corrected by what the response says
_USUAL_SHARE = 0.25  # of the permitted answer, as another estimate
_MINUTE = 60.0
_ANY_PROVIDER = "*"


@dataclass(frozen=True, slots=True)
class Limit:
    """What one provider allows; None is no limit."""

    in_flight: int | None = None
    rpm: float | None = None
    """Requests per minute."""
    tpm: float | None = None
    """Tokens per minute, prompt and completion."""


def limits_of(configured: JsonMapping | None) -> dict[str, Limit]:
    """Return limits from a configuration.

    Args:
        configured: By provider: calls in flight as a number, as in {"openai": 40}, or the fields
            of a Limit, as in {"openai": {"in_flight": 40, "rpm": 500, "tpm": 1e6}}.

    Raises:
        ConfigError: the configuration has another form.
    """
    return {name: _limit(name, value) for name, value in (configured or {}).items()}


def _limit(name: str, value: JsonValue) -> Limit:
    fields = dict(value) if isinstance(value, Mapping) else {"in_flight": value}
    unknown = sorted(fields.keys() - {"in_flight", "rpm", "tpm"})
    if unknown:
        raise ConfigError(
            f"provider_limits: {name}: {unknown[0]!r} is not one of in_flight, rpm, tpm"
        )
    for key, number in fields.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
            raise ConfigError(
                f"provider_limits: {name}: {key} must be a number above 0, not {number!r}"
            )
    if "in_flight" in fields:
        fields["in_flight"] = max(1, int(fields["in_flight"]))
    return Limit(**fields)


def provider_of(model: str) -> str:
    """Return the provider of a model: what stands before the first slash, else "openai".

    `responses/` says how a model is reached and not who serves it.
    """
    prefix, slash, _ = model.removeprefix("responses/").partition("/")
    if not slash:
        return "anthropic" if prefix.startswith("claude-") else "openai"
    return prefix


class Place(Protocol):
    """A place among the calls in flight."""

    def free(self) -> None:
        """Give the place back."""


class SharedLimits(Protocol):
    """One provider's limits over several processes."""

    def admitted(self, tokens: float) -> Flow[Place]:
        """Wait until a call of about so many tokens is admitted; return its place."""

    def used(self, tokens: float) -> None:
        """Take tokens that a call used beyond what was expected; negative ones are given back."""

    def pause(self, seconds: float) -> None:
        """Keep every process from asking for this many seconds."""

    def pause_left(self) -> float:
        """Return the seconds until the provider may be asked."""


Sharing: TypeAlias = Callable[[str, Limit], SharedLimits]
"""Returns how the limit of a provider is shared, from its name and the limit."""


def through_folder(folder: Path) -> Sharing:
    """Return how processes of one machine share limits: through a folder that all of them name."""

    def shared(name: str, limit: Limit) -> SharedLimits:
        per_minute = {"rpm": limit.rpm, "tpm": limit.tpm}
        return SharedProviderLimits(folder, name, limit.in_flight, per_minute)

    return shared


class TokenBucket:
    """A token bucket: `per_minute` units flow in, a tenth of them may be taken at once."""

    def __init__(self, per_minute: float) -> None:
        self.rate = per_minute / _MINUTE
        self.burst = max(1.0, per_minute / 10)
        self._level = self.burst
        self._at = clock.get().now()
        self._lock = threading.Lock()

    def take(self, units: float) -> float:
        """Take units now and return the seconds to wait before using them.

        The level may fall below zero: what is taken beyond it is paid for by waiting. Negative
        units give back.
        """
        with self._lock:
            now = clock.get().now()
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
            self._at = now
            self._level -= units
            return max(0.0, -self._level / self.rate)


class _ProviderState:
    """One provider's limiter and buckets."""

    def __init__(self, limit: Limit, shared: SharedLimits | None) -> None:
        self.limiter = ConcurrencyLimiter(
            limit.in_flight if limit.in_flight is not None else float("inf")
        )
        self.requests = TokenBucket(limit.rpm) if limit.rpm else None
        self.tokens = TokenBucket(limit.tpm) if limit.tpm else None
        self.shared = shared

    def admitted(self, request: Request) -> Flow[Place]:
        """Take what a request needs from the buckets, and wait; return its place."""
        is_metered = self.requests is not None or self.tokens is not None
        tokens = _estimate(request) if is_metered else 0.0
        if self.shared is not None:
            return (yield from self.shared.admitted(tokens))
        wait = max(
            self.requests.take(1) if self.requests is not None else 0.0,
            self.tokens.take(tokens) if self.tokens is not None else 0.0,
        )
        if wait > 0:
            yield Sleep(wait)
        return Slot(None)  # the limiter of this process has admitted it

    def correct(self, request: Request, response: Response) -> None:
        """Take the difference between the tokens used and the tokens expected."""
        if self.tokens is None:
            return
        prompt, completion = tokens_of(response)
        used = (prompt or 0) + (completion or 0)
        if not used:
            return
        difference = used - _estimate(request)
        if self.shared is not None:
            self.shared.used(difference)
        else:
            self.tokens.take(difference)

    def on_failure(self, failure: CallFailed) -> None:
        """Learn from a failed call: a Retry-After is for all calls, whatever the status."""
        if failure.status == TOO_MANY_REQUESTS:
            self.limiter.on_rate_limited()
        if failure.retry_after:
            self.limiter.pause_for(failure.retry_after)
            if self.shared is not None:
                self.shared.pause(failure.retry_after)

    def pause(self) -> float:
        """Return the seconds until the provider may be asked again."""
        shared = self.shared.pause_left() if self.shared is not None else 0.0
        return max(self.limiter.pause(), shared)


def _estimate(request: Request) -> float:
    """Return about how many tokens a call will use."""
    characters = sum(len(str(message.get("content") or "")) for message in request.messages)
    asked = request.args.get("max_completion_tokens") or request.args.get("max_tokens")
    most = asked if isinstance(asked, int | float) else 0
    return characters / _CHARACTERS_PER_TOKEN + most * _USUAL_SHARE


class ProviderLimits:
    """The limits of one run.

    Args:
        limits: By provider; "*" stands for every other one.
        shared: How the processes of a run share the limits; None when there is only one process.
    """

    def __init__(
        self, limits: Mapping[str, Limit] | None = None, shared: Sharing | None = None
    ) -> None:
        self.limits = dict(limits or {})
        self.shared = shared
        self._providers: dict[str, _ProviderState] = {}
        self._lock = threading.Lock()

    def provider(self, model: str) -> _ProviderState:
        """Return the limiter and buckets of a model's provider."""
        name = provider_of(model)
        with self._lock:
            if name not in self._providers:
                limit = self.limits.get(name, self.limits.get(_ANY_PROVIDER, Limit()))
                shared = self.shared(name, limit) if self.shared is not None else None
                self._providers[name] = _ProviderState(limit, shared)
            return self._providers[name]

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Wait until the call is admitted, send, and learn from the result.

        Raises:
            DeadlineExceeded: the episode's time was over before the call was admitted.
        """
        provider = self.provider(request.model)
        if not (yield Acquire(provider.limiter, remaining())):
            raise DeadlineExceeded(
                f"the episode's time was over while model {request.model!r} was asked by others"
            )
        try:
            return (yield from _paced(provider, request, send))
        except CallFailed as failure:
            provider.on_failure(failure)
            raise
        finally:
            provider.limiter.release()

    def wait_for_pause(self, request: Request, send: NextSend) -> Flow[Response]:
        """Send once the provider may be asked.

        For use inside of a middleware that may wait, within `middleware`: a pause that the
        provider asks for meanwhile is kept too.
        """
        yield from _wait_for_pause(self.provider(request.model))
        return (yield from send(request))


def _paced(provider: _ProviderState, request: Request, send: NextSend) -> Flow[Response]:
    place = yield from provider.admitted(request)
    try:
        yield from _wait_for_pause(provider)
        response = yield from send(request)
    finally:
        place.free()
    provider.correct(request, response)
    provider.limiter.on_answer()
    return response


def _wait_for_pause(provider: _ProviderState) -> Flow[None]:
    # Asked again after each wait, because another call may have been told to wait longer.
    while (wait := provider.pause()) > 0:
        yield Sleep(wait)
