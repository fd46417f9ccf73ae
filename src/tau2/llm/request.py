"""What travels between a model call and the drivers that perform it: requests, steps, senders.

A `Flow` is a generator that does no I/O itself: it yields steps and is sent their results. One flow
therefore serves synchronous and asynchronous calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from tau2.llm.secrets import PRIVATE_ARGS
from tau2.utils.json_types import JsonMapping, JsonObject

if TYPE_CHECKING:
    from tau2.llm.failure import CallFailed

Response: TypeAlias = JsonMapping
"""A chat completion in OpenAI's form."""

CompletionFn: TypeAlias = Callable[..., Any]
"""A callable with litellm's signature, sync or async, that returns a chat completion."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a model, in OpenAI's form."""

    model: str
    """The whole name, with the backend or provider before its first slash."""
    messages: list[JsonObject] = field(repr=False)
    """The conversation, beginning with the system message."""
    tools: list[JsonObject] | None = field(default=None, repr=False)
    """Schemas of the tools that the model may call; None: it gets none."""
    tool_choice: str | JsonMapping | None = None
    """Whether it has to call a tool, or which; None leaves it to the provider."""
    args: JsonMapping = field(default_factory=dict, repr=False)
    """The caller's `llm_args` that a backend may need; they hold keys, so they are never shown."""
    timeout: float = float("inf")
    """Seconds for the whole exchange."""
    is_streamed: bool = False
    """Whether the response is asked for as a stream, for a model that answers in no other way."""
    call_name: str | None = None
    """What the call is for, such as "agent_response"; for logs and middleware, never sent."""
    is_stateful: bool = False
    """Whether the endpoint keeps the conversation. What it may have got is not sent again, and its
    answers are not cached."""

    def digest(self) -> str:
        """Return the SHA-256 of what is asked; keys and endpoints do not change it."""
        args = {key: value for key, value in self.args.items() if key not in PRIVATE_ARGS}
        asked = [self.model, self.messages, self.tools, self.tool_choice, args]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Send:
    """A step: send the request to the model; the result is its Response."""

    request: Request


@dataclass(frozen=True, slots=True)
class Sleep:
    """A step: wait this many seconds, never less."""

    seconds: float


class Limiter(Protocol):
    """What admits calls; both methods return False when the time is over first."""

    def acquire(self, seconds: float) -> bool:
        """Wait in this thread, for at most `seconds`."""

    async def aacquire(self, seconds: float) -> bool:
        """Wait on the running event loop, for at most `seconds`."""


@dataclass(frozen=True, slots=True)
class Acquire:
    """A step: wait until the limiter admits this call.

    The result is False when `seconds` are over first.
    """

    limiter: Limiter
    seconds: float


@dataclass(frozen=True, slots=True)
class Await:
    """A step: wait until another process has answered.

    The result is False when `seconds` are over first. What it answered, or how it failed, is read
    from `answer`.
    """

    answer: Future[Any]
    seconds: float


Step: TypeAlias = Send | Sleep | Acquire | Await

ResultT = TypeVar("ResultT")

Flow: TypeAlias = Generator[Step, Any, ResultT]
"""Yields steps; is sent a Response (after Send), None (after Sleep) or a bool."""

Explain: TypeAlias = Callable[[Request, "CallFailed", int], str | None]
"""What a backend says of the failure that ended so many attempts; None for the usual words."""


def _usual_words(_request: Request, _failure: CallFailed, _attempts: int) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Sender:
    """How a request is performed. Both functions raise CallFailed when the model did not answer."""

    send: Callable[[Request], Response]
    asend: Callable[[Request], Awaitable[Response]]
    own_args: bool = False
    """Whether it is a caller's function: it gets arguments as given, without default time-out."""
    name: str = "completion_fn"
    """The backend; part of the origin of what is attached to messages."""
    explain: Explain = _usual_words
    is_stateful: bool = False


def by_prefix_alone(_model: str, _args: JsonMapping) -> bool:
    """Claim no model of another name: for backends whose models all have their prefix."""
    return False


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to reach models; `llm/backends/<name>.py` or an entry point exports it as BACKEND."""

    name: str
    """A model named `<name>/...` belongs to this backend."""
    claims: Callable[[str, JsonMapping], bool]
    """Whether a model of another name, with these `llm_args`, belongs to this backend."""
    send: Callable[[Request], Response]
    """Performs one request, and returns a chat completion in OpenAI's form."""
    asend: Callable[[Request], Awaitable[Response]]
    """The same as a coroutine function."""
    check: Callable[[str, JsonMapping], None] = lambda _model, _args: None
    """Raise ConfigError when a call is bound to fail: no key, no endpoint, a package missing."""
    is_remote: bool = False
    """Whether models are reached over a network, so that a run asks each of them once first."""
    is_free: bool = False
    """Whether its models run in this process, and cost nothing."""
    leaves: Callable[[str, JsonMapping], bool] = lambda _model, _args: False
    """Whether a model named `<name>/...`, with these `llm_args`, belongs to another backend."""
    explain: Explain = _usual_words
    """Says in words why a call failed, for an error's message."""
    is_stateful: bool = False
    """Whether its endpoints keep the conversation."""
    rank: int = 0
    """Backends are asked in ascending order whether they claim a model."""

    def sender(self) -> Sender:
        """Return how this backend performs a request."""
        return Sender(
            self.send,
            self.asend,
            name=self.name,
            explain=self.explain,
            is_stateful=self.is_stateful,
        )
