"""How a cascade takes turns, and how long its parts take."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tau2.errors import ConfigError
from tau2.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class SpeechDetection:
    """When the user's speech begins and ends."""

    threshold: float = 0.5
    """The probability of speech from which on a frame is speech."""
    prefix_ms: float = 300.0
    """How much audio before the speech is recognized with it."""
    silence_ms: float = 500.0
    """After how much silence speech has ended."""
    onset_ms: float = 100.0
    """How long sound must last to be speech."""
    longest_seconds: float = 30.0
    """After how long speech is recognized although it goes on."""
    nearness_db: float | None = 14.0
    """How far below the user's loudest syllables a sound may be to count: what is quieter is said
    by people in the background. None hears everything."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long an agent takes from the end of a turn, or the last tool result, to its reply."""

    seconds: float = 0.6
    """The median."""
    spread: float = 0.0
    """Standard deviation of the logarithm: 0.5 puts two thirds between 0.6 and 1.65 medians."""

    def __post_init__(self) -> None:
        if self.seconds < 0 or self.spread < 0:
            raise ConfigError("a latency and its spread cannot be negative")

    def draw(self, seed: int, number: int) -> float:
        """Return the latency of reply `number` of a session, in seconds."""
        if not self.spread:
            return self.seconds
        own_seed = derive_seed(seed, "reply latency", number)
        generator = random.Random(own_seed)  # noqa: S311  -- no secret
        return self.seconds * generator.lognormvariate(0.0, self.spread)


@dataclass(frozen=True, slots=True)
class TurnWords:
    """What tells turns apart in one language; all words in lower case, without punctuation."""

    backchannels: frozenset[str] = frozenset(
        {
            *("ah", "aha", "ahem", "hm", "hmm", "huh", "m", "mhm", "mm", "mmhm", "mmhmm", "mm hmm"),
            *("mm hm", "mom"),  # what recognizers make of "mm-hmm"
            *("oh", "uh", "uh huh", "uhhuh", "uhhum", "um", "yeah", "yep", "right", "ok", "okay"),
            *("got it", "i see", "sure", "alright", "all right", "right right", "okay okay"),
        }
    )
    """Said while the agent talks, they ask for nothing; vocal tics among them."""
    openings: frozenset[str] = frozenset(
        {
            *("a", "about", "also", "an", "and", "as", "at", "because", "but", "for", "from", "i"),
            *("if", "in", "is", "it's", "like", "my", "of", "on", "or", "so", "than", "that"),
            *("the", "then", "to", "uh", "um", "with"),
        }
    )
    """A turn that ends with one of them goes on."""
    symbols: frozenset[str] = frozenset(
        {
            *("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight"),
            *("nine", "dash", "hyphen", "dot", "at", "underscore", "double", "triple"),
        }
    )
    """What ids are spelled with, beside single letters and digits."""


@dataclass(frozen=True, slots=True)
class CascadeSettings:
    """Everything about a cascade but its engines and its agent."""

    detection: SpeechDetection = field(default_factory=SpeechDetection)
    latency: Latency = field(default_factory=Latency)
    merge_ms: float = 200.0
    """How long after the end of speech it may go on as the same turn."""
    patience_ms: float = 1000.0
    """The same, where the words so far do not end a turn: "my id is", "w two three"."""
    barge_in_ms: float = 600.0
    """How long the user must talk over the agent to stop it."""
    words: TurnWords = field(default_factory=TurnWords)
