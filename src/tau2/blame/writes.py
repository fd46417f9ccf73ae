"""The agent's changes compared with those of the reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tau2.blame.conversation import Conversation, Done, as_taken, meant, mutates
from tau2.blame.values import leaves
from tau2.data_model.tasks import Action
from tau2.utils.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class WrongWrite:
    """A change that the reference makes with other values."""

    done: Done
    wanted: Action
    got_arguments: JsonObject
    wanted_arguments: JsonObject


@dataclass(slots=True)
class WriteDifferences:
    """How the changes of a conversation differ from those of the reference."""

    missing: list[Action] = field(default_factory=list)
    wrong: list[WrongWrite] = field(default_factory=list)
    extra: list[Done] = field(default_factory=list)
    reference: list[Action] = field(default_factory=list)
    """All actions of the reference, those of discoverable tools as calls of these themselves."""


def compare_writes(conversation: Conversation) -> WriteDifferences:
    """Pair the changes of both sides: equal ones first, then those that are most alike."""
    start = conversation.start
    actions = conversation.setup.task.reference_actions
    reference = [meant(start, action) for action in actions]
    wanted = [
        reached
        for action, reached in zip(actions, reference, strict=True)
        if mutates(start, action)
    ]
    made = list(conversation.writes)
    missing = []
    for action in wanted:
        equal = next((done for done in made if _is_same(conversation, action, done)), None)
        if equal is None:
            missing.append(action)
        else:
            made.remove(equal)
    # A change that the agent made twice is no other change; a switch on a phone is.
    made = [
        done
        for done in made
        if done.call.requestor == "user"
        or not any(_is_same(conversation, one, done) for one in wanted)
    ]
    differences = _paired(conversation, missing, made)
    differences.reference = reference
    return differences


def _is_same(conversation: Conversation, action: Action, done: Done) -> bool:
    start = conversation.start
    taken = action.model_copy(update={"arguments": as_taken(start, action)})
    call = done.call.model_copy(update={"arguments": as_taken(start, done.call)})
    return taken.compare_with_tool_call(call, any_requestor=start.solo_mode)


def _paired(
    conversation: Conversation, missing: Iterable[Action], made: list[Done]
) -> WriteDifferences:
    differences = WriteDifferences()
    start = conversation.start
    for action in missing:
        rivals = [done for done in made if done.call.name == action.name]
        rivals = [done for done in rivals if done.call.requestor == action.requestor] or rivals
        if not rivals:
            differences.missing.append(action)
            continue
        wanted = as_taken(start, action)
        closest = max(rivals, key=lambda done: _likeness(as_taken(start, done.call), wanted))
        made.remove(closest)
        got = as_taken(start, closest.call)
        differences.wrong.append(WrongWrite(closest, action, got, wanted))
    differences.extra = made
    return differences


def _likeness(got: JsonObject, wanted: JsonObject) -> float:
    mine = {str(leaf) for leaf in leaves(got)}
    theirs = {str(leaf) for leaf in leaves(wanted)}
    either = mine | theirs
    return len(mine & theirs) / len(either) if either else 1.0
