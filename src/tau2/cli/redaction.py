"""What a command prints, without secrets: the last door, whatever the text comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tau2.llm.secrets import Redactor
    from tau2.utils.json_types import JsonMapping


class PrintedRedactor:
    """Knows the secrets in the environment, on the command line, and in what it is shown.

    The environment is read when something is printed for the first time.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._settings: list[JsonMapping] = [{"arguments": list(arguments)}]
        self._redactor: Redactor | None = None

    def learn(self, settings: JsonMapping) -> None:
        """Know the secrets in these settings from now on."""
        self._settings.append(settings)
        self._redactor = None

    def output(self, text: str) -> str:
        """Return text for standard output: data stays as it is, but for known secrets."""
        return self._known().known(text)

    def errors(self, text: str) -> str:
        """Return text for standard error, also without what looks like a secret."""
        return self._known().cut_text(text)

    def _known(self) -> Redactor:
        if self._redactor is None:
            from tau2.llm.secrets import redactor_of, secrets_in_args, secrets_in_environment

            found = secrets_in_environment().union(*map(secrets_in_args, self._settings))
            self._redactor = redactor_of(found)
        return self._redactor
