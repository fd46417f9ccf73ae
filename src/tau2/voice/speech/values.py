"""Values in recognized text: whether one was heard, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from tau2.voice.speech.pieces import Kind, Piece, is_pause, merged, pieces_of

_MOST_PIECES = 16
"""Into which a recognizer breaks one value."""
SIGNED = re.compile(r"(?<!\w)#[A-Z]{1,3}(?![A-Za-z])")
"""What ids begin with that have a sign in front."""
_ESCAPED = re.compile(r"\\(.)|(.)", re.DOTALL)


def key_of(value: str) -> str:
    """Return what of a value is heard: its letters and digits, in lower case."""
    return "".join(c for c in value.casefold() if c.isalnum())


def contains_value(text: str, value: str) -> bool:
    """Return whether `value` is in `text`, whatever its signs, spaces and capital letters."""
    key = key_of(value)
    if not key:
        return False
    keys = [key_of(piece.core) for piece in pieces_of(text)]
    return any(_window(keys, start, key) is not None for start in range(len(keys)))


def _window(keys: Sequence[str], start: int, key: str) -> int | None:
    """Return the index behind the keys that are `key` together; None where they are not."""
    together = ""
    for end in range(start, min(len(keys), start + _MOST_PIECES)):
        together += keys[end]
        if not key.startswith(together):
            return None
        if together == key and keys[start]:
            return end + 1
    return None


def with_known(pieces: Sequence[Piece], known: Sequence[str]) -> list[Piece]:
    """Write known values as they are known."""
    by_key = {key: value for value in known if (key := key_of(value))}
    if not by_key:
        return list(pieces)
    longest = max(map(len, by_key))
    result: list[Piece] = []
    at = 0
    while at < len(pieces):
        found = next(
            ((end, by_key[key]) for end, key in _keys(pieces, at, longest) if key in by_key), None
        )
        if found is None:
            result.append(pieces[at])
            at += 1
        else:
            end, value = found
            result.append(merged(pieces[at:end], value, Kind.VALUE))
            at = end
    return result


def _keys(pieces: Sequence[Piece], start: int, longest: int) -> Iterator[tuple[int, str]]:
    """Yield, longest first, the ends and keys of the pieces from `start` on."""
    found = []
    together = ""
    for at in range(start, min(len(pieces), start + _MOST_PIECES)):
        if at > start and not is_pause(pieces[at - 1], pieces[at]):
            break
        together += key_of(pieces[at].core)
        if len(together) > longest:
            break
        found.append((at + 1, together))
    yield from reversed(found)


def with_masks(pieces: Sequence[Piece], masks: Sequence[str]) -> list[Piece]:
    """Write what has the characters of a mask as the mask says."""
    result = list(pieces)
    for mask in masks:
        form, characters = _compiled(mask)
        result = _with_mask(result, form, characters)
    return result


def _with_mask(
    pieces: Sequence[Piece], form: re.Pattern[str], characters: Sequence[str]
) -> list[Piece]:
    longest = sum(character == "" or character.isalnum() for character in characters)
    result: list[Piece] = []
    at = 0
    while at < len(pieces):
        end = next(
            (
                end
                for end, key in _keys(pieces, at, longest)
                if form.fullmatch(key) and any(p.kind is not Kind.VALUE for p in pieces[at:end])
            ),
            None,
        )
        if end is None:
            result.append(pieces[at])
            at += 1
            continue
        key = "".join(key_of(piece.core) for piece in pieces[at:end])
        result.append(merged(pieces[at:end], _filled(characters, key), Kind.VALUE))
        at = end
    return result


def _filled(characters: Sequence[str], key: str) -> str:
    """Return a mask with the characters that were heard."""
    heard = iter(key.upper())
    text = ""
    for character in characters:
        is_heard = not character or character.isalnum()
        said = next(heard) if is_heard else ""
        text += character or said
    return text


@lru_cache(maxsize=256)
def _compiled(mask: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return what the key of a value must be, and the characters that are fixed ("" for others)."""
    classes = {"9": r"\d", "A": "[a-z]", "*": "[a-z0-9]"}
    form = ""
    characters = []
    for escaped, plain in _ESCAPED.findall(mask):
        if plain in classes:
            form += classes[plain]
            characters.append("")
        else:
            literal = escaped or plain
            form += re.escape(literal.casefold()) if literal.isalnum() else ""
            characters.append(literal)
    return re.compile(form), tuple(characters)
