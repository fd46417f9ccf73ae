"""A caller's telephone, and how it can be copied in the middle of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tau2.voice.caller.effects import insert_event
from tau2.voice.speech.protocols import Speech, Synthesizer, Voice

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples
    from tau2.voice.effects.channel import Channel, ChannelTick
    from tau2.voice.effects.sounds import TicKind
    from tau2.voice.effects.speech import Direction
    from tau2.voice.effects.timeline import EffectTimeline

_MS_PER_SECOND = 1000


@dataclass(slots=True)
class LineEntry:
    """Something that entered the line: words, or a sound."""

    tick: int
    id: str
    text: str
    """What is read aloud; the name of a sound."""
    direction: Direction = "directed"
    is_sound: bool = False
    effect_type: str = ""
    """Of words that are no utterance: how they stand in the timeline."""
    end_tick: int | None = None
    """Where it was cut off."""


class CallerLine:
    """The line of one call: text goes in, the audio of ticks comes out.

    The state of a line is within filters and resamplers, which cannot be copied. So it remembers
    what entered it, and a deep copy is a new line into which the same enters again.
    """

    def __init__(
        self,
        make_channel: Callable[[int], Channel],
        seed: int,
        synthesizer: Synthesizer,
        voice: Voice,
    ) -> None:
        """Open a line.

        Args:
            make_channel: Returns what happens to the audio, given a seed.
            seed: Of the call.
            synthesizer: Says what enters as text.
            voice: Which of its voices.
        """
        self._make_channel = make_channel
        self._seed = seed
        self._synthesizer = synthesizer
        self._voice = voice
        self._channel = make_channel(seed)
        self._ticks = 0
        self._entries: list[LineEntry] = []

    @property
    def sample_rate(self) -> int:
        """Of what enters, in Hz."""
        return self._channel.sample_rate

    @property
    def tick_samples(self) -> int:
        """The samples of one tick of what enters."""
        return self._channel.tick_samples

    @property
    def now_ms(self) -> float:
        """When the next tick begins, since the call began."""
        return self._channel.now_ms

    @property
    def timeline(self) -> EffectTimeline:
        """All effects so far."""
        return self._channel.timeline

    def synthesize(self, text: str) -> Speech:
        """Return a text as the caller says it. Raise SpeechFailed."""
        return self._synthesizer.synthesize(text, self._voice)

    def say(
        self,
        text: str,
        identifier: str,
        direction: Direction = "directed",
        *,
        effect_type: str = "",
        speech: Speech | None = None,
    ) -> tuple[Samples, Speech]:
        """Return a text as it enters the line in the next tick, and as it was synthesized.

        Args:
            text: What is said.
            identifier: Of the utterance.
            direction: To whom.
            effect_type: Puts words that are no utterance into the timeline.
            speech: The text, if it was synthesized already.

        Raises:
            SpeechFailed: The synthesizer failed.
        """
        from tau2.voice.audio.resample import resample  # noqa: PLC0415  -- needs numpy

        entry = LineEntry(self._ticks, identifier, text, direction, effect_type=effect_type)
        if speech is None:
            speech = self.synthesize(text)
        samples = resample(speech.samples, speech.sample_rate, self.sample_rate)
        self._entries.append(entry)
        if effect_type:
            length_ms = speech.seconds * _MS_PER_SECOND
            self.timeline.add([insert_event(effect_type, text, self.now_ms, length_ms)])
        entering = self._channel.utterance(samples, utterance=identifier, direction=direction)
        return entering.samples, speech

    def make_sound(self, kind: TicKind, identifier: str) -> Samples:
        """Return a sound of the caller as it enters the line in the next tick."""
        self._entries.append(LineEntry(self._ticks, identifier, kind, is_sound=True))
        return self._channel.vocal_tic(kind, utterance=identifier).samples

    def cut_off(self, identifier: str) -> None:
        """Note that nothing of an utterance enters from the next tick on."""
        for entry in self._entries:
            if entry.id == identifier:
                entry.end_tick = self._ticks

    def process(self, speech: Samples | None, aside: Samples | None = None) -> ChannelTick:
        """Return what the line delivers in the next tick.

        Args:
            speech: A tick of what is said into the telephone, if anything is.
            aside: A tick of what is said to someone else.
        """
        self._ticks += 1
        return self._channel.process(speech, aside)

    def __deepcopy__(self, memo: dict[int, Any]) -> CallerLine:
        """Return a line in the same state: what entered this one has entered it, too."""
        line = CallerLine(self._make_channel, self._seed, self._synthesizer, self._voice)
        waiting = list(self._entries)
        playing: list[tuple[LineEntry, Samples]] = []
        for tick in range(self._ticks):
            while waiting and waiting[0].tick == tick:
                playing.append(line._entered(waiting.pop(0)))
            parts: dict[Direction, Samples] = {}
            for entry, samples in playing:
                start = (tick - entry.tick) * line.tick_samples
                part = samples[start : start + line.tick_samples]
                if len(part) and not (entry.end_tick is not None and tick >= entry.end_tick):
                    parts[entry.direction] = part
            line.process(parts.get("directed"), parts.get("non_directed"))
        for entry in waiting:  # it enters in the next tick
            line._entered(entry)
        return line

    def _entered(self, entry: LineEntry) -> tuple[LineEntry, Samples]:
        if entry.is_sound:
            samples = self.make_sound(entry.text, entry.id)  # type: ignore[arg-type]  # a TicKind
        else:
            samples, _ = self.say(
                entry.text, entry.id, entry.direction, effect_type=entry.effect_type
            )
        self._entries[-1].end_tick = entry.end_tick
        return entry, samples
