"""Text of models and files, made harmless for a terminal.

What a model says is data: it must neither move the cursor nor colour the screen, nor be read as
markup.
"""

from __future__ import annotations

import re

from rich.text import Text

from tau2.utils.text import plural, shortened

_ESCAPES = re.compile(
    # Operating system commands: titles, links, clipboard.
    r"\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?"
    # Control sequences: colours, cursor, screen.
    r"|(?:\x1b\[|\x9b)[0-9;:<=>?]{0,64}[ -/]{0,16}[@-~]?"
    r"|\x1b[ -/]{0,4}[0-~]?"  # other escapes
)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters but tab and line feed, marks that reorder or hide text, lone surrogates."""


def clean(text: object) -> str:
    """Return text without escape sequences and control characters; lines and tabs stay."""
    plain = str(text).replace("\r\n", "\n")
    return _CONTROLS.sub("", _ESCAPES.sub("", plain))


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
