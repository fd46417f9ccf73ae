"""One customer with several intents: which go together, and the task they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tau2.data_model.tasks import Description, Task
from tau2.domains.retail.data_model import RetailDB
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import IntentText, RetailIntent
from tau2.domains.retail.factory.scenario import combine, retail_task
from tau2.taskgen.drafts import ReferenceCall, UnsuitableCustomer
from tau2.taskgen.phrasing import spaced
from tau2.taskgen.wording import Turns


@dataclass(slots=True)
class CombinedDraft:
    """A customer with the intents told so far."""

    draft: RetailDraft
    intents: list[RetailIntent] = field(default_factory=list)
    texts: list[IntentText] = field(default_factory=list)
    uses_card: bool = False
    slip: str = ""

    def takes(self, intent: RetailIntent) -> bool:
        """Return whether one more intent can be told beside the others."""
        if not self.intents:
            return not intent.idle
        clashes = intent.profile and any(other.profile for other in self.intents)
        idle = sum(other.idle for other in self.intents)
        too_idle = intent.idle and 2 * idle >= len(self.intents)
        alone = intent.alone or any(other.alone for other in self.intents)
        last = intent.last and any(other.last for other in self.intents)
        return not (alone or last or clashes or too_idle) and intent not in self.intents

    def join(self, intent: RetailIntent, turn: int) -> bool:
        """Tell one more intent; return whether it fits the customer.

        One that does not, or that meddles with another intent's gift card, leaves no trace.
        """
        draft = self.draft
        before = draft.checkpoint()
        draft.begin(turn)
        try:
            text = intent.tell(draft)
        except UnsuitableCustomer:
            draft.undo(before)
            return False
        uses_card = draft.uses_card(before)
        if uses_card and self.uses_card:
            draft.undo(before)
            return False
        self.intents.append(intent)
        self.texts.append(text)
        self.uses_card = self.uses_card or uses_card
        return True

    @property
    def changes(self) -> list[ReferenceCall]:
        """What the ideal agent changes."""
        tools = self.draft.tools
        return [call for call in self.draft.calls if tools.tool_mutates_state(call.name)]

    @property
    def weight(self) -> tuple[int, int, int]:
        """How many wants, changes and hurdles there are."""
        hurdles = sum(intent.hurdle for intent in self.intents) + bool(self.slip)
        return sum(intent.wants for intent in self.intents), len(self.changes), hurdles

    def sorted_pairs(self, rng: Random) -> list[tuple[RetailIntent, IntentText]]:
        """Return the intents with their texts in random order, a hand-over last."""
        pairs = list(zip(self.intents, self.texts, strict=True))
        rng.shuffle(pairs)
        pairs.sort(key=lambda pair: pair[0].last)
        return pairs


def begin(
    world: RetailDB, user_id: str, intent: RetailIntent, rng: Random, turn: int
) -> CombinedDraft | None:
    """Return the draft of a customer with one intent, or None for an unsuitable customer."""
    combined = CombinedDraft(RetailDraft(world, user_id, rng, turn))
    return combined if combined.join(intent, turn) else None


def purpose_of(intents: Sequence[RetailIntent]) -> str:
    """Return the purpose of a task: the kind that it is of, whatever order its intents come in."""
    return " + ".join(sorted(intent.purpose for intent in intents))


def written(
    rng: Random,
    combined: CombinedDraft,
    task_id: str,
    turns: Turns,
    *,
    persona: str,
    manner: str = "",
    notes: str | None = None,
) -> Task:
    """Return the task: the intents in random order, then a slip and a manner, if there are any."""
    pairs = combined.sorted_pairs(rng)
    text = combine(rng, turns, [(intent.about, text) for intent, text in pairs])
    text = text._replace(instructions=spaced([text.instructions, combined.slip, manner]))
    description = Description(purpose=purpose_of(combined.intents), notes=notes)
    return retail_task(task_id, combined.draft, text, persona, description, turns)
