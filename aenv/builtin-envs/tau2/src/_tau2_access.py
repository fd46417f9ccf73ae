"""Who may call the server, and at which address it listens.

AEnvironment's server has no authentication and listens on every interface unless it is told
otherwise. `protect` gives it a token, a loopback address, and the guard of tau2's own servers.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tau2.errors import ConfigError
from tau2.serving.guard import LOOPBACK_NAMES, Application, Guard, Receive, Scope, Send
from tau2.serving.limits import server_options

logger = logging.getLogger("tau2.aenv")

_LOOPBACK = "127.0.0.1"
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  -- compared with, not listened on
_HEALTH = "/health"
_SHORTEST_TOKEN = 16
_TOKEN_BYTES = 24
_MOST_CONNECTIONS = 64
_UNSET = frozenset({"", "none", "null"})

Health = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Access:
    """The address of the server, and what a request must show."""

    token: str = field(repr=False)
    host: str = _LOOPBACK
    allowed_hosts: tuple[str, ...] = ()
    """Further values of the Host header; `*` allows every one."""

    @classmethod
    def from_env(cls, variables: Mapping[str, str]) -> Access:
        """Return what the variables say; a token that nobody named is made and kept for the user.

        Raise ConfigError for a token that is too short, and where none can be kept.
        """
        token, host, hosts = (
            text if (text := variables.get(name, "").strip()).lower() not in _UNSET else ""
            for name in ("TAU2_SERVER_TOKEN", "TAU2_SERVER_HOST", "TAU2_SERVER_ALLOWED_HOSTS")
        )
        if token and len(token) < _SHORTEST_TOKEN:
            raise ConfigError(f"TAU2_SERVER_TOKEN has fewer than {_SHORTEST_TOKEN} characters")
        allowed = tuple(name.strip().lower() for name in hosts.split(",") if name.strip())
        return cls(token or _kept_token(variables), host or _LOOPBACK, allowed)

    def hosts(self) -> tuple[str, ...]:
        """Return the accepted values of the Host header."""
        own = () if self.host in _EVERY_ADDRESS else (self.host.lower(),)
        return (*LOOPBACK_NAMES, *own, *self.allowed_hosts)

    def address(self, asked: str | None) -> str:
        """Return where to listen; `--host` counts only among loopback addresses.

        AEnvironment passes every interface where nobody named one.
        """
        if asked is None or asked == self.host:
            return self.host
        if self.host == _LOOPBACK and _is_loopback(asked):
            return asked
        logger.warning("listening on %s: TAU2_SERVER_HOST says so, not --host", self.host)
        return self.host


def guarded(app: Application, access: Access) -> Guard:
    """Return an application that answers only who may call it."""
    return Guard(app, access.token, access.hosts, place="header", open_paths=(_HEALTH,))


def protect(server: Any, access: Access, health: Health) -> None:
    """Have FastMCP's server listen where it may, behind the guard.

    Raise ConfigError for a FastMCP that cannot be protected.
    """
    make_app, run = (getattr(server, name, None) for name in ("http_app", "run_http_async"))
    if not callable(make_app) or not callable(run):
        raise ConfigError("this version of fastmcp cannot be served behind a token")

    def protected_app(*args: Any, middleware: Any = None, **options: Any) -> Any:
        from starlette.middleware import Middleware  # noqa: PLC0415  -- FastMCP brings it

        rules = {"place": "header", "open_paths": (_HEALTH,)}
        guard: Any = Middleware(Guard, token=access.token, hosts=access.hosts, **rules)
        outer = [guard, Middleware(_HealthFirst, health=health), *(middleware or ())]
        return make_app(*args, middleware=outer, **options)

    async def run_protected(
        *args: Any, host: str | None = None, uvicorn_config: Any = None, **options: Any
    ) -> None:
        limits = {**(uvicorn_config or {}), **server_options(_MOST_CONNECTIONS)}
        await run(*args, host=access.address(host), uvicorn_config=limits, **options)

    server.http_app = protected_app
    server.run_http_async = run_protected


@dataclass(frozen=True, slots=True)
class _HealthFirst:
    """Answers `/health` itself: AEnvironment's own answer asks the server without its token."""

    app: Application
    health: Health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["path"], scope["method"]) != (_HEALTH, "GET"):
            await self.app(scope, receive, send)
            return
        body = json.dumps({"success": True, "data": await self.health()}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _kept_token(variables: Mapping[str, str]) -> str:
    """Return a new token, kept in a file that only this user reads.

    The example's agent looks for it there, so that both work together on one machine.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    file = token_file(variables)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
            kept.write(token)
    except OSError as problem:
        raise ConfigError(
            f"no token can be kept ({problem}); name one with TAU2_SERVER_TOKEN"
        ) from problem
    return token


def token_file(variables: Mapping[str, str]) -> Path:
    """Return where a token is kept that nobody named."""
    folder = variables.get("XDG_RUNTIME_DIR")
    return (Path(folder) if folder else Path.home() / ".cache") / "tau2" / "aenv-server-token"
