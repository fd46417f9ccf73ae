"""What a caller utters besides: a cough, an "um", a word to someone else in the room."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tau2.seeds import derive_seed
from tau2.voice.turn_taking.language import LanguagePack

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples
    from tau2.voice.effects.sounds import TicKind

_SOUNDS: tuple[TicKind, ...] = ("cough", "sneeze", "sniffle", "throat_clear")
"""Vocal tics that the line synthesises."""
_SOUND_NAMES: Mapping[str, TicKind] = {f"[{sound}]": sound for sound in _SOUNDS}

_SECONDS_PER_MINUTE = 60


class InsertKind(StrEnum):
    """What kind of sound. The values are the effect types of the timeline."""

    VOCAL_TIC = "vocal_tic"
    NON_DIRECTED = "out_of_turn_speech"


@dataclass(frozen=True, slots=True)
class Insert:
    """What is to be uttered: words, or a sound in brackets."""

    kind: InsertKind
    text: str

    @property
    def sound(self) -> TicKind | None:
        """The sound that the line makes; None for words."""
        return _SOUND_NAMES.get(self.text)


@dataclass(slots=True)
class PlayingInsert:
    """An insert that is being heard."""

    insert: Insert
    samples: Samples
    position: int = 0

    @property
    def is_over(self) -> bool:
        """Whether all of it was played."""
        return self.position >= len(self.samples)

    def next(self, count: int) -> Samples:
        """Return up to `count` further samples."""
        part = self.samples[self.position : self.position + count]
        self.position += count
        return part


@dataclass(frozen=True, slots=True)
class InsertSchedule:
    """When inserts are due: a Poisson process, drawn from the seed and the tick alone."""

    seed: int
    pack: LanguagePack
    tick_seconds: float
    per_minute: float = 0.0
    vocal_tics: bool = True
    non_directed: bool = True

    def due(self, tick: int) -> Insert | None:
        """Return what is due in a tick; None in most."""
        rate = self.per_minute * self.tick_seconds / _SECONDS_PER_MINUTE
        own_seed = derive_seed(self.seed, "insert", tick)
        draw = random.Random(own_seed)  # noqa: S311  -- reproducible behaviour, not a secret
        kinds = self._kinds()
        if not kinds or draw.random() >= 1 - math.exp(-rate):
            return None
        kind = draw.choice(kinds)
        if kind is InsertKind.NON_DIRECTED:
            return Insert(kind, draw.choice(self.pack.non_directed_phrases))
        return Insert(kind, draw.choice([*_SOUND_NAMES, *self.pack.vocal_tics]))

    def _kinds(self) -> list[InsertKind]:
        kinds = [
            (InsertKind.VOCAL_TIC, self.vocal_tics),
            (InsertKind.NON_DIRECTED, self.non_directed),
        ]
        return [kind for kind, is_on in kinds if is_on]
