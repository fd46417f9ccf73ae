"""Text of models, files and strangers, made harmless for a terminal.

Such text is data: it must neither move the cursor, colour the screen or change its order, nor hide
a part of itself.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable

from tau2.utils import plain_data
from tau2.utils.json_types import JsonValue

_ESCAPES = re.compile(
    # Strings for the terminal with what they hold: titles, links, clipboard (OSC), device control
    # (DCS, SOS, PM, APC).
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    # Control sequences: colours, cursor, screen.
    r"|(?:\x1b\[|\x9b)[0-9;:<=>?]{0,64}[ -/]{0,16}[@-~]?"
    r"|\x1b[ -/]{0,4}[0-~]?"  # other escapes
)
_CONTROLS = re.compile(
    "["
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks that change the order of text
    r"\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff"  # characters without a width
    r"\U000e0001\U000e0020-\U000e007f"  # tags, without a width either
    r"\u2028\u2029"  # separators of lines and paragraphs
    r"\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # annotations, musical formatting
    r"\ud800-\udfff"  # halves of characters
    "]"
)


def clean(text: object) -> str:
    """Return text without escape sequences and control characters; lines and tabs stay."""
    plain = str(text).replace("\r\n", "\n")
    if plain.isascii() and plain.isprintable():
        return plain
    return _CONTROLS.sub("", _ESCAPES.sub("", plain))


def named(name: object) -> str:
    """Return a name as it is, or spelled as Python does where it holds what cannot be seen.

    So names stay on their line, and two that differ look different.
    """
    text = str(name)
    return text if text.isprintable() else repr(text)


def indented(text: str) -> str:
    """Return a message whose lines after the first are indented.

    So a line end in a name cannot begin what looks like another message.
    """
    return text.replace("\n", "\n  ")


def shell_word(word: object) -> str:
    """Return a word as a shell reads it, in characters that can be seen."""
    text = str(word)
    if text.isprintable():
        return shlex.quote(text)
    spelled = (
        char if char.isprintable() and char not in "'\\" else _spelled_byte_by_byte(char)
        for char in text
    )
    return f"$'{''.join(spelled)}'"


def shell_command(words: Iterable[object]) -> str:
    """Return words as a shell reads them."""
    return " ".join(map(shell_word, words))


def _spelled_byte_by_byte(char: str) -> str:
    # A byte that is no UTF-8 stands in names of files as one of these halves of characters.
    is_byte = "\udc80" <= char <= "\udcff"
    content = char.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in content)


def json_text(value: JsonValue, indent: int | None = 2) -> str:
    r"""Return a value as JSON of visible ASCII characters: a parser reads what the value holds.

    Numbers that JSON does not have are null, and other objects are text.
    """
    try:
        text = json.dumps(value, indent=indent, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = json.dumps(plain_data.clean(value, text=str), indent=indent)
    return text.replace("\x7f", r"\u007f")  # the one control character that `json` leaves
