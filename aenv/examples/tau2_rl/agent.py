"""One tau2 episode in AEnvironment, with an agent of the OpenAI Agents SDK.

    python aenv/examples/tau2_rl/agent.py --domain telecom --task_id <TASK_ID>

A trainer calls `run_agent_return_reward(data)`; `run_agent(data)` returns more: an infrastructure
failure is not a reward of 0. AEnvironment and the Agents SDK are imported when an episode is
played, not with this module.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

if __package__:
    from aenv.examples.tau2_rl.sdk_model import Model, from_chat, named_safely
else:  # run as a script, or loaded by its path
    sys.path.append(str(Path(__file__).resolve().parent))
    from sdk_model import Model, from_chat, named_safely

logger = logging.getLogger(__name__)

ENV_NAME = "tau2-env@1.0.0"
MOST_FAILED_TURNS = 3  # consecutive turns without an action before the loop ends
# Tau2 answers a call with this argument by saying why its text is no JSON object.
_MALFORMED = "__malformed__"
_SHORTEST_SECRET = 8  # hiding every "none" of a text because the key is "none" helps nobody
_TOKEN_BYTES = 24
_PACKAGES = {"aenv.core.environment": "aenvironment", "agents": "openai-agents"}
"""Module → the package that it comes in."""
_INSTANCE_PORT = 8081  # of a server on this machine; AEnvironment's client knows no other
_SCHEDULER_PORT = 8080  # of the service that starts instances; likewise
_CONNECT_SECONDS = 3.0
_STOP = "###STOP###"  # ends a conversation, also one without a customer
_SOLO_START = "Work on the ticket with your tools, and call `done` when the work is finished."
_NUDGE = {
    True: "Nobody reads messages here: call a tool, or `done` when the work is finished.",
    False: "Your last message was empty: say something to the customer, or call a tool.",
}
_USER_VARIABLES = ("TAU2_USER", "TAU2_USER_LLM", "TAU2_USER_LLM_API_BASE", "TAU2_USER_LLM_API_KEY")
_UNSET = (None, "", "None")


@dataclass(frozen=True)
class Options:
    """The options of an episode.

    They come from AReaL's arguments, then from `data`, its `gconfig`, and environment variables.
    """

    domain: str = "telecom"
    task_id: str = ""
    seed: int | None = None
    model: str = "gpt-4.1"
    temperature: float = 1.0
    top_p: float = 1.0
    max_completion_tokens: int = 8192
    max_turns: int = 50
    """Answers of the model in the whole episode."""
    max_steps: int | None = None
    """Messages and tool executions; None: as the server says."""
    solo_mode: bool | None = None
    """None: on its own exactly when no simulated user is named."""
    user: str | None = None
    timeout: float = 600.0
    """Seconds for one call of the environment; a simulated user may think."""
    env_name: str = ENV_NAME
    raise_errors: bool = False
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    http_client: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, data: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Options:
        """Return the options of an episode. Raise ValueError for a value of the wrong type."""
        sources = [
            _named(extra or {}),
            _named(data),
            _sampling(data.get("gconfig")),
            _variables(os.environ),
        ]
        given: dict[str, Any] = {}
        for source in sources:
            given = {**source, **given}
        return replace(cls(), **{name: _read(name, value) for name, value in given.items()})

    def variables(self) -> dict[str, str]:
        """Return the instance's environment variables; what is not set is left out."""
        user = {
            name: os.environ[name] for name in _USER_VARIABLES if os.environ.get(name) not in _UNSET
        }
        user |= {"TAU2_USER": self.user} if self.user else {}
        alone = (
            not (user.get("TAU2_USER") or user.get("TAU2_USER_LLM"))
            if self.solo_mode is None
            else self.solo_mode
        )
        given = {"TAU2_SEED": self.seed, "TAU2_MAX_STEPS": self.max_steps}
        limits = {name: str(value) for name, value in given.items() if value is not None}
        solo = {"TAU2_SOLO_MODE": str(alone).lower()}
        return {"TAU2_DOMAIN": self.domain, "TAU2_TASK_ID": self.task_id, **solo, **limits, **user}

    def sampling(self) -> dict[str, Any]:
        """Return the sampling parameters in the names of `ModelSettings`."""
        most = {"max_completion_tokens": self.max_completion_tokens}
        return {"temperature": self.temperature, "top_p": self.top_p, "extra_args": most}

    def start(self) -> dict[str, Any]:
        """Return the arguments of `tau2_reset`; a reused instance has other variables."""
        named = ("domain", "task_id", "seed", "solo_mode", "max_steps", "user")
        return {name: value for name in named if (value := getattr(self, name)) is not None}


