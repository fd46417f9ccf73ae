"""The reference solution as a list of steps, and what an oracle knows of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.message import AssistantMessage, Message
from tau2.data_model.tasks import Action, Task
from tau2.utils.json_types import JsonObject

_READING = re.compile(
    r"^(?:get|find|list|search|check|look|lookup|read|show|view|fetch|query|calculate|compute|think|verify|count|"
    r"describe|kb|grep|can|run)(?:_|$)", re.IGNORECASE
)  # fmt: skip
_IDENTITY = re.compile(
    r"^(?:(?:user|customer|member|account|guest|patient|order|reservation|booking)_(?:id|name|number)|"
    r"e?mail(?:_address)?|"
    r"(?:first|last|full)_?name|name|zip(?:_?code)?|phone(?:_number)?|dob|date_of_birth)$", re.IGNORECASE
)  # fmt: skip
"""Arguments of a look-up that only the customer can supply."""


class Step(BaseModel):
    """One reference action."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: JsonObject
    by_user: bool = False

    @property
    def looks_up(self) -> bool:
        """Whether the step only looks something up, as far as the tool's name tells."""
        return _READING.match(self.name) is not None

    @property
    def is_transfer(self) -> bool:
        """Whether the step hands the conversation over."""
        return self.name == TRANSFER_TOOL

    @property
    def changes_something(self) -> bool:
        """Whether the customer should agree first, as far as the tool's name tells."""
        return not self.by_user and not self.is_transfer and not self.looks_up

    def asked_of_user(self) -> dict[str, str]:
        """Return the arguments that one would ask the customer for before looking anything up."""
        if self.by_user or self.changes_something or self.is_transfer:
            return {}
        return {key: str(value) for key, value in self.arguments.items() if _IDENTITY.match(key)}


def plan_of(task: Task) -> tuple[Step, ...]:
    """Return the reference actions of a task in their order."""
    criteria = task.evaluation_criteria
    return tuple(
        _step(action) for action in (criteria.actions if criteria is not None else None) or ()
    )


def _step(action: Action) -> Step:
    return Step(
        name=action.name, arguments=dict(action.arguments), by_user=action.requestor == "user"
    )


def told_of(task: Task) -> tuple[str, ...]:
    """Return what the customer has to be told."""
    criteria = task.evaluation_criteria
    wanted = (criteria.communicate_info if criteria is not None else None) or []
    return tuple(dict.fromkeys(info.strip() for info in wanted if info.strip()))


def steps_done(plan: Sequence[Step], history: Sequence[Message]) -> int:
    """Return how many steps of the plan the agent has already carried out in `history`."""
    made = [
        (call.name, call.arguments)
        for m in history
        if isinstance(m, AssistantMessage)
        for call in m.calls
    ]
    last_done = 0
    for number, step in enumerate(plan, 1):
        if (step.name, step.arguments) in made:
            made.remove((step.name, step.arguments))
            last_done = number
    return last_done


def identifiers(plan: Sequence[Step]) -> frozenset[str]:
    """Return every text argument of the plan: what a look-up may tell the name of."""
    return frozenset(text for step in plan for text in _texts(step.arguments))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
