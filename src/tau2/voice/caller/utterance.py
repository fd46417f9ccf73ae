"""What a caller says in one go, as it is played tick by tick."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tau2.utils.json_types import JsonObject

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

_WORD = re.compile(r"\S+\s*")


class UtteranceKind(StrEnum):
    """Why something is said."""

    MESSAGE = "message"
    """The text user's own words."""
    BACKCHANNEL = "backchannel"
    PRESENCE_CHECK = "presence_check"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(slots=True)
class CallerUtterance:
    """An utterance and how much of it has been said."""

    id: str
    kind: UtteranceKind
    meant: str
    """The words as they are written; the synthesizer says ids digit by digit."""
    samples: Samples
    """As they enter the line."""
    sample_rate: int
    ends: Sequence[float]
    """When each written word has been said, in seconds."""
    start_tick: int
    stop_token: str = ""
    """What ends the call once this has been said."""
    tells_result: bool = False
    position: int = 0
    """How many samples were played."""
    words_said: int = 0

    @property
    def words(self) -> list[str]:
        """The written words, each with the white space behind it."""
        return _WORD.findall(self.meant)

    @property
    def is_over(self) -> bool:
        """Whether all of it was played."""
        return self.position >= len(self.samples)

    @property
    def said(self) -> str:
        """The written words that have been said to their end."""
        return "".join(self.words[: self.words_said]).rstrip()

    @property
    def share_said(self) -> float:
        """How much of it has been said, from 0 to 1, in words."""
        return self.words_said / len(self.ends) if self.ends else 1.0

    @property
    def never_yields(self) -> bool:
        """Whether it is said to its end, whoever speaks meanwhile."""
        return self.kind is UtteranceKind.BACKCHANNEL or bool(self.stop_token)

    def next(self, count: int) -> tuple[Samples, str]:
        """Return up to `count` further samples, and the words that are complete with them."""
        part = self.samples[self.position : self.position + count]
        self.position += count
        words = self.words
        before = self.words_said
        seconds = self.position / self.sample_rate
        while self.words_said < len(words) and (
            self.is_over or self.ends[self.words_said] <= seconds
        ):
            self.words_said += 1
        return part, "".join(words[before : self.words_said])

    def record(self, end_tick: int, *, is_cut_off: bool) -> JsonObject:
        """Return what is stored of it when it is over. `end_tick` is the tick after its last."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "meant": self.meant,
            "said": self.said,
            "start_tick": self.start_tick,
            "end_tick": end_tick,
            "is_cut_off": is_cut_off,
        }
