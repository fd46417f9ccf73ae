"""OpenEnv: `TauEnvironment`, a server for it, and a client.

    with serve("retail", user="scripted_user") as server:
        async with TauEnvClient(server.base_url) as env:
            result = await env.reset(task_id=..., seed=7)

The package has no authentication, so `serve` puts a secret token into the path of its server. Only
requests for the hosts that it serves are answered, with JSON bodies of bounded size.
"""

from __future__ import annotations

import functools
import json
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from tau2.data_model.message import ToolCall
from tau2.errors import ConfigError, Tau2Error, UnknownName
from tau2.integrations.episode import Episode
from tau2.integrations.packages import needs_package
from tau2.integrations.toolbox import instructions
from tau2.rollout import StepResult as RolloutResult
from tau2.serving.guard import IDLE_SECONDS, LOOPBACK_NAMES, Guard
from tau2.utils.json_types import JsonMapping, JsonObject

with needs_package("openenv", "openenv-core>=0.3", brings=("fastapi", "uvicorn")):
    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse
    from openenv.core.client_types import StepResult
    from openenv.core.env_client import EnvClient
    from openenv.core.env_server.http_server import create_fastapi_app
    from openenv.core.env_server.interfaces import Environment
    from openenv.core.env_server.types import Action, ConcurrencyConfig, Observation, State

    from tau2.serving.limits import server_options

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_STARTUP_TIMEOUT = 30.0  # seconds, also for the shutdown
_MOST_CONNECTIONS = 32  # beside those of the sessions
_LONGEST_NAME = 256  # characters of a task's id


class NotReset(Tau2Error, RuntimeError):
    """An action before a reset."""


class TauAction(Action):  # type: ignore[misc]  # the package is optional
    """One tool call; `respond_user` with a `text` speaks to the user."""

    name: str = Field(max_length=256)
    arguments: JsonObject = Field(default_factory=dict)

    @field_validator("arguments")
    @classmethod
    def _is_json(cls, arguments: JsonObject) -> JsonObject:
        """Refuse NaN and infinite numbers, which WebSocket messages may hold."""
        try:
            json.dumps(arguments, allow_nan=False)
        except (ValueError, RecursionError):
            raise PydanticCustomError("json", "arguments are JSON, without NaN") from None
        return arguments


class TauObservation(Observation):  # type: ignore[misc]  # the package is optional
    """What the agent observes; `reward` is None until the end, and also when the episode failed."""

    text: str = ""
    system_prompt: str | None = None
    """Of a reset."""
    tools: list[JsonObject] | None = None
    """Of a reset: the tools as schemas of OpenAI's API."""
    infra_failed: bool = False
    user_failed: bool = False
    error: str | None = None


class OpenEnvState(State):  # type: ignore[misc]  # the package is optional
    """The state of the episode, for the caller; the agent must not see it."""

    domain: str = ""
    task_id: str = ""
    outcome: JsonObject | None = None
    """The fields of `EpisodeOutcome`, once the episode is over."""


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
        self._domain = domain
        self._task_id = task_id
        self._episode = Episode(domain, **options)
        self._state = OpenEnvState(domain=domain)

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        task_id: str | None = None,
        **more: Any,
    ) -> TauObservation:
        """Start an episode.

        Raise ConfigError without a task and for arguments of other names, UnknownName for an
        unknown task.
        """
        _refuse("reset", more)
        chosen = self._begin(episode_id, task_id)
        return self._after_reset(self._episode.reset(chosen, seed))

    async def reset_async(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        task_id: str | None = None,
        **more: Any,
    ) -> TauObservation:
        """Do what `reset` does, on the running event loop."""
        _refuse("reset", more)
        chosen = self._begin(episode_id, task_id)
        return self._after_reset(await self._episode.areset(chosen, seed))

    def step(
        self,
        action: TauAction,
        timeout_s: float | None = None,
        request_id: str | None = None,
        **more: Any,
    ) -> TauObservation:
        """Make one tool call. Raise NotReset before a reset, ConfigError for other arguments."""
        self._check_step(more)
        return self._after_step(self._episode.play([_call(action)]))

    async def step_async(
        self,
        action: TauAction,
        timeout_s: float | None = None,
        request_id: str | None = None,
        **more: Any,
    ) -> TauObservation:
        """Do what `step` does, on the running event loop."""
        self._check_step(more)
        return self._after_step(await self._episode.aplay([_call(action)]))

    @property
    def state(self) -> OpenEnvState:
        """The state of the episode."""
        return self._state

    def close(self) -> None:
        """End the episode at once."""
        self._episode.close()

    def _check_step(self, more: JsonMapping) -> None:
        _refuse("step", more)
        if not self._state.task_id:
            raise NotReset("there is no episode: call reset first")

    def _begin(self, episode_id: str | None, task_id: str | None) -> str:
        for name, value in (("task_id", task_id), ("episode_id", episode_id)):
            if value is not None and not (isinstance(value, str) and len(value) <= _LONGEST_NAME):
                raise ConfigError(f"{name} is a text of at most {_LONGEST_NAME} characters")
        chosen = task_id or self._task_id
        if chosen is None:
            raise ConfigError(
                "no task is named: call reset(task_id=...), or make the environment with a task_id"
            )
        self._state = OpenEnvState(
            episode_id=episode_id or str(uuid.uuid4()),
            step_count=0,
            domain=self._domain,
            task_id=chosen,
        )
        return chosen

    def _after_reset(self, text: str) -> TauObservation:
        observation = self._observation(text)
        observation.system_prompt = instructions(self._episode.rollout.environment)
        observation.tools = self._episode.tools
        return observation

    def _after_step(self, texts: list[str]) -> TauObservation:
        self._state.step_count += 1
        return self._observation(texts[0])

    def _observation(self, text: str) -> TauObservation:
        result = self._episode.rollout.result or RolloutResult()
        if not result.done:
            return TauObservation(text=text, reward=result.shaping or None)
        # The final reward is returned once: further steps must not add to a return.
        returned_before = self._state.outcome is not None
        outcome = self._episode.outcome_of(result)
        self._state.outcome = asdict(outcome)
        reward = None
        if outcome.reward is not None and not returned_before:
            reward = outcome.reward + result.shaping
        return TauObservation(
            text=text,
            done=True,
            reward=reward,
            infra_failed=outcome.infra_failed,
            user_failed=outcome.user_failed,
            error=outcome.error,
        )


