"""The seven callers of the public benchmark, by their public names; how they are is our wording.

The voices of the public benchmark are private to those who made it. A service takes a voice of
yours, named by the environment variable TAU2_VOICE_ID_<NAME>, for example
TAU2_VOICE_ID_LISA_BRENNER. Offline engines are given one of their own voices, or their only one at
another speed and pitch: enough to tell callers apart, and not the official voices.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tau2.errors import UnknownName
from tau2.voice.speech.protocols import Voice

VOICE_ID_PREFIX = "TAU2_VOICE_ID_"


@dataclass(frozen=True, slots=True)
class VoicePersona:
    """Who calls."""

    name: str
    """The public name."""
    display_name: str
    short_description: str
    prompt: str
    """How the voice sounds, for a service that designs voices from a description."""
    complexity: Literal["control", "regular"]
    """The levels that it belongs to: those with and those without accents."""
    speed: float
    pitch: float
    """In semitones; both for engines that have one voice."""
    voices: Mapping[str, Voice] = field(default_factory=dict)
    """The voice in each engine that has several, by the engine's name."""

    @property
    def variable(self) -> str:
        """The environment variable that names this persona's voice in a service."""
        return VOICE_ID_PREFIX + self.name.upper()

    @property
    def voice_id(self) -> str | None:
        """The voice that the environment names; None if it names none."""
        return os.environ.get(self.variable) or None

    def voice(self, engine: str) -> Voice:
        """Return the voice of this persona in an engine, official or not.

        An engine of which nothing is known gets its default voice at the persona's speed and pitch.
        """
        own = self.voice_id
        if own is not None and engine not in OFFLINE_ENGINES:
            return Voice(name=own)
        return self.voices.get(engine, Voice(speed=self.speed, pitch=self.pitch))

    def is_official(self, engine: str) -> bool:
        """Return whether the voice is one that the environment names, not a stand-in of ours."""
        return self.voice_id is not None and engine not in OFFLINE_ENGINES


OFFLINE_ENGINES = frozenset({"hibari", "flite", "espeak", "espeak-ng", "pico", "piper", "tone"})
"""Engines that know no voices of services."""

PERSONAS: Mapping[str, VoicePersona] = {
    persona.name: persona
    for persona in (
        VoicePersona(
            name="matt_delaney",
            display_name="Matt Delaney",
            short_description="A man of about fifty, American, who speaks evenly and slowly.",
            prompt="Male, about 50, American English, warm low voice, even pace, few pauses.",
            complexity="control",
            speed=1.0,
            pitch=-3.0,
            voices={"flite": Voice("rms"), "espeak": Voice("en-us")},
        ),
        VoicePersona(
            name="lisa_brenner",
            display_name="Lisa Brenner",
            short_description="A woman in her thirties, American, brisk and to the point.",
            prompt="Female, about 35, American English, clear mid-range voice, brisk.",
            complexity="control",
            speed=1.05,
            pitch=0.0,
            voices={"flite": Voice("slt"), "espeak": Voice("en-us", pitch=4.0)},
        ),
        VoicePersona(
            name="mildred_kaplan",
            display_name="Mildred Kaplan",
            short_description="A retired woman, American, soft-spoken and slow.",
            prompt="Female, over 75, American English, soft and a little hoarse, slow.",
            complexity="regular",
            speed=0.85,
            pitch=1.5,
            voices={"flite": Voice("slt", speed=0.85, pitch=1.0), "espeak": Voice("en-us", 0.85)},
        ),
        VoicePersona(
            name="arjun_roy",
            display_name="Arjun Roy",
            short_description="A young engineer who grew up with Bengali and talks fast.",
            prompt="Male, under 30, Indian English, light voice, fast, run-on sentences.",
            complexity="regular",
            speed=1.15,
            pitch=-2.0,
            voices={"flite": Voice("awb", speed=1.1), "espeak": Voice("en-gb", 1.15)},
        ),
        VoicePersona(
            name="wei_lin",
            display_name="Wei Lin",
            short_description="A student whose first language is Mandarin, careful.",
            prompt="Female, about 22, Mandarin accent, light voice, careful, every word apart.",
            complexity="regular",
            speed=1.0,
            pitch=2.5,
            voices={"flite": Voice("slt", pitch=2.5), "espeak": Voice("en-us", pitch=5.0)},
        ),
        VoicePersona(
            name="mamadou_diallo",
            display_name="Mamadou Diallo",
            short_description="A shopkeeper who grew up with Wolof and French, loud and warm.",
            prompt="Male, about 40, West African and French accent, deep and loud, rolling rhythm.",
            complexity="regular",
            speed=1.1,
            pitch=-4.0,
            voices={"flite": Voice("kal16", speed=1.1), "espeak": Voice("en-gb", 1.1, -4.0)},
        ),
        VoicePersona(
            name="priya_patil",
            display_name="Priya Patil",
            short_description="An accountant who grew up with Marathi, precise and unexcited.",
            prompt="Female, about 45, Indian English, level voice, measured, falling at the end.",
            complexity="regular",
            speed=0.95,
            pitch=1.0,
            voices={"flite": Voice("slt", speed=0.95), "espeak": Voice("en-gb", 0.95, 3.0)},
        ),
    )
}
"""All personas by their public names; the first is the default."""

DEFAULT_PERSONA_NAME = next(iter(PERSONAS))


def persona_named(name: str) -> VoicePersona:
    """Return a persona. Raise UnknownName."""
    try:
        return PERSONAS[name]
    except KeyError:
        raise UnknownName("voice persona", name, PERSONAS) from None


def personas_of(complexity: Literal["control", "regular"]) -> tuple[VoicePersona, ...]:
    """Return the personas of levels without accents ("control") or with them ("regular")."""
    return tuple(p for p in PERSONAS.values() if p.complexity == complexity)
