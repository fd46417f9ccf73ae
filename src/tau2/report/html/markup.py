"""HTML that cannot be broken by what is put into it: text is escaped unless it is `Html` already."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from html import escape

from tau2.llm.secrets import REDACTED, redact
from tau2.report.safe_text import clean, shorten

_SECRET_NAME = re.compile(r"(?i)api_?key|access_?key|token|secret|passw|credential")
_SHORTEST_SECRET = 8
_IN_URL = re.compile(r"://[^/@\s:]+:[^/@\s]+@")

_VOID = frozenset({"br", "meta", "link", "input", "hr"})


class Html(str):
    """Markup, as opposed to text."""

    __slots__ = ()


def environment_secrets() -> tuple[str, ...]:
    """Return the values of environment variables that are named like credentials, longest first."""
    found = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    return tuple(
        sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)
    )


class Cleaner:
    """Makes text of models and files fit for a page: no control characters, no credentials, not without end."""

    def __init__(self, secrets: Iterable[str] | None = None) -> None:
        """Hide these texts; default: what the environment holds under the name of a credential."""
        self._secrets = tuple(environment_secrets() if secrets is None else secrets)

    def __call__(self, text: object, most: int | None = None) -> str:
        """Return the text as it may be shown, cut to `most` characters."""
        return shorten(self.hide(clean(text)), most)

    def hide(self, text: str) -> str:
        """Return the text without credentials, and otherwise as it is."""
        return _IN_URL.sub(f"://{REDACTED}@", redact(text, self._secrets))


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """Return an element. Text in it is escaped; `class_` is `class`, None leaves an attribute out, True has no value.

    Underscores in names of attributes stand for hyphens.
    """
    parts = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        parts.append(f" {label}" if value is True else f' {label}="{escape(str(value))}"')
    head = f"<{name}{''.join(parts)}>"
    return Html(head if name in _VOID else f"{head}{joined(content)}</{name}>")


def joined(content: Iterable[object]) -> Html:
    """Return everything one after another; None is nothing, text is escaped."""
    parts = [part for part in content if part is not None]
    return Html("".join(part if isinstance(part, Html) else escape(str(part)) for part in parts))
