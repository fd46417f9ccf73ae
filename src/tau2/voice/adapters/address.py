"""Addresses of voice providers: encrypted, unless they are on this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from tau2.errors import ConfigError

_SCHEMES = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}


def parts_of(address: str) -> SplitResult:
    """Return the parts of an address. Raise ConfigError for what is none."""
    try:
        parts = urlsplit(address.strip())
        _ = parts.port  # raises where it is no number
    except ValueError:
        # Without what was given: it may hold a password.
        raise ConfigError(
            "the address of a voice provider is not of the form wss://host:port/path"
        ) from None
    return parts


def websocket_address(address: str) -> str:
    """Return an address with a WebSocket's scheme.

    Raise ConfigError for one that is not encrypted and not on the loopback interface.
    """
    parts = parts_of(address)
    if parts.username is not None or parts.password is not None:
        raise ConfigError("an address of a voice provider must not contain credentials")
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None or not parts.hostname:
        raise ConfigError(f"{address!r} is no address of a WebSocket (wss://host/path)")
    if scheme == "ws" and not is_loopback(parts.hostname):
        raise ConfigError(
            f"the address of a voice provider must begin with wss://, because {parts.hostname} is "
            "not on this machine"
        )
    return parts._replace(scheme=scheme).geturl()


def is_loopback(host: str) -> bool:
    """Return whether a host name is this machine's loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
