"""What a scripted customer says, and its manner: terse, plain or talkative."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from tau2.data_model.persona import PersonaConfig, Verbosity
from tau2.seeds import derive_seed
from tau2.user.scripted_user import facts
from tau2.user.scripted_user.agenda import Conversation, UserAction
from tau2.user.scripted_user.text import lowered

_LONGEST_FINDING = 700  # characters of a tool's result that a person would read out

_PHRASES: dict[str, tuple[str, ...]] = {
    "hello": ("Hi!", "Hello!", "Hi there."),
    "agree": (
        "Yes, please go ahead.",
        "Yes, that is right, please go ahead.",
        "Yes, please do that.",
    ),
    "agree_terse": ("Yes.", "Yes, go ahead.", "Yes, do it."),
    "nothing_more": (
        "No, that is all. Thank you for your help!",
        "No, that was everything. Thanks a lot!",
    ),
    "nothing_more_terse": ("No, that is all.", "That is all."),
    "wait": ("Okay, thank you.", "All right, thanks.", "Sure, I will wait."),
    "wait_terse": ("Okay.", "All right."),
    "all_done": (
        "Thank you. Has everything I asked for been taken care of now?",
        "Thanks. Is everything I asked for done now?",
    ),
    "dont_know": (
        "I am afraid I don't know that.",
        "Sorry, I can't tell you that.",
        "I am not sure about that, sorry.",
    ),
    "dont_know_terse": ("I don't know.", "No idea."),
    "no_preference": ("I have no preference there.", "Whatever suits best, I have no preference."),
    "any_payment": ("Please use the payment method you have on file.",),
    "bye": ("Thank you, goodbye!", "Thanks for your help, bye!"),
    "bye_terse": ("Bye.",),
    "giving_up": ("We are going round in circles, so I will leave it here. Goodbye.",),
    "one_more": ("There is one more thing.", "One more thing.", "Actually, yes."),
    "one_more_terse": ("One more thing.",),
    "but_also": ("Thank you. One more thing, though.", "Thanks. There is something else, though."),
    "transferred": ("Thank you, I will wait for them.", "All right, thank you."),
    "no_transfer": ("No, I don't want to be transferred. Please help me here.",),
    "did": ("Done.", "Okay, I have done that.", "I have done it."),
    "did_terse": ("Done.",),
    "failed": ("I tried that, but it did not work.", "That did not work."),
    "again": ("As I said:", "Like I said:"),
    "sorry": ("Sorry, I got that wrong before.", "Wait, I made a mistake there."),
    "cannot_do": ("I don't know how to do that on my side.", "I can't find a way to do that here."),
}

_REMARKS = (
    "Thanks for taking the time.", "It has been quite a day, I can tell you.",
    "I hope you are having a good day.",
    "Sorry if I am rambling.", "I do appreciate your patience with me.",
    "My neighbour says hello, by the way.",
    "I have just made myself a cup of tea.", "You are very kind.",
)  # fmt: skip


class Voice:
    """Chooses words for one turn: the same seed and turn give the same words."""

    def __init__(self, state: Conversation, persona: PersonaConfig | None) -> None:
        self._state = state
        self._persona = persona or PersonaConfig()
        seed = derive_seed(state.seed, "turn", state.turn)
        self._rng = random.Random(seed)  # noqa: S311  -- a reproducible choice

    @property
    def terse(self) -> bool:
        """Whether the customer is sparing with words."""
        return self._persona.verbosity is Verbosity.MINIMAL

    @property
    def talkative(self) -> bool:
        """Whether the customer likes to talk."""
        return self._persona.verbosity is Verbosity.TALKATIVE

    def phrase(self, name: str) -> str:
        """Return one of the ways to say this."""
        terse = _PHRASES.get(f"{name}_terse") if self.terse else None
        return self._rng.choice(terse or _PHRASES[name])

    def manner(self, text: str) -> str:
        """Return the message in the customer's manner."""
        if not self.talkative or not text:
            return text
        remark = _REMARKS[(self._state.seed + self._state.turn) % len(_REMARKS)]
        before = self._state.turn > 1 and self._rng.random() < 0.5  # noqa: PLR2004  -- either side
        return f"{remark} {text}" if before else f"{text} {remark}"

    def fact(self, kind: str, values: tuple[str, ...]) -> str:
        """Return how a fact is told; an absent-minded customer gets the first number wrong once."""
        state = self._state
        if (
            self._persona.corrects_itself
            and not state.misspoke
            and kind in {"zip", "phone", "email", "order"}
        ):
            wrong = facts.misspelt(values[0], self._rng.randrange(len(values[0]) or 1))
            if wrong != values[0]:
                state.misspoke = True
                state.correction = kind
                values = (wrong, *values[1:])
        if self.terse and len(values) == 1:
            return values[0] if kind in {"payment", "reason"} else f"{values[0]}."
        return facts.said(kind, values)

    def opening(self, line: str) -> str:
        """Return the first message."""
        return line if self.terse else f"{self.phrase('hello')} {line}"

    def more(self, line: str, *, asked: bool) -> str:
        """Return how a further wish is brought up, `asked` for or not."""
        return line if self.terse else f"{self.phrase('one_more' if asked else 'but_also')} {line}"

    def seen(self, finding: str) -> str:
        """Return what a tool showed as a sentence."""
        return f"It says: {readable(finding)}"

    def report(self, deeds: Sequence[UserAction], findings: Sequence[str], *, failed: bool) -> str:
        """Return what was done and what was to be seen."""
        head = self.phrase("failed" if failed else "did")
        seen = [text for text in map(readable, findings) if text]
        if not seen:
            return head
        asked_to_look = len(deeds) == 1 and deeds[0].tool.startswith(
            ("check", "get", "list", "can", "run", "view")
        )
        lead = "It says" if self.terse or not asked_to_look else "Here is what I see"
        body = " ".join(text if text[-1:] in ".!?" else f"{text}." for text in seen)
        return f"{lead}: {body}" if asked_to_look and not failed else f"{head} {lead}: {body}"


def readable(finding: str) -> str:
    """Return a tool's result as a person would read it out."""
    text = finding.strip()
    if text[:1] in {"{", "["}:
        try:
            text = _spoken(json.loads(text))
        except ValueError:
            text = finding.strip()
    text = " ".join(text.split()).removeprefix("Error: ")
    return text if len(text) <= _LONGEST_FINDING else f"{text[: _LONGEST_FINDING - 1]}…"


def _spoken(value: Any, depth: int = 0) -> str:
    if depth > 4:  # noqa: PLR2004  -- nobody reads out deeper nesting
        return "…"
    if isinstance(value, dict):
        pairs = [
            (key, _spoken(item, depth + 1))
            for key, item in value.items()
            if item not in (None, "", [], {})
        ]
        return ", ".join(f"{str(key).replace('_', ' ')} {text}" for key, text in pairs)
    if isinstance(value, list):
        return "; ".join(_spoken(item, depth + 1) for item in value) if value else "nothing"
    return str(value)


def follow_up(*lines: str) -> str:
    """Return the lines that say something, one after the other."""
    return " ".join(line for line in lines if line)


def continued(line: str) -> str:
    """Return a line as it goes on after "As I said:"."""
    return lowered(line)
