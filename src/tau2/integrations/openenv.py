"""OpenEnv: `TauEnvironment` behind the package's server, and a client for it.

    with serve("retail", user="scripted_user") as server:
        async with TauEnvClient(server.base_url) as env:
            result = await env.reset(task_id=..., seed=7)

The package knows no authentication: a server of `serve` lives under a path that nobody can guess, which is its token.
"""

from __future__ import annotations

import functools
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from tau2.data_model.message import ToolCall
from tau2.errors import ConfigError
from tau2.integrations.episode import Episode, Outcome
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import instructions
from tau2.rollout import Turn

with needs_package("openenv", "openenv-core>=0.3"):
    import uvicorn
    from fastapi import FastAPI
    from openenv.core.client_types import StepResult
    from openenv.core.env_client import EnvClient
    from openenv.core.env_server.http_server import create_fastapi_app
    from openenv.core.env_server.interfaces import Environment
    from openenv.core.env_server.types import Action, Observation, State

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PATIENCE = 30.0  # seconds until a server that was started must answer, or one that was told to stop must be gone


class TauAction(Action):  # type: ignore[misc]  # the package is optional
    """One tool call; `respond_user` with a `text` speaks to the customer."""

    name: str = Field(max_length=256)
    arguments: dict[str, Any] = Field(default_factory=dict)


class TauObservation(Observation):  # type: ignore[misc]  # the package is optional
    """What the agent heard; `reward` is None until the end, and stays None when the episode failed."""

    text: str = ""
    system_prompt: str | None = None
    """Of a reset."""
    tools: list[dict[str, Any]] | None = None
    """Of a reset: what may be called, in the form of OpenAI's API."""
    infra_failed: bool = False
    user_failed: bool = False
    error: str | None = None


class TauState(State):  # type: ignore[misc]  # the package is optional
    """Where the episode stands; not for the agent's eyes."""

    domain: str = ""
    task_id: str = ""
    outcome: dict[str, Any] | None = None
    """The fields of `Outcome`, once the episode is over."""


