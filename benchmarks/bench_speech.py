"""Speech through a telephone: word errors, values that survive, and what engines cost.

Twenty sentences of customers are synthesized, sent over a telephone line (300 to 3,400 Hz, mu-law,
8 kHz) and recognized: as they are, with babble at 5 dB, and with 2 % of the packets lost in bursts.
Values (ids, addresses, amounts, names) are also measured where the caller spells them, and where
the agent reads them back and what was wrong is said once more. Prints one JSON object; exits 1
when a target is missed. Needs the extra `voice-local`, or `--synthesizer tone --recognizer tone`.

  OMP_NUM_THREADS=1 python benchmarks/bench_speech.py [--sentences 20]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from common import report, rounded

from tau2.seeds import derive_seed
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.filters import band_pass
from tau2.voice.audio.formats import TELEPHONE, Samples
from tau2.voice.audio.levels import active_speech_level, at_level
from tau2.voice.audio.resample import resample
from tau2.voice.effects.loss import Loss, PacketLoss
from tau2.voice.effects.talkers import babble
from tau2.voice.speech.accuracy import (
    ValuesHeard,
    WordErrors,
    total_values_heard,
    total_word_errors,
    values_heard,
    word_errors,
)
from tau2.voice.speech.protocols import Recognizer, Speech, Synthesizer, Voice
from tau2.voice.speech.registry import DETECTORS, RECOGNIZERS, SYNTHESIZERS
from tau2.voice.speech.spoken import Spelling, spelled, spoken
from tau2.voice.speech.values import contains_value

LINE_RATE = 16_000
BABBLE_DB = 5.0
LOSS = Loss(rate=0.02)
BAND = (300.0, 3_400.0)
TARGETS = {"word_error_rate_clean": 0.08}
MOST_REPETITIONS = 2
"""How often a value that was read back wrong is spelled once more."""

SENTENCES = (
    "Hello, I would like to check on my order #W4160873, please.",
    "My zip code is 60614 and the package should have arrived on Monday.",
    "You can find me under the user id greta_lindholm_4812.",
    "My phone number is 555-204-8831, and I prefer a call in the morning.",
    "The e-mail address on my account is greta.lindholm7@example.com.",
    "I need to change my reservation K7RW2M to a later flight.",
    "I was charged $148.95 for the headphones, but the price was $129.50.",
    "The desk lamp was delivered on 2024-03-14, and it does not switch on.",
    "This is Marcus Whitfield, I am calling about a refund.",
    "Could you exchange item 7285930164 for the same one in dark green?",
    "I would like to return the blue jacket that I bought last week.",
    "Please send the replacement to 418 Harbor Street, Suite 23.",
    "My flight is HTR208 from Denver to Seattle, and I have two bags.",
    "I paid with the card that ends in 5590, not with the gift card.",
    "My daughter Clara will pick up the parcel on Saturday afternoon.",
    "I restarted the router twice, but the internet is still slow.",
    "Is it possible to cancel order #W9027146 before it is shipped?",
    "The insurance for this trip costs $42 per passenger, is that right?",
    "Yes, that is correct, please go ahead and make the change.",
    "No, I do not need anything else today, thank you very much.",
)
NAMES = ("Greta Lindholm", "Marcus Whitfield", "Clara", "Denver", "Seattle")
TOLD = (
    "#W4160873",
    "greta_lindholm_4812",
    "greta.lindholm7@example.com",
    "K7RW2M",
    "7285930164",
    "555-204-8831",
    "HTR208",
    "Lindholm",
    "Whitfield",
    "60614",
)
"""What a caller says when it is asked for."""


@dataclass
class Cost:
    """CPU seconds of an engine, and the seconds of audio it handled."""

    cpu: float = 0.0
    audio: float = 0.0

    @property
    def factor(self) -> float:
        return rounded(self.cpu / self.audio) if self.audio else 0.0


@dataclass
class Engines:
    """Who speaks and who listens, and what that cost."""

    synthesizer: Synthesizer
    recognizer: Recognizer
    speaking: Cost = field(default_factory=Cost)
    hearing: Cost = field(default_factory=Cost)

    def say(self, text: str, seed: int) -> Speech:
        began = time.process_time()
        speech = self.synthesizer.synthesize(text, Voice(), seed=seed)
        self.speaking.cpu += time.process_time() - began
        self.speaking.audio += speech.seconds
        return speech

    def hear(self, samples: Samples) -> str:
        began = time.process_time()
        transcript = self.recognizer.transcribe(samples, TELEPHONE.sample_rate)
        self.hearing.cpu += time.process_time() - began
        self.hearing.audio += len(samples) / TELEPHONE.sample_rate
        return transcript.text


@dataclass(frozen=True)
class Measured:
    """What came out of a line."""

    word_error_rate: float
    words: int
    values_heard: float
    values: int
    missed: Sequence[str]


Line = Callable[[Samples, int], Samples]
"""Takes 16 kHz and a number of the utterance, returns what comes out of the telephone."""


def clean(samples: Samples, _number: int) -> Samples:
    through = band_pass(LINE_RATE, BAND).process(samples)
    return decode(encode(resample(through, LINE_RATE, TELEPHONE.sample_rate), TELEPHONE), TELEPHONE)


def with_loss(samples: Samples, number: int) -> Samples:
    sent = encode(clean(samples, number), TELEPHONE)
    received, _ = PacketLoss(LOSS, seed=derive_seed(1, number)).process(sent)
    return decode(received, TELEPHONE)


def with_babble(noise: Samples, samples: Samples, number: int) -> Samples:
    start = derive_seed(2, number) % max(1, len(noise) - len(samples))
    part = noise[start : start + len(samples)]
    present = active_speech_level(part, LINE_RATE).level
    wanted = active_speech_level(samples, LINE_RATE).level - BABBLE_DB
    return clean(samples + at_level(part, present, wanted)[: len(samples)], number)


def heard_over(line: Line, engines: Engines, text: str, number: int) -> str:
    speech = engines.say(text, seed=number)
    samples = resample(speech.samples, speech.sample_rate, LINE_RATE)
    pause = np.zeros(LINE_RATE // 4, np.float32)
    return engines.hear(line(np.concatenate([pause, samples, pause]), number))


def sentences_over(
    line: Line, engines: Engines, sentences: Sequence[str], *, is_shown: bool
) -> Measured:
    """Return the word errors and the values heard of some sentences."""
    errors: list[WordErrors] = []
    values: list[ValuesHeard] = []
    for number, sentence in enumerate(sentences):
        understood = heard_over(line, engines, sentence, number)
        names = [name for name in NAMES if name in sentence]
        errors.append(word_errors(sentence, understood))
        values.append(values_heard(sentence, understood, names=names))
        if is_shown:
            print(f"{errors[-1].errors:2}  {sentence}\n    {understood}", file=sys.stderr)
    words = total_word_errors(errors)
    all_values = total_values_heard(values)
    return Measured(
        rounded(words.rate or 0.0),
        words.words,
        rounded(all_values.rate or 0.0),
        len(all_values.said),
        all_values.missed,
    )


def told(value: str, spelling: Spelling) -> str:
    if value.isalpha() and spelling is not Spelling.WORDS:
        return f"It is {spelled(value, alphabet=spelling is Spelling.ALPHABET)}."
    return f"It is {spoken(value, spelling=spelling)}."


def values_over(line: Line, engines: Engines, *, is_read_back: bool) -> dict[str, float]:
    """Return the share of values that is heard, by how they are said.

    With a read-back the caller says a value that was heard wrong once more, with the words of the
    spelling alphabet.
    """
    shares = {}
    for spelling in Spelling:
        count = 0
        for number, value in enumerate(TOLD):
            understood = heard_over(line, engines, told(value, spelling), 100 + number)
            repeated = 0
            while is_read_back and repeated < MOST_REPETITIONS:
                if contains_value(understood, value):
                    break
                repeated += 1
                again = told(value, Spelling.ALPHABET)
                understood = heard_over(line, engines, again, 1000 * repeated + number)
            count += contains_value(understood, value)
        shares[spelling.value] = rounded(count / len(TOLD))
    return shares


def detector_cost(name: str, samples: Samples) -> float:
    stream = DETECTORS.get(name).stream(TELEPHONE.sample_rate)
    began = time.process_time()
    stream.push(samples)
    return rounded((time.process_time() - began) * TELEPHONE.sample_rate / len(samples))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--synthesizer", default="hibari")
    parser.add_argument("--recognizer", default="moonshine")
    parser.add_argument("--sentences", type=int, default=len(SENTENCES))
    parser.add_argument("--show", action="store_true", help="what was understood, on stderr")
    options = parser.parse_args()
    sentences = SENTENCES[: options.sentences]
    began = time.process_time()
    engines = Engines(SYNTHESIZERS.get(options.synthesizer), RECOGNIZERS.get(options.recognizer))
    load = time.process_time() - began
    noise = babble(60 * LINE_RATE, LINE_RATE, 7, synthesizer=engines.synthesizer)
    lines: dict[str, Line] = {
        "clean": clean,
        f"babble_{BABBLE_DB:.0f}_db": partial(with_babble, noise),
        f"loss_{LOSS.rate * 100:.0f}_percent": with_loss,
    }
    found = {
        name: sentences_over(line, engines, sentences, is_shown=options.show)
        for name, line in lines.items()
    }
    spelling = {
        name: {
            "said_once": values_over(line, engines, is_read_back=False),
            "read_back": values_over(line, engines, is_read_back=True),
        }
        for name, line in lines.items()
    }
    first = engines.say(SENTENCES[0], 3).samples.tobytes()
    figures: dict[str, float] = {
        "cpu_seconds_to_load": rounded(load),
        "cpu_per_second_spoken": engines.speaking.factor,
        "cpu_per_second_heard": engines.hearing.factor,
    }
    for name in DETECTORS.usable_names():
        figures[f"cpu_per_second_{name}"] = detector_cost(name, clean(noise, 0))
    for name, measured in found.items():
        figures[f"word_error_rate_{name}"] = measured.word_error_rate
        figures[f"values_missed_{name}"] = rounded(1 - measured.values_heard)
    report(
        "speech",
        figures,
        TARGETS,
        synthesizer=f"{engines.synthesizer.name} {engines.synthesizer.version}",
        recognizer=f"{engines.recognizer.name} {engines.recognizer.version}",
        sentences=len(sentences),
        words=found["clean"].words,
        values=found["clean"].values,
        missed={name: measured.missed for name, measured in found.items()},
        values_heard_by_spelling=spelling,
        same_seed_same_bytes=first == engines.say(SENTENCES[0], 3).samples.tobytes(),
    )


if __name__ == "__main__":
    main()
