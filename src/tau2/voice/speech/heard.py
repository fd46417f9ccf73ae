"""What a recognizer understood, in written form: the inverse of `spoken`.

Recognizers write an id as they please: "W, 9164527", "w two three seven …", "W-237-8156". `heard`
puts together what was spelled, addresses with their spoken signs, amounts and dates; the rest of
the text remains as it is.

Nothing is invented. What an id must look like can be said by masks, and which ids there are by
known values; both only decide how characters that were heard are written.
"""

from __future__ import annotations

from collections.abc import Sequence

from tau2.voice.speech.addresses import with_addresses
from tau2.voice.speech.language import spoken_language
from tau2.voice.speech.pieces import joined, pieces_of
from tau2.voice.speech.quantities import with_amounts, with_dates, with_numbers
from tau2.voice.speech.runs import with_runs
from tau2.voice.speech.values import SIGNED, with_known, with_masks

_DIGITS_OF_IDS = range(4, 11)
LONGEST = 20_000
"""Characters of a text that is looked into; no utterance is as long."""


def heard(
    text: str,
    *,
    masks: Sequence[str] = (),
    known: Sequence[str] = (),
    language: str = "en",
) -> str:
    """Return recognized text in written form.

    Args:
        text: What a recognizer understood.
        masks: What ids look like: 9 stands for a digit, A for a letter, * for either, and every
            other character for itself, as in "#W9999999". Where a character is W, A, 9 or * itself,
            a backslash precedes it.
        known: Values that there are. One that was heard, whatever its signs and capital letters, is
            written as it is known.
        language: The code of a known language.
    """
    if len(text) > LONGEST:
        return text
    words = spoken_language(language)
    pieces = pieces_of(text)
    pieces = with_dates(pieces, words)
    pieces = with_amounts(pieces, words)
    pieces = with_runs(pieces, words)
    pieces = with_addresses(pieces, words)
    pieces = with_numbers(pieces, words)
    pieces = with_masks(pieces, masks)
    return joined(with_known(pieces, known))


def masked(text: str, masks: Sequence[str]) -> str:
    """Return written text with ids as masks say; see `heard`."""
    if not masks or len(text) > LONGEST:
        return text
    return joined(with_masks(pieces_of(text), masks))


def masks_in(text: str) -> list[str]:
    """Return masks of the ids that `text`, a policy or a tool's description, shows the signs of.

    Nobody says the "#" of "#W9164527"; a tool whose description mentions "#W" wants it.
    """
    prefixes = dict.fromkeys(SIGNED.findall(text))
    return [
        prefix.replace("A", r"\A") + "9" * digits
        for prefix in prefixes
        for digits in _DIGITS_OF_IDS
    ]
