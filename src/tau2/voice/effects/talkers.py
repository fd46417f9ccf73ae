"""People who talk in the background: by a synthesizer, or without one as noise with a rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tau2.errors import needs_extra
from tau2.seeds import derive_seed
from tau2.voice.audio.levels import active_speech_level, at_level
from tau2.voice.audio.resample import resample
from tau2.voice.effects.coloured import add_around, between, movement, noise, speech_shaped
from tau2.voice.speech.protocols import Speech, Synthesizer, Voice

with needs_extra("voice", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

SENTENCES = (
    "We should leave before the shops close on Saturday.",
    "She told me the new kitchen will be ready in about three weeks.",
    "Did you ever find out who left the window open last night?",
    "I think the blue one looks better, but it costs a little more.",
    "They moved the meeting again, so lunch will have to wait.",
    "My brother is bringing the children over in the afternoon.",
    "You can put the boxes next to the door, thank you.",
    "The train was late, and then it stood between two stations.",
    "No, the other one, with the long handle.",
    "It rained the whole week, so we stayed inside and played cards.",
    "He says the soup needs salt, and he may be right about it.",
    "Remember to call your aunt, it is her birthday tomorrow.",
)
"""What they say, in English; give others for other languages."""

NEWS = (
    "Good evening. Here are the main stories of the day.",
    "The city council voted tonight to widen the bridge across the harbor.",
    "Temperatures will fall towards the weekend, with light rain in the north.",
    "In sports, the home team won its third match in a row.",
    "The museum opens its new wing to the public next month.",
    "Traffic on the ring road is slow after an accident early this morning.",
)
"""What a newsreader says."""

_TALKER_LEVEL = -26.0  # dBov; each talker of a group is as loud as the others
_SILENT_BELOW = -0.7  # of a movement with an RMS of 1: a quarter of the time
_MOST_VOICES = 2  # of a synthesizer: a real one takes a second of CPU for a voice's sentences
_MOST_SENTENCES = 1000  # of a loop, also where a synthesizer returns next to nothing
_MOST_KEPT = 200  # sentences of some seconds
_PAUSE = 0.4  # seconds between two sentences of a talker


def talker(
    count: int,
    sample_rate: int,
    seed: int,
    *,
    synthesizer: Synthesizer | None = None,
    sentences: Sequence[str] = SENTENCES,
    number: int = 0,
) -> Samples:
    """Return a loop of one person who talks, at an active speech level of -26 dBov.

    Args:
        count: The samples of the loop.
        sample_rate: In Hz.
        seed: What is said, in which voice.
        synthesizer: Who speaks; None: noise with the spectrum and the rhythm of speech.
        sentences: What may be said.
        number: Which talker of a group it is; each has another voice.
    """
    rng = np.random.default_rng(derive_seed(seed, "talker", number))
    if synthesizer is None:
        loop = _rhythmic_noise(count, sample_rate, rng)
    else:
        loop = _synthesized(count, sample_rate, rng, synthesizer, sentences, number)
    return at_level(loop, active_speech_level(loop, sample_rate).level, _TALKER_LEVEL)


def babble(
    count: int,
    sample_rate: int,
    seed: int,
    *,
    synthesizer: Synthesizer | None = None,
    talkers: int = 8,
    sentences: Sequence[str] = SENTENCES,
) -> Samples:
    """Return a loop of several people who talk at once; for the arguments see `talker`."""
    voices = [
        talker(
            count,
            sample_rate,
            seed,
            synthesizer=synthesizer,
            sentences=sentences,
            number=number,
        )
        for number in range(talkers)
    ]
    return np.asarray(np.sum(voices, axis=0), np.float32)


def _synthesized(
    count: int,
    sample_rate: int,
    rng: np.random.Generator,
    synthesizer: Synthesizer,
    sentences: Sequence[str],
    number: int,
) -> Samples:
    names = list(synthesizer.voices())[:_MOST_VOICES] or [""]
    voice = Voice(names[number % len(names)])
    # Played faster or slower than it was spoken, one voice becomes several people.
    played_rate = round(sample_rate / rng.uniform(0.88, 1.15))
    loop = np.zeros(count, np.float32)
    place = int(rng.integers(count))
    room = count
    order = rng.permutation(len(sentences))
    for turn in range(_MOST_SENTENCES):
        text = sentences[int(order[turn % len(order)])]
        speech = _SPOKEN.get(synthesizer, text, voice)
        spoken = resample(speech.samples, speech.sample_rate, played_rate)
        used = len(spoken) + int(_PAUSE * sample_rate)
        if used > room and turn:
            break
        add_around(loop, spoken[:count], place)
        place += used
        room -= used
    return loop


class _SpokenSentences:
    """What synthesizers said: people of all groups say the same few sentences."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Speech] = {}

    def get(self, synthesizer: Synthesizer, text: str, voice: Voice) -> Speech:
        key = (synthesizer.name, synthesizer.version, text, voice)
        speech = self._kept.get(key)
        if speech is None:
            speech = synthesizer.synthesize(text, voice)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = speech
        return speech


_SPOKEN = _SpokenSentences()


def _rhythmic_noise(count: int, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Return noise with the spectrum of speech, in syllables and sentences."""
    formant = float(rng.uniform(400.0, 900.0))
    shaped = noise(speech_shaped, count, sample_rate, rng)
    voiced = noise(between(formant * 0.7, formant * 1.5), count, sample_rate, rng)
    # Syllables follow one another 2 to 6 times a second, sentences every few seconds.
    syllables = np.maximum(movement(count, sample_rate, 2.0, 6.0, rng) + 0.6, 0.0)
    sentences = movement(count, sample_rate, 0.1, 0.5, rng) > _SILENT_BELOW
    vowels = np.maximum(movement(count, sample_rate, 1.0, 4.0, rng), 0.0)
    rhythm: Samples = (shaped + voiced * vowels) * syllables * sentences
    return rhythm