class TauEnvironment(Environment):  # type: ignore[misc]  # the package is optional
    """One episode at a time; a server makes one environment per session.

    Args:
        domain: A registered name.
        task_id: The task of a `reset` that names none.
        options: As for `Episode`.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, domain: str, task_id: str | None = None, **options: Any) -> None:
        super().__init__()
        self._domain, self._task_id = domain, task_id
        self._episode = Episode(domain, **options)
        self._state = TauState(domain=domain)
        self._shaping = 0.0

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        task_id: str | None = None,
        **_more: Any,
    ) -> TauObservation:
        """Start an episode. Raise ConfigError without a task, UnknownName for another one."""
        chosen = self._begin(episode_id, task_id)
        return self._opened(self._episode.reset(chosen, seed))

    async def reset_async(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        task_id: str | None = None,
        **_more: Any,
    ) -> TauObservation:
        """Do what `reset` does on the running event loop."""
        chosen = self._begin(episode_id, task_id)
        return self._opened(await self._episode.areset(chosen, seed))

    def step(
        self, action: TauAction, timeout_s: float | None = None, **_more: Any
    ) -> TauObservation:
        """Make one tool call. Raise RuntimeError before a reset."""
        return self._moved(self._episode.play([_call(action)]))

    async def step_async(
        self, action: TauAction, timeout_s: float | None = None, **_more: Any
    ) -> TauObservation:
        """Do what `step` does on the running event loop."""
        return self._moved(await self._episode.aplay([_call(action)]))

    @property
    def state(self) -> TauState:
        """Where the episode stands."""
        return self._state

    def close(self) -> None:
        """End the episode, wherever it stands."""
        self._episode.close()

    def _begin(self, episode_id: str | None, task_id: str | None) -> str:
        chosen = task_id or self._task_id
        if chosen is None:
            raise ConfigError(
                "which task? reset(task_id=...), or an environment with a task_id of its own"
            )
        self._state = TauState(
            episode_id=episode_id or str(uuid.uuid4()),
            step_count=0,
            domain=self._domain,
            task_id=chosen,
        )
        return chosen

    def _opened(self, text: str) -> TauObservation:
        observation = self._observed(text)
        observation.system_prompt = instructions(self._episode.cast, by_tool=True)
        observation.tools = self._episode.tools
        return observation

    def _moved(self, texts: list[str]) -> TauObservation:
        self._state.step_count += 1
        return self._observed(texts[0])

    def _observed(self, text: str) -> TauObservation:
        turn = self._episode.rollout.turn or Turn()
        if not turn.done:
            return TauObservation(text=text, reward=turn.shaping or None)
        told_before, outcome = self._state.outcome is not None, self._episode.outcome_of(turn)
        self._state.outcome = {
            name: getattr(outcome, name) for name in Outcome.__dataclass_fields__
        }
        reward = None if outcome.reward is None or told_before else outcome.reward + turn.shaping
        return TauObservation(
            text=text, done=True, reward=reward,
            infra_failed=outcome.infra_failed, user_failed=outcome.user_failed, error=outcome.error,
        )  # fmt: skip


def _call(action: TauAction) -> ToolCall:
    return ToolCall(name=action.name, arguments=action.arguments)


class TauEnvClient(EnvClient):  # type: ignore[misc]  # the package is optional
    """Plays on a server; `base_url` as `serve` gives it, the token in its path."""

    def _step_payload(self, action: TauAction) -> dict[str, Any]:
        return {"name": action.name, "arguments": action.arguments}

    def _parse_result(self, payload: Mapping[str, Any]) -> StepResult:
        ending = {"done": bool(payload.get("done")), "reward": payload.get("reward")}
        return StepResult(
            observation=TauObservation(**payload.get("observation", {}), **ending), **ending
        )

    def _parse_state(self, payload: Mapping[str, Any]) -> TauState:
        return TauState(**payload)


def app(domain: str, *, token: str, max_sessions: int = 64, **options: Any) -> FastAPI:
    """Return a server of a domain under `/<token>`; options as for TauEnvironment. Raise ConfigError for no token."""
    if not token or "/" in token:
        raise ConfigError(
            "a server needs a token that can stand in a path, such as secrets.token_urlsafe()"
        )
    factory = functools.partial(TauEnvironment, domain, **options)
    root = FastAPI(title="tau2", docs_url=None, redoc_url=None, openapi_url=None)
    inner = create_fastapi_app(factory, TauAction, TauObservation, max_concurrent_envs=max_sessions)
    root.mount(f"/{token}", inner)
    return root


@dataclass(frozen=True)
class Server:
    """Where a server that runs can be reached."""

    base_url: str
    """With the token in its path: keep it secret."""


@contextmanager
def serve(
    domain: str, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None, **options: Any
) -> Iterator[Server]:
    """Serve a domain from a thread while the block lasts; `port` 0 takes a free one.

    Options as for `app`. Raise ConfigError for a host that is not loopback: there, run `app` behind TLS.
    """
    if host not in _LOOPBACK:
        raise ConfigError(
            f"{host!r} is no loopback address: for others, run tau2.integrations.openenv.app behind TLS"
        )
    token = token or secrets.token_urlsafe(24)
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    )
    config = uvicorn.Config(
        app(domain, token=token, **options), log_level="warning", access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="tau2-openenv", daemon=True
    )
    thread.start()
    try:
        _await_start(server, thread)
        shown = f"[{host}]" if ":" in host else host
        yield Server(f"http://{shown}:{listener.getsockname()[1]}/{token}")
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        listener.close()


def _await_start(server: Any, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the server did not start; its log says why")
        time.sleep(0.01)


__all__ = [
    "Server",
    "TauAction",
    "TauEnvClient",
    "TauEnvironment",
    "TauObservation",
    "TauState",
    "app",
    "serve",
]
