"""The server behind `tau2 start`: uvicorn on the loopback interface, behind a token."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from tau2.errors import ConfigError, needs_extra
from tau2.service.app import documentation_app
from tau2.serving.guard import Guard
from tau2.serving.limits import server_options

with needs_extra("serve", "uvicorn"):
    import uvicorn
    from starlette.types import ASGIApp

HOST = "127.0.0.1"
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # the address holds the token: no other site learns it
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TOKEN_BYTES = 24
_MOST_CONNECTIONS = 32  # a browser opens six


class _Server(uvicorn.Server):
    """A server that says when it has started."""

    on_started: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self.on_started is not None:
            self.on_started()


class LoopbackServer:
    """An application for one client on this machine, who knows the token.

    The port is bound when the object is made, so that `url` is valid before `run` is called.
    Use it as a context manager: leaving the block releases the port.
    """

    def __init__(
        self,
        app: ASGIApp,
        port: int = 0,
        token: str | None = None,
        body: Literal["form", "json"] = "form",
        place: Literal["path", "header"] = "path",
        *,
        has_websockets: bool = False,
        connections: int = _MOST_CONNECTIONS,
        **rules: Any,
    ) -> None:
        """Prepare to serve `app`, which reads bodies of one kind; port 0 is any free port.

        The token is asked for in the path, or in a header as of OpenAI's API. WebSockets need the
        package websockets. More than `connections` at a time are refused. `rules` are further ones
        of the Guard.

        Raises:
            ConfigError: The port cannot be used.
        """
        self.token = token or secrets.token_urlsafe(_TOKEN_BYTES)
        guarded = Guard(
            app, self.token, self._hosts, place=place, body=body, headers=SECURITY_HEADERS, **rules
        )
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            guarded,
            ws="websockets-sansio" if has_websockets else "none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            **server_options(connections),
        )
        self._server = _Server(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address that opens the pages; whoever has it may read them."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    def run(self, on_started: Callable[[], None] | None = None) -> None:
        """Answer requests until `stop` is called. Ctrl-C ends it with KeyboardInterrupt.

        `on_started` is called once requests are answered and Ctrl-C closes everything in order.
        """
        self._server.on_started = on_started
        serving = self._server.serve(sockets=[self._socket])
        try:
            asyncio.run(serving)
        finally:
            serving.close()  # Ctrl-C may come before the loop has started it

    def stop(self) -> None:
        """Have `run` return soon; may be called from another thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Release the port."""
        self._socket.close()

    def _hosts(self) -> list[str]:
        return [f"{HOST}:{self.port}", f"localhost:{self.port}"]


class DocServer(LoopbackServer):
    """The documentation of some domains, and the runs of a folder, for one reader."""

    def __init__(
        self,
        names: Sequence[str],
        port: int = 0,
        token: str | None = None,
        runs: Path | None = None,
    ) -> None:
        """Prepare pages of the domains `names` and of the runs in a folder.

        Port 0 is any free port; without a folder there are no pages of runs.

        Raises:
            UnknownName: A domain is not registered.
            ConfigError: The port cannot be used.
        """
        super().__init__(documentation_app(names, runs), port, token)


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as problem:
        raise ConfigError(
            f"port {port} cannot be used: {problem}; --port names another"
        ) from problem
