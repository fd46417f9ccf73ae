"""How the policy under training is asked: at the address an episode was given, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from tau2_failures import AnswerLost, InfrastructureFailed
from tau2_utils import Tau2EnvConfig, plain_dict

from tau2.errors import ConfigError

POLICY_MODEL = "default"  # AReaL's proxy serves one model and does not look at the name
_NO_KEY = "EMPTY"
_FIRST_ERROR = 400
_REWARD_SECONDS = 30.0
_NEVER_CONNECTED = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout"}
)  # httpx's names; any client's may be used
_SENT = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "seed",
    "extra_body",
)


@dataclass(frozen=True)
class Endpoint:
    """Where one episode asks its policy.

    `from_environment`: the address is the process's OPENAI_BASE_URL.
    """

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    http_client: Any = field(default=None, repr=False)
    from_environment: bool = False

    @classmethod
    def of(cls, *layers: Mapping[str, Any]) -> Endpoint:
        """Return what the layers say, the first that says it; then the environment."""

        def first(name: str) -> Any:
            return next((layer[name] for layer in layers if layer.get(name)), None)

        base_url = first("base_url")
        return cls(
            base_url=str(base_url) if base_url else os.environ.get("OPENAI_BASE_URL"),
            api_key=first("api_key") or os.environ.get("OPENAI_API_KEY"),
            http_client=first("http_client"),
            from_environment=not base_url and bool(os.environ.get("OPENAI_BASE_URL")),
        )

    def url(self, path: str) -> str:
        """Return the address of `path`. Raise ConfigError when there is no base address."""
        if not self.base_url:
            raise ConfigError(
                "no address for the policy: AReaL passes base_url, a script sets OPENAI_BASE_URL"
            )
        return f"{self.base_url.rstrip('/')}/{path}"

    def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        return {"Authorization": f"Bearer {self.api_key or _NO_KEY}"}

    def model_args(self) -> dict[str, Any]:
        """Return the `llm_args` that reach this endpoint through tau2's own HTTP client."""
        args = {
            "api_base": self.base_url,
            "api_key": self.api_key or (_NO_KEY if self.base_url else None),
        }
        return {name: value for name, value in args.items() if value is not None}


def sampling_args(gconfig: Any) -> dict[str, Any]:
    """Return AReaL's generation settings as arguments of a chat completion.

    `max_new_tokens` becomes `max_completion_tokens`, `greedy` becomes temperature 0. What concerns
    the group (`n_samples`) or the whole context (`max_tokens`, see rollout.agent.engine_max_tokens)
    is not sent. Thinking is off unless `extra_body` says otherwise.
    """
    given = {name: value for name, value in plain_dict(gconfig).items() if value is not None}
    args = {name: given[name] for name in _SENT if name in given}
    # A policy that thinks writes thoughts into its turns that its next prompts do not hold.
    extra = dict(args.get("extra_body") or {})
    template = {"enable_thinking": False, **(extra.get("chat_template_kwargs") or {})}
    args["extra_body"] = {**extra, "chat_template_kwargs": template}
    longest = given.get("max_completion_tokens", given.get("max_new_tokens"))
    if longest is not None:
        args["max_completion_tokens"] = int(longest)
    if given.get("greedy"):
        args["temperature"] = 0.0
    return args


def completion_fn(endpoint: Endpoint) -> Any:
    """Return an awaitable completion function over the episode's own HTTP client."""
    url, headers = endpoint.url("chat/completions"), endpoint.headers()

    async def complete(**request: Any) -> Any:
        body = {name: value for name, value in request.items() if value is not None}
        options = {"timeout": body.pop("timeout")} if "timeout" in body else {}
        body.update(body.pop("extra_body", None) or {})
        try:
            response = await endpoint.http_client.post(url, json=body, headers=headers, **options)
        except Exception as error:
            raise _judged(error) from error
        if response.status_code >= _FIRST_ERROR:
            raise _Refused(response)
        return _json(response)

    return complete


def _judged(error: Exception) -> Exception:
    """Return whether a client's error came before the request (retry) or lost a response."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    said = f"{type(error).__name__}: {error}"
    if kinds & _NEVER_CONNECTED:
        return ConnectionError(f"the policy's endpoint cannot be reached: {said}")
    return (
        AnswerLost(f"the policy's answer did not arrive: {said}") if "HTTPError" in kinds else error
    )


class _Refused(Exception):
    """An HTTP answer that is no success, with what tau2.llm judges it by."""

    def __init__(self, response: Any) -> None:
        super().__init__(f"HTTP {response.status_code}: {response.text}")
        self.response = response
        self.status_code = response.status_code
        said = _json(response)
        self.body = said.get("error", said) if isinstance(said, Mapping) else None


def _json(response: Any) -> Any:
    """Return the parsed body, or its text when it is not JSON."""
    try:
        return response.json()
    except ValueError:
        return response.text


def user_args(config: Tau2EnvConfig, policy: Endpoint) -> dict[str, Any]:
    """Return the `llm_args` of the simulated user's model.

    Raise ConfigError when the policy would play it: AReaL's subprocess mode sets OPENAI_BASE_URL to
    its proxy, and what the user says there would be trained on.
    """
    args = plain_dict(config.user_llm_args)
    if config.user_llm_base_url:
        args["api_base"] = config.user_llm_base_url
    own_address = bool(args.get("api_base") or args.get("base_url"))
    if not own_address and policy.base_url and policy.base_url == os.environ.get("OPENAI_BASE_URL"):
        raise ConfigError(
            "the simulated user would be called at the policy's address (OPENAI_BASE_URL): "
            "name its own in "
            "econfig.user_llm_base_url, or set econfig.solo_mode=true"
        )
    if not args.get("api_key"):
        key = os.environ.get("TAU2_USER_LLM_API_KEY")
        if not key and own_address and policy.from_environment:
            key = _NO_KEY  # OPENAI_API_KEY is the policy's session key then
        if key:
            args["api_key"] = key
    return args


async def submit_reward(endpoint: Endpoint, reward: float) -> None:
    """Post the reward of the episode's last completion to the policy's proxy.

    Raise InfrastructureFailed.
    """
    url, headers = endpoint.url("rl/set_reward"), endpoint.headers()
    try:
        if endpoint.http_client is not None:
            status = (
                await endpoint.http_client.post(url, json={"reward": reward}, headers=headers)
            ).status_code
        else:
            status = await _post(url, headers, {"reward": reward})
    except Exception as problem:
        raise InfrastructureFailed(f"the reward could not be submitted: {problem}") from problem
    if status >= _FIRST_ERROR:
        raise InfrastructureFailed(f"the reward was refused: HTTP {status}")


async def _post(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> int:
    timeout = aiohttp.ClientTimeout(total=_REWARD_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=body, headers=headers, allow_redirects=False) as response,
    ):
        return response.status
