"""Takes a run's own secrets out of what servers and models say, before anybody hears it.

A backend hides the key it asks with; but a server may quote another one, and a model may repeat what it was given.
The innermost layer hides all of them: then no transcript, database, log or tape can hold them, and a conversation is
the same wherever it is read. Only secrets that are known (in the environment, or in the arguments of a model) are
hidden here. What merely looks like a key may be part of a task; changing it would change what is measured.
"""

from __future__ import annotations

from tau2.llm.failure import CallFailed
from tau2.llm.middleware import NextSend
from tau2.llm.request import Flow, Request, Response
from tau2.llm.secrets import Redactor
from tau2.llm.text import clean

_SHORTEST = 12  # characters; a shorter "key" may be a word or a number that a conversation needs


class RedactionMiddleware:
    """Hides secrets in answers and failures; `around` is installed as the innermost layer of a run."""

    def __init__(self, redactor: Redactor) -> None:
        self._spellings = tuple(text for text in redactor.spellings if len(text) >= _SHORTEST)

    def middleware(self, request: Request, send: NextSend) -> Flow[Response]:
        """Send, and hide."""
        try:
            response = yield from send(request)
        except CallFailed as failure:
            failure.hide(self._spellings)
            raise
        hidden: Response = clean(response, self._spellings) if self._spellings else response
        return hidden