_TYPES: Mapping[str, type] = {
    "temperature": float,
    "top_p": float,
    "timeout": float,
    "seed": int,
    "max_completion_tokens": int,
    "max_turns": int,
    "max_steps": int,
    "solo_mode": bool,
    "raise_errors": bool,
    "http_client": object,
}
_VARIABLES = {
    "TAU2_SEED": "seed",
    "TAU2_MAX_STEPS": "max_steps",
    "TAU2_SOLO_MODE": "solo_mode",
    "TAU2_USER": "user",
    "TAU2_AGENT_LLM": "model",
    "TAU2_AGENT_TEMPERATURE": "temperature",
    "TAU2_AGENT_TOP_P": "top_p",
    "TAU2_AGENT_MAX_COMPLETION_TOKENS": "max_completion_tokens",
    "TAU2_AGENT_MAX_TURNS": "max_turns",
    "TAU2_RAISE_ERRORS": "raise_errors",
    "OPENAI_BASE_URL": "base_url",
    "OPENAI_API_KEY": "api_key",
}


def _named(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: source[name]
        for name in Options.__dataclass_fields__
        if source.get(name) not in _UNSET
    }


def _variables(variables: Mapping[str, str]) -> dict[str, Any]:
    return {
        field: variables[name]
        for name, field in _VARIABLES.items()
        if variables.get(name) not in _UNSET
    }


def _sampling(gconfig: Any) -> dict[str, Any]:
    """Return the sampling parameters of a generation config, a dictionary or an object."""
    given = gconfig if isinstance(gconfig, Mapping) else getattr(gconfig, "__dict__", {})
    # The last one that is set counts.
    lengths = ("max_tokens", "max_new_tokens", "max_completion_tokens")
    length = [given[name] for name in lengths if given.get(name) not in _UNSET]
    named = {
        name: given[name]
        for name in ("temperature", "top_p", "model")
        if given.get(name) not in _UNSET
    }
    return {**named, **({"max_completion_tokens": length[-1]} if length else {})}


def _read(name: str, value: Any) -> Any:
    """Return an option's value as its type. Raise ValueError for one that cannot be read."""
    kind = _TYPES.get(name, str)
    if kind is object or isinstance(value, kind):
        return value
    if kind is bool:
        return str(value).strip().lower() in {"1", "true", "yes", "on"}
    try:
        return kind(value)
    except TypeError as problem:
        raise ValueError(f"{name} must be {kind.__name__}, not {value!r:.80}") from problem


@dataclass(frozen=True)
class Outcome:
    """How an episode ended."""

    reward: float | None
    """None when the episode says nothing about the agent."""
    status: str
    """completed; unfinished (graded as it stood when the loop ended); user_failed; infra_failed."""
    reason: str | None = None
    """Why the conversation ended, in tau2's words."""
    error: str | None = None
    turns: int = 0
    """Answers of the model."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the reward endpoint said."""
    conversation: Sequence[Mapping[str, Any]] = ()
    """What the model saw and wrote, as the Agents SDK keeps it."""


