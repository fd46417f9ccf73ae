"""The proxy for an address, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.

The standard library reads the variables (and the system's settings on macOS and Windows). Both
clients are given the result, so that they agree: each of them reads NO_PROXY in its own way.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from tau2.errors import ConfigError

_SETTINGS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method")
_VARIABLES = tuple(spelling for name in _SETTINGS for spelling in (name, name.upper()))
_UNUSABLE = re.compile(r"[\s\x00-\x1f\x7f\\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def basic_authorization(parts: SplitResult) -> str:
    """Return the header value for the percent-encoded user and password in an address."""
    credentials = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    url: str
    """Without credentials."""
    authorization: str | None = field(default=None, repr=False)
    """The value of the Proxy-Authorization header; None for a proxy without credentials."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that are for the proxy alone."""
        return {} if self.authorization is None else {"Proxy-Authorization": self.authorization}


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for `url`, or None for a direct connection.

    Loopback addresses are always reached directly.

    Raises:
        ConfigError: The proxy's address is not usable.
    """
    if _is_on_this_machine(url):
        return None
    return _proxy_for(url, tuple(map(os.environ.get, _VARIABLES)))


@lru_cache(maxsize=256)
def _is_on_this_machine(url: str) -> bool:
    """Return whether an address is reached directly whatever the environment says."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _proxy_for(url: str, _environment: tuple[str | None, ...]) -> Proxy | None:
    """Do what `proxy_for` does; cached because `getproxies` reads the whole environment."""
    target = urlsplit(url)
    host = target.hostname or ""
    if _is_direct(host, target.port or _DEFAULT_PORTS[target.scheme]):
        return None
    proxies = getproxies()
    address = proxies.get(target.scheme) or proxies.get("all")
    return _parsed(address, target.scheme, host) if address else None


def _is_direct(host: str, port: int) -> bool:
    if proxy_bypass(host) or proxy_bypass(f"{host}:{port}"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return _is_in_bypassed_network(address)


def _is_in_bypassed_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether NO_PROXY holds a network such as 10.0.0.0/8 with this address."""
    for entry in getproxies().get("no", "").split(","):
        try:
            network = ipaddress.ip_network(entry.strip(), strict=False)
        except ValueError:
            continue
        if address in network:
            return True
    return False


def _parsed(address: str, scheme: str, host: str) -> Proxy:
    """Return the proxy at `address`; errors do not quote it because it may hold a password."""
    variable = f"{scheme.upper()}_PROXY or ALL_PROXY"
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        usable = bool(parts.hostname) and parts.port != 0 and not _UNUSABLE.search(parts.netloc)
        (parts.hostname or "").encode("idna")
    except ValueError:  # a port that is no number, unmatched brackets, a host that cannot be
        usable = False
    if not usable:
        raise ConfigError(
            f"{variable} must be an address such as http://proxy.example:3128; "
            "the one that is set is not"
        )
    if parts.scheme not in _DEFAULT_PORTS:
        raise ConfigError(
            f"{variable} names a proxy of kind {parts.scheme!r}, which is not supported; "
            f"use an http proxy or set NO_PROXY={host}"
        )
    location = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return Proxy(location)
    return Proxy(location, basic_authorization(parts))
