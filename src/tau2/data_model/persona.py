"""How a simulated user writes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tau2.utils.json_types import JsonMapping


class Verbosity(StrEnum):
    """How much the user says in one message."""

    STANDARD = "standard"
    MINIMAL = "minimal"
    TALKATIVE = "talkative"


class InterruptTendency(StrEnum):
    """Whether the user waits for the end of a sentence (audio only)."""

    WAITS = "waits"
    INTERRUPTS = "interrupts"


_MINIMAL = (
    "You are sparing with words. Answer in one short sentence or a few words, give only what was "
    "asked, "
    "and leave out greetings and thanks."
)
_TALKATIVE = (
    "You like to talk. Wrap what you say in small remarks about your day or how you feel, but "
    "never let a remark "
    "change a fact of your scenario or answer a question that was not asked."
)
_CORRECTS = (
    "You are a little absent-minded. The first time you give a detail such as a number or a name, "
    "you get it "
    "slightly wrong, notice it at once or when asked, apologise and give the right one. What you "
    "finally "
    "want never changes."
)


class PersonaConfig(BaseModel):
    """Manner of a simulated user, independent of the task."""

    model_config = ConfigDict(extra="forbid")

    verbosity: Verbosity = Verbosity.STANDARD
    interrupt_tendency: InterruptTendency | None = None
    corrects_itself: bool = False
    """Gives a detail wrong first and puts it right afterwards."""

    def to_guidelines_text(self) -> str:
        """Return the lines that a user prompt adds for this manner; empty for the standard one."""
        manner = {Verbosity.MINIMAL: _MINIMAL, Verbosity.TALKATIVE: _TALKATIVE}.get(
            self.verbosity, ""
        )
        return "\n".join(
            part for part in (manner, _CORRECTS if self.corrects_itself else "") if part
        )

    @classmethod
    def from_dict(cls, choices: JsonMapping, *, seed: int = 0) -> PersonaConfig:
        """Make a persona from plain values or from `{value: weight}` tables drawn with `seed`."""
        rng = random.Random(seed)  # noqa: S311  -- reproducible choice, not a secret
        drawn = {}
        for key in sorted(choices):
            value = choices[key]
            if isinstance(value, Mapping):
                options = sorted(value)
                value = rng.choices(options, weights=[float(value[option]) for option in options])[
                    0
                ]
            drawn[key] = value
        return cls.model_validate(drawn)
