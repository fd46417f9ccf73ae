"""What is done to the audio of a caller, in numbers."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tau2.voice.effects.loss import Concealment, Loss

BackgroundKind = Literal[
    "people_talking",
    "competing_speech",
    "tv_news",
    "busy_street",
    "street_and_metro",
    "speech_shaped",
    "white",
    "pink",
    "brown",
]
BurstKind = Literal["ringing_phone", "dog_bark", "car_horn", "engine_idling", "siren"]


class EffectSettings(BaseModel):
    """What a caller's audio goes through; the default is a clean telephone line.

    Times in milliseconds, frequencies in Hz. Signal-to-noise ratios in dB compare the active
    speech level (ITU-T P.56) with the level of the noise, both within the telephone band: what the
    line removes disturbs nobody.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    speech_level: float = Field(default=-26.0, le=-10.0)
    """Every utterance is brought to this active speech level, in dBov, in the telephone band."""

    muffling_probability: float = Field(default=0.0, ge=0.0, le=1.0)
    """How likely an utterance has muffled segments; 0.2 in noisy calls."""
    muffling_segments: int = Field(default=1, ge=0, le=100)
    muffling_ms: float = Field(default=500.0, gt=0.0)
    muffling_cutoff: float = Field(default=1500.0, gt=0.0)
    muffling_ramp_ms: float = Field(default=100.0, ge=0.0)
    constant_muffling_cutoff: float = Field(default=1000.0, gt=0.0)
    """Of what is not said into the telephone."""
    non_directed_attenuation: float = 6.0
    """By how many dB what is not said into the telephone is softer."""

    background: BackgroundKind | None = None
    background_snr: float = 15.0
    background_drift: float = Field(default=3.0, ge=0.0)
    """By how many dB the background gets louder and softer."""
    background_drift_speed: float = Field(default=0.5, gt=0.0)
    """1: three sines of 0.11, 0.23 and 0.37 Hz; 0.5: half as fast."""

    bursts: tuple[BurstKind, ...] = ()
    bursts_per_minute: float = Field(default=0.0, ge=0.0)
    """On average; they come at random (a Poisson process)."""
    burst_snr: tuple[float, float] = (-5.0, 10.0)
    """Drawn evenly between the two."""

    telephony_enabled: bool = True
    """Whether the line carries the telephone band alone; if not, all below half of its rate."""
    telephone_band: tuple[float, float] = (300.0, 3400.0)
    headroom: float = Field(default=0.9, gt=0.0, le=1.0)
    """Of full scale: the gain in front of the line."""

    loss_rate: float = Field(default=0.0, ge=0.0, lt=1.0)
    """The share of packets that never arrive."""
    loss_burst_ms: float = Field(default=100.0, gt=0.0)
    """How long a loss lasts on average; at least one packet."""
    packet_ms: float = Field(default=20.0, gt=0.0)
    concealment: Concealment = "zero"
    """What is heard instead: nothing ("zero") or the last packet, fading ("repeat")."""

    @property
    def loss(self) -> Loss:
        """How packets are lost."""
        return Loss(self.loss_rate, self.loss_burst_ms, self.packet_ms)

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.burst_snr
        if low > high:
            raise ValueError(f"burst_snr goes from {low:g} to {high:g} dB")
        if not 0 < self.telephone_band[0] < self.telephone_band[1]:
            raise ValueError("telephone_band ends below its beginning")
        if self.bursts_per_minute and not self.bursts:
            raise ValueError("bursts_per_minute needs bursts")
        self.loss.check()
        return self
