"""Text that any file and any wire takes."""

from __future__ import annotations


def clean_text(text: str) -> str:
    """Return `text` without lone surrogates, which no file or wire accepts."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shortened(text: str, most: int) -> str:
    """Return `text`, cut to `most` characters with an ellipsis at the end."""
    return text if len(text) <= most else text[: most - 1] + "…"
