"""Cleaning of texts that are shown or handed on: no credentials, no control characters."""

from __future__ import annotations

from collections.abc import Iterable

from tau2.llm.secrets import redact, secrets_in_environment
from tau2.report.safe_text import clean, shorten


class Cleaner:
    """Takes control characters and credentials out of text, and limits its length."""

    def __init__(self, secrets: Iterable[str] | None = None) -> None:
        """Redact these secrets; default: those in the environment."""
        self._secrets = frozenset(secrets_in_environment() if secrets is None else secrets)

    def __call__(self, text: object, most: int | None = None) -> str:
        """Return the text as it may be shown, cut to `most` characters."""
        return shorten(self.redact(clean(text)), most)

    def redact(self, text: str) -> str:
        """Return the text without credentials, and otherwise as it is."""
        return redact(text, self._secrets)
