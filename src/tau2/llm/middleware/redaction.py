"""Middleware that takes the run's own secrets out of what servers and models say.

A backend redacts the key it calls with; but a server may quote another one, and a model may repeat
what it was given. As the innermost middleware, this one redacts all of them, so that no transcript,
database, log or recording can hold them, and a conversation is the same wherever it is read. Only
secrets that are known (from the environment, or from the arguments of a model) are redacted here.
What merely looks like a key may be part of a task; changing it would change what is measured.
"""

from __future__ import annotations

from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import Redactor
from tau2.utils.plain_data import clean


class RedactionMiddleware:
    """Redacts known secrets in responses and failures; belongs innermost."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Send, and redact what comes back."""
        try:
            response = yield from send(request)
        except CallFailed as failure:
            failure.redact(self._redactor.secrets)
            raise
        if self._redactor.secrets:
            response = clean(response, self._redactor.conversation)
        return response
