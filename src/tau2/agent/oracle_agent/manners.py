"""The oracle's sentences as real agent models would write them: lists, bold, tables, JSON.

Which form is used is drawn from a seed. The content is that of `speech`: the information to
communicate stays word for word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from tau2.agent.oracle_agent.speech import Speaker
from tau2.participant.wording import in_words, joined, sentence


class Manner(StrEnum):
    """How an agent model lays out what it says."""

    PROSE = "prose"
    BULLETS = "bullets"
    NUMBERS = "numbers"
    TABLE = "table"
    JSON = "json"
    """The whole message is a JSON object, as models write it that were asked for one."""
    LONG = "long"
    """With polite sentences around everything."""


_COURTESIES = (
    "I'd be happy to help you with that!",
    "Thank you for reaching out. I understand how important this is for you.",
    "Of course! Let's get this sorted out together.",
    "Absolutely, I can look into this for you right away.",
    "Thanks for the details - I appreciate your patience.",
    "Sure thing!",
)
_ASK_LEADS = (
    "To get started, I'll need a couple of things:",
    "Could you please provide the following?",
    "To proceed, please provide:",
    "I just need a few details first:",
    "In order to look this up, I will need the following information:",
    "Please share these details so I can locate your account:",
)
_ASK_ENDS = (
    "Could you provide those for me?",
    "Once I have this information, I'll look into it.",
    "This will help me pull up your details.",
    "Let me know, and I'll guide you through the rest!",
)
_ASK_PROSE = (
    "Could you please provide me with {names} so I can look up your account?",
    "I'll need {names} first, please.",
    "Who am I speaking with? Please tell me {names}.",
    "May I have {names}, please? It is only to find your record.",
    "To verify your identity, I would need {names}.",
    "Before we start: what is {names}?",
)
_ALSO = (
    "The order or reservation number this is about (if you have it)",
    "Anything else that I should know about your request",
)
_PROPOSE_LEADS = (
    "Here's a summary of what I'm going to do:",
    "Let me recap the changes before I make them:",
    "I have everything I need. The details are:",
    "These are the actions I would take:",
    "Before anything is changed, please review:",
    "Based on what you told me, this is the plan:",
)
_CONSENTS = (
    "Reply **yes** to proceed, or let me know what should be different.",
    "Would you like me to go ahead with this?",
    "Do you confirm? (yes/no)",
    "Is it okay if I go ahead?",
    "Once you confirm, I will process this right away.",
    "Just say the word and I'll take care of it.",
    "Please confirm that you'd like to proceed.",
    'If everything looks correct, please respond with "yes".',
    "Shall I proceed?",
    "Let me know if you'd like me to proceed.",
    "Does this look right to you?",
    "I need your explicit confirmation before I can make this change.",
)
_CONSENTS_AGAIN = (
    "I did not get a clear answer. Do you want me to do this (yes or no)?",
    "Sorry, just to be sure: please reply yes or no.",
)
_STEP_LEADS = (
    "Let's try the next step.",
    "Thank you. Now, on your phone:",
    "Great, let's continue.",
    "The next step is on your side:",
)
_STEPS = (
    "On your device, please {deed}\n\nand share the full output with me.",
    "Please {deed}. Let me know what you see afterwards!",
    "1. Please {deed}.\n2. Once that is done, tell me what your phone shows.",
    "Could you {deed}, and let me know when that is done?",
    "Could you please **{deed}**? Then tell me what it says.",
)
_DONE_LEADS = (
    "Great news!",
    "Done!",
    "All set!",
    "Here's your confirmation:",
    "Everything went through.",
)
_CLOSINGS = (
    "Is there anything else I can help you with today?",
    "If you need anything else, just let me know!",
    "If you have any other questions, feel free to ask. Have a great day!",
    "Let me know if there's anything else I can assist you with.",
    "Is there anything else you need help with?",
    "If you need further assistance, please don't hesitate to reach out.",
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


class Writer(Speaker):
    """Writes the messages of one episode in one manner."""

    def __init__(self, seed: int) -> None:
        """Draw the manner."""
        super().__init__(seed)
        self.manner = self._rng.choice(tuple(Manner))
        self.one_by_one = self._rng.random() < _ONE_BY_ONE
        """Whether consent is asked for each change by itself."""

    def ask(self, wanted: Iterable[str], *, again: bool = False) -> str:
        """Ask for what the first look-up needs, and for more that a real agent asks at once."""
        if again:
            return self._message([super().ask(wanted, again=True)])
        names = [in_words(name) for name in wanted]
        if self.manner is Manner.PROSE:
            listed = " and ".join(f"your {name}" for name in names)
            return self._message([self._pick(_ASK_PROSE).format(names=listed)])
        items = [f"**Your {name}**" for name in names]
        if self._rng.random() < _ASKS_MORE:
            items.append(self._pick(_ALSO))
        return self._message([self._pick(_ASK_LEADS), self._listed(items), self._pick(_ASK_ENDS)])

    def ask_fields(self, names: Iterable[str], *, again: bool = False) -> str:
        """Ask for fields of a form."""
        return self._message([super().ask_fields(names, again=again)])

    def propose(
        self, changes: Sequence[tuple[str, str]], *, before: str = "", again: bool = False
    ) -> str:
        """Say what is about to be done, each (deed, terms), and ask for consent."""
        if again:
            return self._message([self._pick(_CONSENTS_AGAIN)])
        lines = [joined([sentence(deed), terms]) for deed, terms in changes]
        body = " ".join(lines) if self.manner is Manner.PROSE else self._listed(lines)
        parts = [before, self._pick(_PROPOSE_LEADS), body, self._pick(_CONSENTS)]
        return self._message([part for part in parts if part], courteous=not before)

    def step(self, deed: str, *, before: str = "", again: bool = False) -> str:
        """Ask the customer to take an action of their own."""
        if again:
            return self._message([super().step(deed, again=True)])
        parts = [before, self._pick(_STEP_LEADS), self._pick(_STEPS).format(deed=deed)]
        return self._message([part for part in parts if part], courteous=not before)

    def go_on(self, text: str) -> str:
        """Return `text` and ask whether to turn to the customer's next request."""
        return self._message([text, self.say("go_on")], courteous=False)

    def close(self, text: str, *, good: bool = True) -> str:
        """Report, and ask whether there is anything else; `good` says that `text` is news."""
        lines = _SENTENCE_END.split(text)
        listed = self.manner in {Manner.BULLETS, Manner.NUMBERS, Manner.TABLE} and len(lines) > 1
        body = self._listed(lines) if listed else text
        lead = [self._pick(_DONE_LEADS)] if good else []
        plain = "\n\n".join([*lead, body, self._pick(_CLOSINGS)])
        message = self._message([plain], courteous=False)
        # What has to be communicated stands word for word in the message, whatever JSON escapes.
        return message if all(line in message for line in lines) else plain

    def transfer(self, text: str) -> str:
        """Announce a transfer."""
        return self._message([text], courteous=False)

    def _pick(self, forms: Sequence[str]) -> str:
        return self._rng.choice(forms)

    def _listed(self, items: Sequence[str]) -> str:
        match self.manner:
            case Manner.NUMBERS | Manner.JSON:
                return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
            case Manner.TABLE if len(items) > 1:
                rows = "\n".join(f"| {number} | {item} |" for number, item in enumerate(items, 1))
                return f"| # | Details |\n|---|---|\n{rows}"
            case _:
                return "\n".join(f"- {item}" for item in items)

    def _message(self, parts: Sequence[str], *, courteous: bool = True) -> str:
        polite = courteous and self.manner in {Manner.LONG, Manner.BULLETS}
        text = "\n\n".join([self._pick(_COURTESIES), *parts] if polite else parts)
        if self.manner is Manner.JSON:
            return json.dumps({"message": text}, ensure_ascii=False)
        return text


_ONE_BY_ONE = 0.4  # share of the agents that ask for consent change by change
_ASKS_MORE = 0.5  # share of the first questions that ask for more than the look-up needs