class EpisodeFailed(RuntimeError):
    """An episode that says nothing about the agent; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.status}: {outcome.error}")
        self.outcome = outcome

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.outcome,)


async def run_agent_return_reward(data: Mapping[str, Any], **extra: Any) -> float:
    """Play one episode and return its reward.

    `data` names `domain` and `task_id`, and any other field of Options; sampling may come as
    `gconfig`. `extra` is what AReaL passes: `base_url`, `api_key`, `http_client`. An episode that
    says nothing about the agent (its model, the environment or the simulated user failed) returns
    0.0, or raises EpisodeFailed where `raise_errors` is set.
    """
    outcome = await run_agent(data, **extra)
    if outcome.reward is None and Options.of(data, extra).raise_errors:
        raise EpisodeFailed(outcome)
    return 0.0 if outcome.reward is None else outcome.reward


async def run_agent(data: Mapping[str, Any], **extra: Any) -> Outcome:
    """Play one episode and return how it ended; the instance is released whatever happens.

    Raise ValueError for options that cannot be read; every other failure is an outcome.
    """
    options = Options.of(data, extra)
    try:
        return await Play(open_environment(options), options).run()
    except Exception as problem:  # whatever fails around an episode is its outcome
        logger.warning("the episode of task %s failed", options.task_id, exc_info=True)
        return Outcome(
            None, "infra_failed", error=_redacted(f"{type(problem).__name__}: {problem}", options)
        )


class NotReady(RuntimeError):
    """A package or the server is missing; AEnvironment itself would wait for minutes."""


def require_packages() -> None:
    """Raise NotReady, saying what to install, where a package is missing."""
    missing = [package for module, package in _PACKAGES.items() if not _is_installed(module)]
    if missing:
        raise NotReady(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed: "
            "pip install -r aenv/examples/tau2_rl/requirements.txt, and then "
            "pip install aenvironment==0.1.7 --no-deps"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that the module would be in
        return False


def require_server(variables: Mapping[str, str]) -> None:
    """Raise NotReady, saying what to start or to set, where no server accepts a connection."""
    instance = variables.get("DUMMY_INSTANCE_IP")
    where = instance or variables.get("AENV_SYSTEM_URL") or "http://localhost"
    host = urlsplit(where if "://" in where else f"http://{where}").hostname or "127.0.0.1"
    port = _INSTANCE_PORT if instance else _SCHEDULER_PORT
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except OSError as problem:
        advice = (
            "start it with: python -m aenv.main aenv/builtin-envs/tau2"
            if instance
            else "set AENV_SYSTEM_URL to your AEnvironment service, or, for a server on this "
            "machine, DUMMY_INSTANCE_IP=127.0.0.1"
        )
        name = "environment server" if instance else "AEnvironment service"
        raise NotReady(f"no {name} answers at {host}:{port} ({problem}); {advice}") from problem


def open_environment(options: Options) -> Any:
    """Return the environment, not yet initialized; it sends the server's token.

    Raise NotReady where a package or the server is missing.
    """
    require_packages()
    require_server(os.environ)
    from aenv.core.environment import Environment  # noqa: PLC0415  -- slow to import

    token = server_token(os.environ)

    class WithToken(Environment):  # type: ignore[misc]  # the package is optional
        """Adds the token to every request: the constructor takes no headers.

        AEnvironment's client sends `proxy_headers` with every request to an instance.
        """

        @property
        def proxy_headers(self) -> dict[str, str]:
            return _UnshownHeaders(self._headers, Authorization=f"Bearer {token}")

        @proxy_headers.setter
        def proxy_headers(self, headers: dict[str, str]) -> None:
            self._headers = headers

    variables = {**options.variables(), "TAU2_SERVER_TOKEN": token}
    return WithToken(options.env_name, environment_variables=variables, timeout=options.timeout)


class _UnshownHeaders(dict[str, str]):
    """Headers whose values are not logged."""

    def __repr__(self) -> str:
        return f"<headers {', '.join(self)}>"


def server_token(variables: Mapping[str, str]) -> str:
    """Return the server's token: what `TAU2_SERVER_TOKEN` says, or else a new one for an instance.

    A server on this machine (`DUMMY_INSTANCE_IP`) that got no token keeps its own in a file. Raise
    RuntimeError where it did not.
    """
    if (given := variables.get("TAU2_SERVER_TOKEN")) not in _UNSET:
        return str(given)
    if not variables.get("DUMMY_INSTANCE_IP"):
        return secrets.token_urlsafe(_TOKEN_BYTES)
    folder = variables.get("XDG_RUNTIME_DIR")
    kept = (Path(folder) if folder else Path.home() / ".cache") / "tau2" / "aenv-server-token"
    try:
        return kept.read_text(encoding="utf-8")
    except OSError as problem:
        raise RuntimeError(
            "the environment server's token is not known: start the server first, "
            "or set TAU2_SERVER_TOKEN for both"
        ) from problem


def open_model(options: Options) -> Any:
    """Return the model."""
    return Model(
        options.model, options.sampling(), options.base_url, options.api_key, options.http_client
    )


def _redacted(text: str, options: Options) -> str:
    variables = ("TAU2_USER_LLM_API_KEY", "TAU2_SERVER_TOKEN")
    for secret in (options.api_key, *map(os.environ.get, variables)):
        if secret and len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[redacted]")
    return text


class Play:
    """One episode: the model calls tools until it writes text, which goes to the user."""

    def __init__(self, env: Any, options: Options) -> None:
        self.env = env
        self.options = options
        self.model = open_model(options)
        self.turns = 0
        self.failed_turns = 0
        self.items: list[dict[str, Any]] = []
        self.is_solo = False
        self.is_over = False
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> Outcome:
        """Play to the end and ask the environment for the reward.

        The instance is released whatever happens.
        """
        try:
            await self.env.initialize()
            await self._begin()
            while (
                not self.is_over
                and self.turns < self.options.max_turns
                and self.failed_turns < MOST_FAILED_TURNS
            ):
                await self._turn()
            return self._outcome(await self.env.call_reward({}, timeout=self.options.timeout))
        finally:
            try:
                await self.env.release()
            finally:
                await self.model.close()

    async def ask(self, function: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of a function of the environment."""
        answer = await self.env.call_function(
            function, arguments or {}, timeout=self.options.timeout
        )
        return answer if isinstance(answer, dict) else {"answer": answer}

    async def _begin(self) -> None:
        start = await self.ask("tau2_reset", self.options.start())
        prompt = await self.ask("tau2_get_system_prompt")
        self.is_solo = bool(start.get("solo_mode"))
        self.is_over = bool(start.get("done"))
        self.items = from_chat(start.get("messages") or ())
        if self.is_solo:
            self._observe(_SOLO_START)
        tools = named_safely(await self.env.list_tools())
        self.model.set_up(
            str(prompt.get("system_prompt", "")), tools, self._call, self._ask_whether_over
        )

    def _observe(self, text: str) -> None:
        self.items = [*self.items, {"role": "user", "content": text}]

    async def _turn(self) -> None:
        """Let the model act until it writes text, and send the text to the user."""
        thought = await self.model.think(self.items, self.options.max_turns - self.turns)
        self.items = thought.items
        self.turns += thought.calls
        if self.is_over or thought.is_last:
            self.is_over = True
        elif self.is_solo and _STOP in thought.text:
            self.is_over = bool((await self.ask("tau2_done")).get("done", True))
        elif thought.problem is not None or not thought.text.strip() or self.is_solo:
            self.failed_turns += 1
            self._observe(thought.problem or _NUDGE[self.is_solo])
        else:
            await self._say(thought.text)

    async def _say(self, text: str) -> None:
        self.failed_turns = 0
        reply = await self.ask("tau2_send_message", {"message": text})
        self.is_over = bool(reply.get("done"))
        if not self.is_over:
            self._observe(str(reply.get("rejected") or reply.get("observation") or ""))

    async def _call(self, name: str, arguments: str) -> str:
        """Execute a tool call of the model and return its result.

        Calls of one answer keep their order.
        """
        async with self._one_at_a_time:
            result = await self.env.call_tool(
                name, _arguments(arguments), timeout=self.options.timeout
            )
        self.failed_turns = 0
        return "\n".join(str(part.get("text", part)) for part in result.content)

    async def _ask_whether_over(self) -> bool:
        """Return whether a tool call has ended the episode."""
        self.is_over = bool((await self.ask("tau2_get_status")).get("done"))
        return self.is_over

    def _outcome(self, answer: Mapping[str, Any]) -> Outcome:
        total = answer.get("total_reward")
        error = answer.get("error")
        return Outcome(
            reward=None if total is None else float(total),
            status=str(answer.get("status") or ("infra_failed" if total is None else "completed")),
            reason=answer.get("reason"),
            error=_redacted(str(error), self.options) if error else None,
            turns=self.turns,
            details=answer,
            conversation=self.items,
        )