def _refuse(method: str, more: JsonMapping) -> None:
    if more:
        raise ConfigError(f"{method} has no argument named {min(more)[:_LONGEST_NAME]!r}")


def _call(action: TauAction) -> ToolCall:
    return ToolCall(name=action.name, arguments=action.arguments)


class TauEnvClient(EnvClient):  # type: ignore[misc]  # the package is optional
    """A client for a server; `base_url` is that of `serve`, with the token in its path."""

    def _step_payload(self, action: TauAction) -> JsonObject:
        return {"name": action.name, "arguments": action.arguments}

    def _parse_result(self, payload: JsonMapping) -> StepResult:
        common = {"done": bool(payload.get("done")), "reward": payload.get("reward")}
        observation = TauObservation(**payload.get("observation", {}), **common)
        return StepResult(observation=observation, **common)

    def _parse_state(self, payload: JsonMapping) -> OpenEnvState:
        return OpenEnvState(**payload)


def app(
    domain: str,
    *,
    token: str,
    max_sessions: int = 64,
    hosts: Collection[str] = LOOPBACK_NAMES,
    **options: Any,
) -> FastAPI:
    """Return a server application for a domain under the path `/<token>`.

    It answers requests whose Host header names one of `hosts`, with or without a port; elsewhere
    the token would be sent to whoever a foreign name resolves to. Options as for TauEnvironment.
    Raise ConfigError for an empty token or one with a slash.
    """
    factory = functools.partial(TauEnvironment, domain, **options)
    return guarded(factory, TauAction, TauObservation, token, max_sessions, hosts)


def guarded(
    factory: Callable[[], Environment],
    action: type[Action],
    observation: type[Observation],
    token: str,
    max_sessions: int,
    hosts: Collection[str],
) -> FastAPI:
    """Return the package's server application for an environment, behind our guard.

    Raise ConfigError for an empty token or one with a slash.
    """
    if not token or "/" in token:
        raise ConfigError(
            "a server needs a token that is one segment of a path, such as secrets.token_urlsafe()"
        )
    sessions = ConcurrencyConfig(max_concurrent_envs=max_sessions, session_timeout=IDLE_SECONDS)
    served: FastAPI = create_fastapi_app(factory, action, observation, concurrency_config=sessions)
    names = [name.lower() for name in hosts]
    served.add_middleware(Guard, token=token, hosts=lambda: names)
    served.add_exception_handler(Tau2Error, _problem)
    return served


async def _problem(_request: Request, problem: Exception) -> JSONResponse:
    """Answer what cannot be played as asked; OpenEnv would log a traceback and answer 500."""
    statuses = {UnknownName: 404, NotReset: 409}
    status = next((code for kind, code in statuses.items() if isinstance(problem, kind)), 400)
    return JSONResponse({"detail": str(problem)}, status)


@dataclass(frozen=True)
class Server:
    """The address of a running server."""

    base_url: str
    """Contains the token: keep it secret."""


@contextmanager
def serve(
    domain: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    max_sessions: int = 64,
    **options: Any,
) -> Iterator[Server]:
    """Serve a domain from a thread within a `with` block; port 0 means a free port.

    Options as for `app`. Raise ConfigError for a host that is not loopback.
    """
    with serving(app, domain, host, port, token, max_sessions, **options) as server:
        yield server


@contextmanager
def serving(
    make: Callable[..., FastAPI],
    domain: str,
    host: str,
    port: int,
    token: str | None,
    max_sessions: int,
    **options: Any,
) -> Iterator[Server]:
    """Do what `serve` does with the application that `make` returns, as `app` does."""
    if host not in _LOOPBACK:
        raise ConfigError(
            f"{host!r} is not a loopback address; to serve other machines, "
            "run tau2.integrations.openenv.app with its `hosts` behind TLS"
        )
    token = token or secrets.token_urlsafe(24)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    served = make(domain, token=token, max_sessions=max_sessions, **options)
    limits = server_options(max_sessions + _MOST_CONNECTIONS)
    config = uvicorn.Config(served, log_level="warning", **limits)
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="tau2-openenv", daemon=True
    )
    thread.start()
    deadline = time.monotonic() + _STARTUP_TIMEOUT
    try:
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the server did not start; see its log")
            time.sleep(0.01)
        url_host = f"[{host}]" if ":" in host else host
        yield Server(f"http://{url_host}:{listener.getsockname()[1]}/{token}")
    finally:
        server.should_exit = True
        thread.join(_STARTUP_TIMEOUT)
        listener.close()


__all__ = [
    "Server",
    "TauAction",
    "TauEnvClient",
    "TauEnvironment",
    "TauObservation",
    "app",
    "serve",
]
