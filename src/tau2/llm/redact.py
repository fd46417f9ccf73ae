"""Keeps credentials out of everything that is shown or stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "[redacted]"

PRIVATE_ARGS = frozenset(
    {
        "api_key",
        "api_base",
        "base_url",
        "extra_headers",
        "headers",
        "azure_ad_token",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "vertex_credentials",
    }
)
"""Arguments that say where and as whom, not what: no part of a request's identity."""

_PUBLIC_ARGS = frozenset({"api_base", "base_url"})
_SHORTEST_SECRET = 4  # hiding every "x" of a text because the key is "x" helps nobody
_PLACEHOLDERS = frozenset({"empty", "none", "null", "dummy", "test", "local", "fake", "token-abc123"})
_LOOKS_SECRET = re.compile(r"\b(?:sk|pk|rk|gsk|xai|AIza)[-_][\w*.\-]{6,}|(?i:bearer)\s+[\w.~+/=*\-]{6,}")
_PLAIN_HEADERS = frozenset({"accept", "content-type", "user-agent"})


def secrets_of(args: Mapping[str, Any], *more: str | None) -> tuple[str, ...]:
    """Return the texts of `args` (and `more`) that must never be shown, longest first."""
    found = [value for key, value in args.items() if key in PRIVATE_ARGS - _PUBLIC_ARGS and isinstance(value, str)]
    for name in ("extra_headers", "headers"):
        headers = args.get(name)
        if isinstance(headers, Mapping):
            found += [str(value) for key, value in headers.items() if str(key).lower() not in _PLAIN_HEADERS]
    found += [value for value in more if value]
    return tuple(sorted({text for text in found if _is_secret(text)}, key=len, reverse=True))


def _is_secret(text: str) -> bool:
    return len(text) >= _SHORTEST_SECRET and text.lower() not in _PLACEHOLDERS


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without the secrets and without anything that looks like a key."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _LOOKS_SECRET.sub(HIDDEN, text)


def redact_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return `llm_args` as they may be stored or shown: keys and headers hidden, the rest as it is."""
    return {key: HIDDEN if key in PRIVATE_ARGS - _PUBLIC_ARGS else value for key, value in args.items()}
