"""Which requests are answered, and the security headers of every answer."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping

from tau2.errors import needs_extra

with needs_extra("serve", "starlette"):
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.exceptions import HTTPException
    from starlette.responses import PlainTextResponse
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Guard:
    """ASGI middleware that passes on only requests from this site's own pages, below the token.

    The token is the first segment of the path. It becomes the `root_path` of the application.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Callable[[], Collection[str]]) -> None:
        """Protect `app`; `hosts` returns the accepted values of the Host header, in lower case."""
        self._app = app
        self._token = token
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it with 403 or 421."""
        if scope["type"] != "http":
            raise NotImplementedError(f"{scope['type']} is not served")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        answer: ASGIApp = self._app
        try:
            self._check(scope)
            scope = {**scope, "root_path": f"/{self._token}"}
        except HTTPException as refusal:
            answer = PlainTextResponse(f"{refusal.detail}\n", refusal.status_code)
        await answer(scope, receive, send_with_headers)

    def _check(self, scope: Scope) -> None:
        """Raise HTTPException for a foreign host, a wrong token or a request of another site."""
        headers = Headers(scope=scope)
        hosts = [value.lower() for value in headers.getlist("host")]
        # A foreign name that resolves to 127.0.0.1 (DNS rebinding) is in the Host header.
        if len(hosts) != 1 or hosts[0] not in self._hosts():
            raise HTTPException(421, "this host is not served here")
        given = scope["path"].split("/")[1]
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode()):
            raise HTTPException(
                403, "open the address that the command printed: it holds the key to these pages"
            )
        origin = headers.get("origin")
        if (
            scope["method"] == "POST"
            and origin is not None
            and origin.lower() != f"http://{hosts[0]}"
        ):
            raise HTTPException(403, "forms of other sites are not answered")
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise HTTPException(403, "requests of other sites are not answered")
