"""Small tools for texts: surrogates, lengths, numbers with their nouns."""

from __future__ import annotations

from collections.abc import Iterable


def clean_text(text: str) -> str:
    """Return `text` without lone surrogates, which no file or wire accepts."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shortened(text: str, most: int) -> str:
    """Return `text`, cut to `most` characters with an ellipsis at the end."""
    return text if len(text) <= most else text[: most - 1] + "…"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun: "1 task", "1,200 tasks". The plural is formed with an "s"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first_of(items: Iterable[str], most: int, separator: str = ", ") -> str:
    """Return the first `most` items in one text, and how many more there are."""
    names = list(items)
    more = f" (+{len(names) - most:,} more)" if len(names) > most else ""
    return separator.join(names[:most]) + more
