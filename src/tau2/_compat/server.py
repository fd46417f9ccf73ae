"""The original's `EnvironmentServer`: the tools of one environment, called over HTTP.

`tau2 start` serves the documentation website; this is for programs that post tool calls.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from tau2.environment.environment import Environment
from tau2.environment.tool import ToolResult
from tau2.errors import ConfigError, needs_extra
from tau2.service.server import LoopbackServer

with needs_extra("serve", "starlette"):
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

logger = logging.getLogger(__name__)

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

HOST = "127.0.0.1"
_TOKEN_BYTES = 24


class EnvironmentServer:
    """Serves `POST /tools/NAME` and `POST /user_tools/NAME` with a JSON object of arguments.

    Attributes:
        app: The ASGI application, without a guard; for use inside the process.
        token: What every address begins with when `run` serves it.
    """

    def __init__(self, environment: Environment) -> None:
        """Serve the tools of `environment`, which the calls change."""
        self.environment = environment
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        routes = [Route("/", self._policy)]
        for path, toolkit, use in (
            ("tools", environment.tools, environment.use_tool),
            ("user_tools", environment.user_tools, environment.use_user_tool),
        ):
            if toolkit is not None:
                endpoint = partial(_call, environment, use)
                routes.append(Route(f"/{path}/{{name}}", _named(endpoint), methods=["POST"]))
        self.app = Starlette(routes=routes)

    async def _policy(self, _request: Request) -> Response:
        return PlainTextResponse(self.environment.get_policy())

    def run(self, host: str = HOST, port: int = 8004) -> None:
        """Serve on this machine, below `/TOKEN/`, until Ctrl-C; the address is logged.

        Raise ConfigError for an address that other machines reach, and for a port in use.
        """
        if host not in {HOST, "localhost"}:
            raise ConfigError(f"tools are served on {HOST} only, not on {host}")
        with LoopbackServer(self.app, port, self.token, body="json") as server:
            logger.warning("tools of %s: %s", self.environment.domain_name, server.url)
            server.run()


def _named(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        return await endpoint(request)

    return answer


async def _call(
    environment: Environment, use: Callable[..., ToolResult], request: Request
) -> Response:
    """Call a tool; whatever goes wrong is a 400 with its reason."""
    try:
        arguments = await request.json() if await request.body() else {}
        if not isinstance(arguments, dict):
            raise TypeError("the arguments are a JSON object")
        result = use(request.path_params["name"], **arguments)
        environment.sync_tools()
        text = environment.to_json_str(result)
    except Exception as problem:  # a domain's tool may raise anything; the caller is told
        logger.debug("tool call over HTTP failed", exc_info=True)
        return JSONResponse({"detail": str(problem)}, status_code=400)
    if isinstance(result, str):
        return JSONResponse(result)
    return Response(text, media_type="application/json")
