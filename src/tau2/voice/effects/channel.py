"""A telephone call from where the caller is: what the caller says in, what the line delivers out.

In this order: the voice's own effects (once for each utterance), background noise, bursts, what is
said beside the telephone, their sum, the telephone's band and code, lost packets.
"""

from __future__ import annotations

import random
from math import log, log10, prod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tau2.errors import needs_extra
from tau2.seeds import derive_seed
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.filters import band_pass
from tau2.voice.audio.formats import TELEPHONE, AudioFormat
from tau2.voice.audio.levels import at_level
from tau2.voice.audio.resample import Resampler
from tau2.voice.effects.backgrounds import background
from tau2.voice.effects.coloured import Wave
from tau2.voice.effects.loss import PacketLoss
from tau2.voice.effects.settings import EffectSettings
from tau2.voice.effects.sounds import TicKind, burst, vocal_tic
from tau2.voice.effects.speech import Direction, EffectedSpeech, with_speech_effects
from tau2.voice.effects.timeline import EffectEvent, EffectTimeline, EffectType
from tau2.voice.speech.protocols import Synthesizer

with needs_extra("voice", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from tau2.utils.json_types import JsonObject
    from tau2.voice.audio.formats import Samples

_MS_PER_MINUTE = 60_000
_DRIFT = ((0.11, 0.5), (0.23, 0.3), (0.37, 0.2))
"""Speeds in Hz and shares of the three sines by which a background gets louder and softer."""
_DRIFT_STEP_MS = 10.0


class Taps(Protocol):
    """What keeps the audio of each stage; see `tau2.voice.audio.recording.AudioTaps`."""

    def add(self, stage: str, samples: Samples, sample_rate: int) -> None:
        """Add what passed a stage."""


class ChannelTick(NamedTuple):
    """What the line delivers in one tick."""

    audio: bytes
    """Of the channel's format; exactly one tick."""
    events: list[EffectEvent]
    """The effects that begin in this tick, but for those of utterances."""


class Channel:
    """One direction of a call, tick by tick.

    The same settings, seed and speech give the same bytes. The output is late by `latency_ms`.

    Args:
        settings: What happens to the audio.
        seed: Of the call; each effect has a seed of its own, derived from it.
        sample_rate: Of what goes in, in Hz.
        tick_ms: How long a tick is.
        participant: Whose audio it is: user or agent.
        audio_format: Of what comes out.
        synthesizer: Who speaks in the background; None: noise with the rhythm of speech.
        taps: Keeps the audio of each stage.
    """

    def __init__(
        self,
        settings: EffectSettings,
        *,
        seed: int,
        sample_rate: int = 16_000,
        tick_ms: int = 200,
        participant: str = "user",
        audio_format: AudioFormat = TELEPHONE,
        synthesizer: Synthesizer | None = None,
        taps: Taps | None = None,
    ) -> None:
        self.settings = settings
        self.sample_rate = sample_rate
        self.tick_ms = tick_ms
        self.tick_samples = sample_rate * tick_ms // 1000
        """The samples of one tick of input."""
        self.timeline = EffectTimeline()
        """All effects so far, those of utterances included."""
        self._seed = seed
        self._participant = participant
        self._format = audio_format
        self._taps = taps
        self._ticks = 0
        self._background = _Background(settings, seed, sample_rate, synthesizer)
        self._bursts = _Bursts(settings, seed, sample_rate)
        self._band = (
            band_pass(sample_rate, settings.telephone_band) if settings.telephony_enabled else None
        )
        self._resampler = Resampler(sample_rate, audio_format.sample_rate)
        self._loss = PacketLoss(
            settings.loss,
            seed=derive_seed(seed, "frame_drop"),
            audio_format=audio_format,
            concealment=settings.concealment,
        )

    @property
    def latency_ms(self) -> float:
        """How much later the line delivers than it receives, because of the resampler."""
        return self._resampler.latency_ms

    @property
    def now_ms(self) -> float:
        """When the next tick begins, since the call began."""
        return float(self._ticks * self.tick_ms)

    @property
    def lost_share(self) -> float:
        """The share of the audio that was lost so far."""
        return self._loss.lost_share

    def utterance(
        self,
        samples: Samples,
        *,
        utterance: str | int,
        start_ms: float | None = None,
        direction: Direction = "directed",
    ) -> EffectedSpeech:
        """Return an utterance as it enters the telephone; cut into ticks, it goes to `process`.

        It is brought to the settings' active speech level, so that every voice is as loud, and may
        be muffled.

        Args:
            samples: The whole utterance, at the channel's input rate.
            utterance: Which utterance of the call it is; what happens to it depends on it.
            start_ms: When it begins, since the call began; None: with the next tick.
            direction: "non_directed": said to somebody else, so muffled and softer.
        """
        if self._taps is not None:
            self._taps.add("tts_output", samples, self.sample_rate)
        effected = with_speech_effects(
            samples,
            self.sample_rate,
            self.settings,
            seed=self._seed,
            utterance=utterance,
            start_ms=self.now_ms if start_ms is None else start_ms,
            direction=direction,
            participant=self._participant,
        )
        self.timeline.add(effected.events)
        return effected

    def vocal_tic(
        self, kind: TicKind, *, utterance: str | int, start_ms: float | None = None
    ) -> EffectedSpeech:
        """Return a cough or the like, as loud as speech, to be put where the caller wants it."""
        seed = derive_seed(self._seed, "vocal_tic", utterance, kind)
        sound = vocal_tic(kind, self.sample_rate, seed, band=self.settings.telephone_band)
        begin = self.now_ms if start_ms is None else start_ms
        length = len(sound) * 1000 / self.sample_rate
        event = self._event("vocal_tic", begin, begin + length, {"kind": kind})
        self.timeline.add([event])
        return EffectedSpeech(at_level(sound, 0.0, self.settings.speech_level), [event])

    def process(self, speech: Samples | None, out_of_turn: Samples | None = None) -> ChannelTick:
        """Return what the line delivers in the next tick.

        Args:
            speech: What is said into the telephone, at most one tick; silence may be None.
            out_of_turn: What is said beside it, mixed in.
        """
        begin = self.now_ms
        events = self._opening() if not self._ticks else []
        spoken = self._fitted(speech)
        beside = self._fitted(out_of_turn)
        noise = self._background.next(self.tick_samples)
        sudden, begun = self._bursts.next(self.tick_samples)
        events += [
            self._event("burst_noise", start, end, {"kind": kind, "snr_db": round(ratio, 3)})
            for start, end, kind, ratio in begun
        ]
        if out_of_turn is not None and len(out_of_turn):
            end = begin + len(out_of_turn) * 1000 / self.sample_rate
            events.append(self._event("out_of_turn_speech", begin, end))
        mixed = spoken + noise + sudden + beside
        line = mixed if self._band is None else self._band.process(mixed)
        line = self._resampler.process(line * np.float32(self.settings.headroom))
        sent = encode(line, self._format)
        audio, lost = self._loss.process(sent)
        events += [self._event("frame_drop", span.start_ms, span.end_ms) for span in lost]
        if self._taps is not None:
            stages = {
                "speech_only": spoken,
                "background_noise_only": noise,
                "burst_noise_only": sudden,
                "out_of_turn_speech_only": beside,
                "post_noise": mixed,
            }
            for stage, samples in stages.items():
                self._taps.add(stage, samples, self.sample_rate)
            for stage, data in (("post_telephony", sent), ("user_output", audio)):
                self._taps.add(stage, decode(data, self._format), self._format.sample_rate)
        self._ticks += 1
        self.timeline.add(events)
        return ChannelTick(audio, events)

    def _opening(self) -> list[EffectEvent]:
        """Return the effects that last as long as the call."""
        settings = self.settings
        events = []
        if settings.telephony_enabled:
            low, high = settings.telephone_band
            events.append(self._event("telephony", 0.0, None, {"low_hz": low, "high_hz": high}))
        if settings.background is not None:
            params: JsonObject = {"kind": settings.background, "snr_db": settings.background_snr}
            events.append(self._event("background_noise", 0.0, None, params))
        return events

    def _event(
        self,
        effect_type: EffectType,
        start: float,
        end: float | None,
        params: JsonObject | None = None,
    ) -> EffectEvent:
        return EffectEvent(
            effect_type=effect_type,
            start_ms=start,
            end_ms=end,
            participant=self._participant,
            params=params or {},
        )

    def _fitted(self, samples: Samples | None) -> Samples:
        fitted = np.zeros(self.tick_samples, np.float32)
        if samples is None:
            return fitted
        if len(samples) > self.tick_samples:
            raise ValueError(f"{len(samples)} samples; a tick has {self.tick_samples}")
        fitted[: len(samples)] = samples
        return fitted


class _Background:
    """A loop of noise that gets louder and softer."""

    def __init__(
        self, settings: EffectSettings, seed: int, sample_rate: int, synthesizer: Synthesizer | None
    ) -> None:
        self._rate = sample_rate
        self._place = 0
        self._loop: Samples | None = None
        if settings.background is None:
            return
        self._loop = background(
            settings.background,
            sample_rate,
            derive_seed(seed, "background"),
            synthesizer=synthesizer,
            band=settings.telephone_band,
        )
        chance = random.Random(derive_seed(seed, "background", "drift"))  # noqa: S311  -- no secret
        self._start = chance.randrange(len(self._loop))
        self._phases = [chance.uniform(0.0, 2 * np.pi) for _ in _DRIFT]
        self._drift = settings.background_drift
        # What gets louder by some dB gains more power than it loses when it gets softer.
        swings = [self._drift * share * log(10) / 10 for _, share in _DRIFT]
        gained = 10 * log10(prod(float(np.i0(swing)) for swing in swings))
        self._level = settings.speech_level - settings.background_snr - gained
        self._speed = settings.background_drift_speed

    def next(self, count: int) -> Samples:
        if self._loop is None:
            return np.zeros(count, np.float32)
        places = (self._start + self._place + np.arange(count)) % len(self._loop)
        seconds = (self._place + np.arange(count)) / self._rate
        # The envelope is slow: a value every 10 ms, and straight lines between them.
        grid = np.arange(seconds[0], seconds[-1] + _DRIFT_STEP_MS / 1000, _DRIFT_STEP_MS / 1000)
        gains = 10 ** ((self._level + self._drift * self._swing(grid)) / 20)
        self._place += count
        loud: Samples = self._loop[places] * np.interp(seconds, grid, gains).astype(np.float32)
        return loud

    def _swing(self, seconds: Wave) -> Wave:
        """Return the drift at some times, between -1 and 1."""
        swing = np.zeros_like(seconds)
        for (speed, share), phase in zip(_DRIFT, self._phases, strict=True):
            swing += share * np.sin(2 * np.pi * speed * self._speed * seconds + phase)
        return swing


class _Bursts:
    """Sudden sounds, as a Poisson process; two may be heard at once."""

    def __init__(self, settings: EffectSettings, seed: int, sample_rate: int) -> None:
        self._settings = settings
        self._seed = seed
        self._rate = sample_rate
        self._random = random.Random(derive_seed(seed, "bursts"))  # noqa: S311  -- a simulation
        self._position = 0
        self._number = 0
        self._playing: list[tuple[int, Samples]] = []
        self._next = self._interval()

    def _interval(self) -> float:
        """Return the samples until the next one."""
        per_minute = self._settings.bursts_per_minute
        if not per_minute:
            return float("inf")
        return self._random.expovariate(per_minute) * _MS_PER_MINUTE * self._rate / 1000

    def next(self, count: int) -> tuple[Samples, list[tuple[float, float, str, float]]]:
        """Return the next samples, and start, end, kind and ratio of what begins in them."""
        begun = []
        while self._next < self._position + count:
            begun.append(self._begin(int(self._next)))
            self._next += self._interval()
        mixed = np.zeros(count, np.float32)
        for start, sound in self._playing:
            offset = start - self._position
            into = max(offset, 0)
            part = sound[max(-offset, 0) : count - offset]
            mixed[into : into + len(part)] += part
        self._position += count
        self._playing = [
            (start, sound) for start, sound in self._playing if start + len(sound) > self._position
        ]
        return mixed, begun

    def _begin(self, start: int) -> tuple[float, float, str, float]:
        settings = self._settings
        kind = self._random.choice(settings.bursts)
        ratio = self._random.uniform(*settings.burst_snr)
        seed = derive_seed(self._seed, "burst", self._number)
        sound = burst(kind, self._rate, seed, band=settings.telephone_band)
        self._number += 1
        self._playing.append((start, at_level(sound, 0.0, settings.speech_level - ratio)))
        begin = start * 1000 / self._rate
        return begin, begin + len(sound) * 1000 / self._rate, kind, ratio
