"""Whose words a user speaks: the agent's own, said again, or those of the company's side."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from tau2.participant.turns import load_prompt
from tau2.user.monitor.words import sentences, sequences, without_quotes, words

_RUN = 4  # words of a run that is looked up among the agent's
_LEAST = 6  # words of a message that can be a repetition
_SHARE = 0.65  # of a message's runs, for a repetition that still speaks to "you"
_WHOLE = 0.9  # of a message's runs, whatever the words
_ADDRESS = re.compile(
    r"\b(?:you|your|you're|you'd|you'll)\b|\blet me\b|\bi'll\b|\bi will\b|\bshall i\b|"
    r"\bmay i\b",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"^\W*(?:yes|yeah|yep|no|sure|ok|okay|correct|confirm|i confirm|please|thanks|thank you|great|"
    r"perfect|right|go ahead|that's|that is|done)\b",
    re.IGNORECASE,
)


_SLOT = re.compile(r"(?P<name>\{[A-Z_]+\}) = (?P<value>.+)")


@cache
def _company_lines() -> tuple[re.Pattern[str], ...]:
    """Return the patterns of what only the company's side says; compiled on first use."""
    slots: dict[str, str] = {}
    found = []
    for line in load_prompt("tau2.user.monitor", "company_lines.txt").splitlines():
        slot = _SLOT.match(line)
        if slot is not None:
            slots[slot["name"]] = slot["value"]
        elif line and not line.startswith("#"):
            for name, value in slots.items():
                line = line.replace(name, value)  # noqa: PLW2901  -- filled in step by step
            found.append(re.compile(line, re.IGNORECASE))
    return tuple(found)


@dataclass(slots=True)
class AgentSpeech:
    """What the agent has said so far, as runs of words."""

    runs: set[tuple[str, ...]] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    """Whole messages and sentences of more than two words, without punctuation."""

    def hear(self, text: str) -> None:
        """Add a message of the agent."""
        said = words(text)
        self.runs.update(sequences(said, _RUN))
        self.texts.add(" ".join(said))
        self.texts.update(
            " ".join(own) for part in sentences(text) if len(own := words(part)) >= _RUN
        )

    def repeated_in(self, text: str) -> bool:
        """Return whether a user's message consists of the agent's words.

        A customer who repeats a plan in agreement changes its words ("my order") or says that it
        agrees; one who only echoes still says "you" and "your".
        """
        said = words(text)
        if len(said) >= _RUN and " ".join(said) in self.texts and _ADDRESS.search(text):
            return True
        if len(said) < _LEAST:
            return False
        runs = sequences(said, _RUN)
        share = sum(run in self.runs for run in runs) / len(runs)
        if share >= _WHOLE and not _CONSENT.match(text):
            return True
        return share >= _SHARE and bool(_ADDRESS.search(text))


_MAYBE = re.compile(
    r"\byou|\bour\b|\bwe\b|\bwe're\b|\bassist|\bhelp\b|\bai\b|artificial|language model|customer|"
    r"support|service|inconvenience|hold on|with me|reply|respond|type|answer|anything else|moment|"
    r"let me|while i|gone ahead|go ahead|escalated|be glad|be happy|so i can|so that i|^\W*\w+\s*:",
    re.IGNORECASE,
)
"""What a sentence of the company's side contains; a cheap test before the expensive ones."""


def agent_line(text: str) -> str | None:
    """Return the words of a user's message that only the company's side says, or None."""
    own = without_quotes(text)
    for part in sentences(own):
        if not _MAYBE.search(part):
            continue
        for pattern in _company_lines():
            found = pattern.search(part)
            if found is not None:
                return found.group(0).strip()
    return None
