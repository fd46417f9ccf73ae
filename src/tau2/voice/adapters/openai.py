"""Adapters of the providers that speak the Realtime protocol: OpenAI, xAI and Qwen.

Each takes its address from `base_url` of the run, else from an environment variable, else the
provider's own: any server that speaks the protocol can stand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from tau2.errors import ConfigError
from tau2.voice.adapters.address import parts_of
from tau2.voice.adapters.realtime import (
    OPENAI,
    QWEN,
    XAI,
    Dialect,
    RealtimeOptions,
    RealtimeTranslator,
    TurnDetection,
)
from tau2.voice.adapters.registry import AdapterContext, providers
from tau2.voice.adapters.session import WireAdapter
from tau2.voice.adapters.transport import WebSocketTransport
from tau2.voice.adapters.wire import Transport

_FORBIDDEN_IN_HEADERS = frozenset("\r\n\0")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider is reached."""

    address: str
    """The provider's own, without the path of the protocol."""
    address_variable: str
    key_variable: str
    path: str = "/realtime"

    def at(self, path: str) -> Place:
        """Return the same place with another path."""
        return replace(self, path=path)


OPENAI_PLACE = Place("wss://api.openai.com/v1", "OPENAI_REALTIME_BASE_URL", "OPENAI_API_KEY")
XAI_PLACE = Place("wss://api.x.ai/v1", "XAI_REALTIME_BASE_URL", "XAI_API_KEY")
QWEN_PLACE = Place(
    "wss://dashscope-intl.aliyuncs.com/api-ws/v1",
    "DASHSCOPE_REALTIME_BASE_URL",
    "DASHSCOPE_API_KEY",
)


def make_openai(context: AdapterContext) -> WireAdapter:
    """Return an adapter of OpenAI's Realtime sessions."""
    return make_realtime_adapter(context, OPENAI_PLACE, OPENAI)


def make_xai(context: AdapterContext) -> WireAdapter:
    """Return an adapter of xAI's voice sessions."""
    return make_realtime_adapter(context, XAI_PLACE, XAI)


def make_qwen(context: AdapterContext) -> WireAdapter:
    """Return an adapter of Qwen's omni realtime sessions."""
    detection = TurnDetection(silence_duration_ms=800)
    return make_realtime_adapter(context, QWEN_PLACE, QWEN, detection)


def make_realtime_adapter(
    context: AdapterContext,
    place: Place,
    dialect: Dialect,
    turn_detection: TurnDetection = TurnDetection(),  # noqa: B008  -- frozen
) -> WireAdapter:
    """Return an adapter of a provider that speaks the Realtime protocol.

    Raise ConfigError for an address or key that cannot be used.
    """
    config = context.config
    provider = providers.get(config.provider)
    options = RealtimeOptions(
        model=config.model or provider.default_model,
        voice=provider.default_voice,
        reasoning_effort=config.effective_reasoning_effort,
        turn_detection=turn_detection,
    )
    by_hand = turn_detection.kind == "manual"
    connected = transport_to(context, place, {"model": options.model})
    return WireAdapter(
        connected,
        lambda: RealtimeTranslator(options, dialect),
        silence_ms=turn_detection.silence_duration_ms if by_hand else None,
        sends_at_once=config.send_audio_instant,
        charges_minutes=not dialect.charges_tokens,
    )


class _Connected:
    """Makes connections to one place; what it holds is not shown."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._address = address
        self._headers = headers
        self()  # an address that cannot be used is told at once

    def __call__(self) -> Transport:
        return WebSocketTransport(self._address, self._headers)


def transport_to(
    context: AdapterContext, place: Place, query: Mapping[str, str] | None = None
) -> _Connected:
    """Return what makes connections to a provider.

    Raise ConfigError for an address or key that cannot be used.
    """
    base = context.config.base_url or context.environ.get(place.address_variable) or place.address
    return _Connected(
        address_of(base, place.path, query or {}),
        key_headers(context.environ.get(place.key_variable, ""), place.key_variable),
    )


def address_of(base: str, path: str, query: Mapping[str, str]) -> str:
    """Return an address with the path of a protocol, unless it has it already, and a query."""
    parts = parts_of(base)
    whole = parts.path.rstrip("/")
    if not whole.endswith(path):
        whole += path
    asked = {**query, **dict(parse_qsl(parts.query))}
    return parts._replace(path=whole, query=urlencode(asked)).geturl()


def key_headers(key: str, variable: str) -> dict[str, str]:
    """Return the headers that carry a key. Raise ConfigError for one that no header can hold."""
    stripped = key.strip()
    if not stripped:
        return {}
    if _FORBIDDEN_IN_HEADERS & set(stripped) or not stripped.isascii():
        raise ConfigError(f"the variable {variable} holds characters that no key has")
    return {"Authorization": f"Bearer {stripped}"}
