"""Where an OpenAI-compatible model is served, and as whom it is asked: by `llm_args`, else the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tau2.errors import ConfigError
from tau2.llm.secrets import secrets_in_args

OPENAI_URL = "https://api.openai.com/v1"
SELF_HOSTED = ("hosted_vllm", "local")
"""Prefixes of servers that the user runs: they have no default address, and OpenAI's key is not for them."""

_STRIPPED = ("openai", "openai_compatible", *SELF_HOSTED)
_PATH = "/chat/completions"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to post chat completions to."""

    url: str
    model: str
    """The name that the server knows."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """What must be hidden in anything the server says."""


def endpoint_of(model: str, args: Mapping[str, Any]) -> Endpoint:
    """Return where and as whom `model` is asked. Raise ConfigError when that is not known or not usable."""
    prefix, _, rest = model.partition("/")
    prefix = prefix if rest and prefix in _STRIPPED else ""
    base = _base(model, prefix, args)
    key = _key(prefix, args)
    if key is None and base == OPENAI_URL:
        raise ConfigError(
            f"no API key for model {model!r}: set OPENAI_API_KEY, give api_key in the model's arguments, "
            "or give api_base if another server serves it"
        )
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    for name in ("headers", "extra_headers"):
        headers.update(_given_headers(name, args.get(name)))
    shown = tuple((name, _header_value(name, value)) for name, value in headers.items())
    return Endpoint(
        _chat_url(base), rest if prefix else model, shown, secrets_in_args({**args, "api_key": key})
    )


def _base(model: str, prefix: str, args: Mapping[str, Any]) -> str:
    given = args.get("api_base") or args.get("base_url")
    if given:
        return str(given)
    names = ["HOSTED_VLLM_API_BASE"] if prefix == "hosted_vllm" else []
    names += ["OPENAI_BASE_URL", "OPENAI_API_BASE"]
    found = next((os.environ[name] for name in names if os.environ.get(name)), None)
    if found is None and prefix in SELF_HOSTED:
        raise ConfigError(
            f"no address for model {model!r}: give api_base in the model's arguments "
            f"(for example api_base=http://127.0.0.1:8000/v1) or set {' or '.join(names)}"
        )
    return found or OPENAI_URL


def _key(prefix: str, args: Mapping[str, Any]) -> str | None:
    given = args.get("api_key")
    if given is None:
        given = os.environ.get("HOSTED_VLLM_API_KEY" if prefix in SELF_HOSTED else "OPENAI_API_KEY")
    key = str(given).strip() if given is not None else ""
    return key or None


@lru_cache(maxsize=64)
def _chat_url(base: str) -> str:
    parts = _parts(base.strip())
    if parts is None:
        raise ConfigError(
            f"api_base must be an http or https address such as {OPENAI_URL}; the one given is not"
        )
    path = parts.path.rstrip("/")
    path = path if path.endswith(_PATH) else path + _PATH
    return parts._replace(path=path, fragment="").geturl()


def _parts(base: str) -> SplitResult | None:
    """Return the parts of an address that can be posted to, or None."""
    try:
        parts = urlsplit(base)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not match
        return None
    return parts if usable and _HEADER_VALUE.fullmatch(parts.path + parts.query) else None


def _given_headers(name: str, given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"{name} must be a mapping of header names to values, not {type(given).__name__}"
        )
    return {str(header): str(value) for header, value in given.items()}


def _header_value(name: str, value: str) -> str:
    """Return `value` when it may stand in a header; the error names the header and never shows the value."""
    if not _HEADER_NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot be the name of an HTTP header")
    if not _HEADER_VALUE.fullmatch(value):
        source = "the API key" if name == "Authorization" else f"the header {name!r}"
        raise ConfigError(
            f"{source} holds characters that HTTP does not allow, such as a line break; check how it is set"
        )
    return value
