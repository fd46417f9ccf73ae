"""What travels between the body of a model call and whoever performs it: requests, steps, senders, backends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from tau2.llm.secrets import PRIVATE_ARGS

Response: TypeAlias = Mapping[str, Any]
"""A chat completion in OpenAI's form, as a plain mapping."""

CompletionFn: TypeAlias = Callable[..., Any]
"""A callable with litellm's signature, sync or async, that answers with a chat completion of any usual form."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, in OpenAI's wire form."""

    model: str
    messages: list[dict[str, Any]] = field(repr=False)
    tools: list[dict[str, Any]] | None = field(default=None, repr=False)
    tool_choice: str | Mapping[str, Any] | None = None
    args: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The caller's `llm_args` that a backend may need; they hold keys, so they are never shown."""
    timeout: float = float("inf")
    """Seconds for the whole exchange."""
    call_name: str | None = None
    """What the call is for, such as "agent_response"; for logs and hooks, never sent."""

    def digest(self) -> str:
        """Return a stable name of what is asked; keys and endpoints do not change it."""
        args = {key: value for key, value in self.args.items() if key not in PRIVATE_ARGS}
        asked = [self.model, self.messages, self.tools, self.tool_choice, args]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Send:
    """A step: put the request to the model and hand its response back."""

    request: Request


@dataclass(frozen=True, slots=True)
class Sleep:
    """A step: wait this many seconds, never less."""

    seconds: float


class Enterable(Protocol):
    """What a call may wait for; both forms return False when the time is over first."""

    def enter(self, seconds: float) -> bool:
        """Wait in this thread."""

    async def aenter(self, seconds: float) -> bool:
        """Wait on the running event loop."""


@dataclass(frozen=True, slots=True)
class Enter:
    """A step: wait until the gate lets this call in; False is handed back when `seconds` are over first."""

    gate: Enterable
    seconds: float


Step: TypeAlias = Send | Sleep | Enter

ResultT = TypeVar("ResultT")

Flow: TypeAlias = Generator[Step, Any, ResultT]
"""A body without I/O: yields steps, is sent a Response (after Send), None (after Sleep) or a bool (after Enter)."""


@dataclass(frozen=True, slots=True)
class Sender:
    """How a request is performed, in both colours. Each raises CallFailed when the model did not answer."""

    send: Callable[[Request], Response]
    asend: Callable[[Request], Awaitable[Response]]
    own_args: bool = False
    """Whether the caller's code answers: then arguments reach it as given and no default timeout applies."""


def _accepts(_model: str, _args: Mapping[str, Any]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to reach models; a module `llm/backends/<name>.py` or an entry point exports it as BACKEND."""

    name: str
    """A model named `<name>/...` always comes here."""
    claims: Callable[[str, Mapping[str, Any]], bool]
    """Whether a model of another name, with these `llm_args`, is this backend's."""
    send: Callable[[Request], Response]
    asend: Callable[[Request], Awaitable[Response]]
    check: Callable[[str, Mapping[str, Any]], None] = _accepts
    """Raise ConfigError when a call of this model is bound to fail: no key, no endpoint, a package missing."""
    rank: int = 0
    """Backends are asked for claims in ascending order."""

    def sender(self) -> Sender:
        """Return how this backend performs a request."""
        return Sender(self.send, self.asend)
