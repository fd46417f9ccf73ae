"""Clean text for tables and panels: on one line, cut, and never read as markup."""

from __future__ import annotations

from rich.text import Text

from tau2.utils.terminal_text import clean
from tau2.utils.text import plural, shortened

__all__ = ["clean", "one_line", "plain", "shorten"]


def one_line(text: object, most: int = 100) -> str:
    """Return clean text on one line of at most `most` characters."""
    return shortened(" ".join(clean(text).split()), most)


def shorten(text: object, most: int | None) -> str:
    """Return clean text cut to `most` characters, with how many are left out; None cuts nothing."""
    whole = clean(text)
    if most is None or len(whole) <= most:
        return whole
    return f"{whole[:most]}… (+{plural(len(whole) - most, 'character')})"


def plain(text: object, style: str = "") -> Text:
    """Return clean text as rich Text, which is never read as markup."""
    return Text(clean(text), style=style)
