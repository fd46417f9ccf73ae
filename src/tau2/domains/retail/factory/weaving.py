"""Tells several matters of one customer as one story, and says how the customer goes about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tau2.domains.retail.factory.phrasing import sentence
from tau2.domains.retail.factory.stories.kinds import Told

_OPENERS = (
    "", "", "", "You call about {count} things.", "You have {count} matters.", "You want to settle {count} things.",
    "There are {count} things on your list.", "{Count} things are on your mind.",
)  # fmt: skip
_ALSO = (
    "Apart from that, {}", "Besides, {}", "There is something else: {}", "On top of that, {}", "Another matter: {}",
    "In addition, {}", "And then: {}",
)  # fmt: skip
_MORE_TO_COME = (
    "", "", "That is not all, but you take one thing at a time.", "You bring up the rest later.",
    "There is more, which you mention later.",
)  # fmt: skip
_LATER = (
    "When that is settled, you bring up something else: {}", "After that, you say that there is one more thing: {}",
    "Once this is done, you have another request: {}", "Then you go on to the next thing: {}",
    "When the agent asks whether there is anything else, you go on: {}",
)  # fmt: skip
_AT_LAST = (
    "Finally, {}", "Last of all, {}", "At the very end, you remember something: {}",
    "Only when the agent asks whether that is all, you add one more thing: {}", "Before you say goodbye, you add: {}",
)  # fmt: skip
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing the customer wants, told."""

    about: str
    told: Told


def weave(rng: Random, matters: Sequence[Matter]) -> Told:
    """Return one story: some matters are brought up at once, the others one after another."""
    if len(matters) == 1:
        return matters[0].told
    at_once = rng.randint(1, len(matters))
    first, later = matters[:at_once], matters[at_once:]
    reason, instructions = [_reasons(rng, first)], _notes(first)
    if later:
        reason.append(rng.choice(_MORE_TO_COME))
    leads = rng.sample(_LATER, len(later))
    for number, (matter, lead) in enumerate(zip(later, leads, strict=True)):
        is_end = number == len(later) - 1
        wording = rng.choice(_AT_LAST) if is_end and (number or rng.random() < 0.5) else lead
        instructions += [wording.format(_begun(matter.told.reason)), matter.told.instructions]
    return Told(_text(reason), _text(instructions))


def _reasons(rng: Random, matters: Sequence[Matter]) -> str:
    """Return what the customer says at once."""
    count = _NUMBERS[len(matters)]
    opener = (
        rng.choice(_OPENERS).format(count=count, Count=sentence(count)) if len(matters) > 1 else ""
    )
    also = rng.sample(_ALSO, len(matters) - 1)
    told = [
        wording.format(_begun(matter.told.reason))
        for wording, matter in zip(also, matters[1:], strict=True)
    ]
    return _text([opener, matters[0].told.reason, *told])


def _notes(matters: Sequence[Matter]) -> list[str]:
    """Return the instructions of matters that are told at once, each saying which one it is about."""
    if len(matters) == 1:
        return [matters[0].told.instructions]
    times, seen, notes = Counter(matter.about for matter in matters), Counter[str](), []
    for matter in matters:
        name = (
            f"{_ORDINALS[seen[matter.about]]} {matter.about}"
            if times[matter.about] > 1
            else matter.about
        )
        seen[matter.about] += 1
        if matter.told.instructions:
            notes.append(f"As for the {name}, {_begun(matter.told.instructions)}")
    return notes


def _begun(text: str) -> str:
    """Return a text as the rest of a sentence."""
    return text[:1].lower() + text[1:]


def _text(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part)
