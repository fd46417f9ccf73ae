"""The Jinja2 environment of the pages: everything is escaped, and a missing name is an error."""

from __future__ import annotations

import json
from typing import Any

from tau2.environment.diff import Missing
from tau2.errors import needs_extra
from tau2.report.terminal.domain_page import signature
from tau2.service.tool_form import PREFIX

with needs_extra("serve", "markdown_it"):
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_MOST_TEXT = 200_000  # characters of one tool result on a page
_LINKED = ("http://", "https://", "mailto:", "#")
_MOST_BRACKETS = 500
_MOST_MARKS = 4_000
_MARKS = "[*_`\\|"
"""Characters for which the Markdown parser searches the rest of a text."""


def new_environment() -> Environment:
    """Return an environment with the templates of this package and the filters they use."""
    environment = Environment(
        loader=PackageLoader(__package__ or "tau2.service"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["PREFIX"] = PREFIX
    environment.filters["markdown"] = as_html
    environment.filters["json"] = _json
    environment.filters["pretty"] = _pretty
    environment.filters["typed"] = _typed
    environment.filters["signature"] = signature
    environment.tests["missing"] = lambda value: value is Missing.VALUE
    return environment


def as_html(text: str) -> Markup:
    """Return Markdown as HTML.

    Tags in it stay text, images are not shown, and only web and mail addresses become links. A text
    with more marks than any that was written to be read stays as it is: its Markdown could take
    minutes.
    """
    if text.count("[") > _MOST_BRACKETS or sum(map(text.count, _MARKS)) > _MOST_MARKS:
        return Markup("<pre>{}</pre>").format(text)
    html: str = _MARKDOWN.render(text)
    return Markup(html)  # noqa: S704  -- markdown-it escapes text; HTML in Markdown is off


class _Markdown(MarkdownIt):
    """Markdown in which nothing but text and safe links can be written."""

    def __init__(self) -> None:
        super().__init__("js-default", {"html": False, "linkify": False})
        # Policies and docstrings are indented for other reasons than to show code.
        self.disable(["image", "code"])
        self.core.ruler.push("lower_headings", _lower_headings)

    def validateLink(self, url: str) -> bool:  # noqa: N802  -- the name that markdown-it calls
        return url.lower().startswith(_LINKED)


def _lower_headings(state: StateCore) -> None:
    """Move headings one level down: the page has a first-level heading of its own."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"


_MARKDOWN = _Markdown()


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)


def _pretty(text: str | None) -> str:
    """Return JSON with one value per line and other text as it is, cut to what a page can show."""
    shown = text or ""
    if shown.startswith(("{", "[")):
        try:
            shown = _json(json.loads(shown), indent=2)
        except (ValueError, RecursionError):
            shown = text or ""
    return shown[:_MOST_TEXT]


def _typed(arguments: dict[str, Any]) -> dict[str, str]:
    """Return the arguments of a call as a user would type them into the form of the tool."""
    return {
        PREFIX + name: value if isinstance(value, str) else _json(value)
        for name, value in arguments.items()
    }
