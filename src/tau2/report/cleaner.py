"""Cleaning of texts that are shown or handed on: no credentials, no control characters."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from tau2.llm.secrets import REDACTED, redact
from tau2.report.safe_text import clean, shorten

_SECRET_NAME = re.compile(r"(?i)api_?key|access_?key|token|secret|passw|credential")
_SHORTEST_SECRET = 8
_IN_URL = re.compile(r"://[^/@\s:]+:[^/@\s]+@")


def environment_secrets() -> tuple[str, ...]:
    """Return the values of environment variables that are named like credentials, longest first."""
    found = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    return tuple(
        sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)
    )


class Cleaner:
    """Takes control characters and credentials out of text, and limits its length."""

    def __init__(self, secrets: Iterable[str] | None = None) -> None:
        """Redact these texts; default: what the environment holds under the name of a credential."""
        self._secrets = tuple(environment_secrets() if secrets is None else secrets)

    def __call__(self, text: object, most: int | None = None) -> str:
        """Return the text as it may be shown, cut to `most` characters."""
        return shorten(self.redact(clean(text)), most)

    def redact(self, text: str) -> str:
        """Return the text without credentials, and otherwise as it is."""
        return _IN_URL.sub(f"://{REDACTED}@", redact(text, self._secrets))
