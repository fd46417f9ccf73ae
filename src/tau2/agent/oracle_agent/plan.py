"""The reference actions as a list of steps, and what the oracle derives from each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.data_model.message import AssistantMessage, Message
from tau2.data_model.tasks import Task
from tau2.utils.json_types import JsonObject

_LOOKUP_NAME = re.compile(
    r"^(?:get|find|list|search|check|look|lookup|read|show|view|fetch|query|calculate|compute|"
    r"think|verify|count|describe|kb|grep|can|run)(?:_|$)",
    re.IGNORECASE,
)
_IDENTITY_ARGUMENT = re.compile(
    r"^(?:(?:user|customer|member|account|guest|patient|order|reservation|booking)"
    r"_(?:id|name|number)|e?mail(?:_address)?|(?:first|last|full)_?name|name|zip(?:_?code)?|"
    r"phone(?:_number)?|dob|date_of_birth)$",
    re.IGNORECASE,
)
"""Arguments of a look-up that only the customer can supply."""


class PlanStep(BaseModel):
    """One reference action."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: JsonObject
    by_user: bool = False

    @property
    def looks_up(self) -> bool:
        """Whether the step only looks something up, judged by the tool's name."""
        return _LOOKUP_NAME.match(self.name) is not None

    @property
    def is_transfer(self) -> bool:
        """Whether the step transfers the conversation to a human."""
        return self.name == TRANSFER_TOOL

    @property
    def changes_something(self) -> bool:
        """Whether the customer should agree first, judged by the tool's name."""
        return not self.by_user and not self.is_transfer and not self.looks_up

    def identity_arguments(self) -> dict[str, str]:
        """Return the arguments that identify the customer, to be asked for before the look-up."""
        if self.by_user or self.changes_something or self.is_transfer:
            return {}
        return {
            key: str(value)
            for key, value in self.arguments.items()
            if _IDENTITY_ARGUMENT.match(key)
        }

    def form_fields(self) -> dict[str, str]:
        """Return the fields of a form that the step fills in, to be asked for before it."""
        fields = self.arguments.get("fields")
        if not self.changes_something or not isinstance(fields, Mapping):
            return {}
        return {name: value for name, value in fields.items() if isinstance(value, str)}


def plan_of(task: Task) -> tuple[PlanStep, ...]:
    """Return the reference actions of a task in their order."""
    return tuple(
        PlanStep(
            name=action.name, arguments=dict(action.arguments), by_user=action.requestor == "user"
        )
        for action in task.reference_actions
    )


def info_to_communicate(task: Task) -> tuple[str, ...]:
    """Return the information that the customer has to receive."""
    criteria = task.evaluation_criteria
    wanted = (criteria.communicate_info if criteria is not None else None) or []
    return tuple(dict.fromkeys(info.strip() for info in wanted if info.strip()))


def steps_done(plan: Sequence[PlanStep], history: Sequence[Message]) -> int:
    """Return the number of steps up to the last one that has been executed in `history`."""
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


def identifiers(plan: Sequence[PlanStep]) -> frozenset[str]:
    """Return every text argument of the plan; tool results may say what it stands for."""
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
