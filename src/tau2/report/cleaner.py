"""Cleaning of texts that are shown or handed on: no credentials, no control characters."""

from __future__ import annotations

from collections.abc import Iterable

from tau2.llm.secrets import redact, redactor_of, secrets_in_environment
from tau2.report.safe_text import clean
from tau2.utils.json_types import JsonValue
from tau2.utils.text import beginning_of


class Cleaner:
    """Takes control characters and credentials out of text, and limits its length."""

    def __init__(self, secrets: Iterable[str] | None = None) -> None:
        """Redact these secrets; default: those in the environment."""
        self._secrets = frozenset(secrets_in_environment() if secrets is None else secrets)

    def __call__(self, text: object, most: int | None = None) -> str:
        """Return the text as it may be shown, cut to `most` characters."""
        if most is None:
            return self.redact(clean(text))
        return beginning_of(str(text), most, lambda part: self.redact(clean(part)))

    def redact(self, text: str) -> str:
        """Return the text without credentials, and otherwise as it is."""
        return redact(text, self._secrets)

    def data(self, value: JsonValue) -> JsonValue:
        """Return JSON data without credentials: in texts and keys, and under names of secrets."""
        return redactor_of(self._secrets).data(value)
