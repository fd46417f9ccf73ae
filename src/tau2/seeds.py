"""Seeds and ids are derived: the same base and scope give the same ones in every process."""

from __future__ import annotations

import hashlib


def derive_seed(base: int, *scope: object) -> int:
    """Return a 32-bit seed: the first four bytes of SHA-256 over `base` and `scope`."""
    text = "\x1f".join((str(base), *(str(part) for part in scope)))
    return int.from_bytes(hashlib.sha256(_bytes_of(text)).digest()[:4], "big")


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # names may hold halves of characters


_CALL_ID_LENGTH = 9  # letters and digits; Mistral accepts no other id
_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def made_call_id(*scope: object) -> str:
    """Return an id for a tool call that every provider accepts: nine letters and digits."""
    text = "\x1f".join(map(str, scope))
    number = int.from_bytes(hashlib.sha256(_bytes_of(text)).digest()[:8], "big")
    characters = []
    for _ in range(_CALL_ID_LENGTH):
        number, place = divmod(number, len(_ID_ALPHABET))
        characters.append(_ID_ALPHABET[place])
    return "".join(characters)


def numbered_call_id(turn: int, number: int = 0, clash: int = 0) -> str:
    """Return the id of call `number` of a turn, as `made_call_id` does, but legible.

    Args:
        turn: Counts the turns of an episode.
        number: Counts the calls of the turn.
        clash: How many ids of the same call were taken already.
    """
    legible = f"call{turn:03d}{number:02d}"
    return made_call_id(turn, number, clash) if clash or len(legible) > _CALL_ID_LENGTH else legible


HIGHEST_SENT_SEED = 2**31 - 1
"""Gemini and others hold a seed in 32 bits with a sign."""


def sent_seed(seed: int) -> int:
    """Return a seed as it is sent to a model: folded into what every provider accepts.

    Applied where a request leaves, so that stored seeds, and everything derived from them, stay
    what they are.
    """
    return (
        seed if -HIGHEST_SENT_SEED <= seed <= HIGHEST_SENT_SEED else seed % (HIGHEST_SENT_SEED + 1)
    )
