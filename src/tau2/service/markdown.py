"""A policy's Markdown as HTML: headings, lists, emphasis and code; everything else is text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,3}[.)])\s+(.*)")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_CODE = re.compile(r"`([^`\n]+)`")


def as_html(text: str) -> str:
    """Return Markdown as HTML; tags in it stay text."""
    return "\n".join(_blocks(text.replace("\r\n", "\n").split("\n")))


def _blocks(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    items: list[tuple[int, str]] = []
    for line in [*lines, ""]:
        heading, item = _HEADING.fullmatch(line.strip()), _ITEM.fullmatch(line)
        if items and line.strip() and not heading and not item:
            items[-1] = (items[-1][0], f"{items[-1][1]} {line.strip()}")
            continue
        if (heading or item or not line.strip()) and paragraph:
            yield f"<p>{_inline(' '.join(paragraph))}</p>"
            paragraph = []
        if items and (heading or (not line.strip())):
            yield _list(items)
            items = []
        if heading:
            level = min(6, len(heading[1]) + 1)
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
        elif item:
            number = f"{item[2]} " if item[2][0].isdigit() else ""
            items.append((len(item[1]), number + item[3]))
        elif line.strip():
            paragraph.append(line.strip())


def _list(items: list[tuple[int, str]]) -> str:
    rows = "".join(
        f'<li class="deep{min(3, indent // 2)}">{_inline(text)}</li>' for indent, text in items
    )
    return f"<ul>{rows}</ul>"


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", _BOLD.sub(r"<b>\1</b>", escape(text)))
