"""A browser without a socket: it asks the application directly, and knows the token."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx

from tau2.service.app import documentation_app
from tau2.service.server import SECURITY_HEADERS
from tau2.serving.guard import Guard

HOST = "127.0.0.1:8000"
TOKEN = "secret"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Browser:
    """Opens pages and sends forms; what the server refuses is an answer too."""

    def __init__(self, names: Sequence[str], runs: Path | None = None) -> None:
        self.app = documentation_app(names, runs)
        self.guarded = Guard(
            self.app, TOKEN, hosts=lambda: [HOST], body="form", headers=SECURITY_HEADERS
        )

    def get(self, *parts: str, **query: str) -> httpx.Response:
        return self.send("GET", parts, params=query)

    def post(self, *parts: str, **form: str) -> httpx.Response:
        return self.send("POST", parts, content=urlencode(form), headers=FORM)

    def send(
        self, method: str, parts: Sequence[str] = (), *, token: str = TOKEN, **options
    ) -> httpx.Response:
        path = "/".join(quote(part, safe="") for part in (token, *parts))

        async def sending() -> httpx.Response:
            transport = httpx.ASGITransport(self.guarded, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, f"/{path}" + ("" if parts else "/"), **options)

        return asyncio.run(sending())