def _arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call as a model wrote them.

    Text that is no JSON object is marked as such.
    """
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {_MALFORMED: text}


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(
        description="Play one tau2 episode in AEnvironment and show its reward."
    )
    line.add_argument("--domain", default="telecom")
    line.add_argument("--task_id", required=True)
    line.add_argument("--seed", type=int)
    line.add_argument("--model", help="the agent's model (TAU2_AGENT_LLM)")
    line.add_argument("--temperature", type=float)
    line.add_argument("--top_p", type=float)
    line.add_argument("--max_completion_tokens", type=int)
    line.add_argument("--max_turns", type=int, help="answers of the model in the whole episode")
    line.add_argument(
        "--max_steps", type=int, help="messages and tool executions in the whole episode"
    )
    line.add_argument("--user", help="a simulated user of the server, such as scripted_user")
    line.add_argument("--json", action="store_true", help="show the whole outcome as JSON")
    line.add_argument("--verbose", action="store_true", help="show what AEnvironment logs")
    return line


def _logging_of_aenvironment() -> Callable[..., None]:
    """Return the function that sets up its logging. Raise NotReady where a package is missing."""
    try:
        from aenv import setup_logging  # noqa: PLC0415  -- see open_environment
    except ImportError:
        require_packages()
        raise
    found: Callable[..., None] = setup_logging
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Play one episode; return 0 when it has a reward, otherwise 1."""
    given = vars(parser().parse_args(arguments))
    as_json = given.pop("json")
    verbose = given.pop("verbose")
    level = logging.INFO if verbose else logging.ERROR
    try:
        setup_logging = _logging_of_aenvironment()
    except NotReady as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    setup_logging(logging.StreamHandler(sys.stderr), level)
    outcome = asyncio.run(run_agent(given))
    shown = asdict(outcome) if as_json else f"reward: {outcome.reward} ({outcome.status})"
    sys.stdout.write((json.dumps(shown, default=str) if as_json else str(shown)) + "\n")
    if outcome.error:
        sys.stderr.write(f"{outcome.error}\n")
    return 0 if outcome.reward is not None else 1


if __name__ == "__main__":
    raise SystemExit(main())
