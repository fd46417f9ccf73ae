"""How much one call of a speech engine may be given."""

from __future__ import annotations

from tau2.errors import SpeechFailed
from tau2.voice.audio.formats import Samples

MOST_CHARACTERS = 5_000
"""Of one utterance; it would take five minutes to say."""

MOST_SECONDS = 600
"""Of one utterance that is recognized."""


def checked_text(text: str) -> str:
    """Return what can be spoken of `text`: without control characters, in single spaces.

    Raises:
        SpeechFailed: It is longer than any utterance.
    """
    if len(text) > MOST_CHARACTERS:
        raise SpeechFailed(
            f"an utterance has at most {MOST_CHARACTERS:,} characters, this one {len(text):,}"
        )
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())


def checked_seconds(samples: Samples, sample_rate: int) -> float:
    """Return how long `samples` last. Raise SpeechFailed where no utterance is as long."""
    if sample_rate <= 0:
        raise SpeechFailed(f"a sample rate is a positive number of Hz, not {sample_rate}")
    seconds = len(samples) / sample_rate
    if seconds > MOST_SECONDS:
        raise SpeechFailed(
            f"an utterance lasts at most {MOST_SECONDS} s, this one {seconds:,.0f} s"
        )
    return seconds
