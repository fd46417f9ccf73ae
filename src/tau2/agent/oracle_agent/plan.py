"""The reference actions as a list of steps, and what the oracle derives from each."""

from __future__ import annotations

import json
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
_CALLS_OTHERS = {
    "call_discoverable_agent_tool": "agent_tool_name",
    "call_discoverable_user_tool": "discoverable_tool_name",
}
"""Tools that call one of another name → their argument with that name."""
_PREPARES = frozenset({"unlock_discoverable_agent_tool", "give_discoverable_user_tool"})
_NOTES_IDENTITY = "log_verification"
_VERIFYING = ("date_of_birth", "phone_number", "email", "address")
"""What a customer is identified by, in the order in which it is asked for."""
_SUFFICIENT = 2
_NUMBER_OF_TOOL = re.compile(r"_\d{4}$")


class PlanStep(BaseModel):
    """One reference action."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: JsonObject
    by_user: bool = False

    @property
    def deed(self) -> PlanStep:
        """The step as one speaks of it: of a call of a discoverable tool, what that tool does."""
        name = self.arguments.get(_CALLS_OTHERS.get(self.name, ""))
        if not isinstance(name, str):
            return self
        return PlanStep(name=name, arguments=_read(self.arguments.get("arguments")))

    @property
    def looks_up(self) -> bool:
        """Whether the step only looks something up, judged by the tool's name."""
        return _LOOKUP_NAME.match(self.deed.name) is not None

    @property
    def prepares(self) -> bool:
        """Whether the step unlocks or gives a tool, or notes who the customer is."""
        return self.name in _PREPARES or self.name == _NOTES_IDENTITY

    @property
    def tools(self) -> tuple[str, ...]:
        """The discoverable tools that the step unlocks, gives or calls."""
        if self.name not in _PREPARES and self.name not in _CALLS_OTHERS:
            return ()
        return tuple(
            value
            for key, value in self.arguments.items()
            if key.endswith("tool_name") and isinstance(value, str)
        )

    @property
    def plain_name(self) -> str:
        """The name without the number that a discoverable tool has at its end."""
        return _NUMBER_OF_TOOL.sub("", self.name)

    @property
    def written_out(self) -> str:
        """The call as `name(key="value")`, for a customer who has to make it."""
        deed = self.deed
        values = [f"{key}={json.dumps(value)}" for key, value in deed.arguments.items()]
        return f"{deed.name}({', '.join(values)})"

    @property
    def is_transfer(self) -> bool:
        """Whether the step transfers the conversation to a human."""
        return self.name == TRANSFER_TOOL

    @property
    def changes_something(self) -> bool:
        """Whether the customer should agree first, judged by the tool's name."""
        quiet = self.by_user or self.is_transfer or self.prepares
        return not quiet and not self.looks_up

    def identity_arguments(self) -> dict[str, str]:
        """Return the arguments that identify the customer, to be asked for before the look-up."""
        if self.by_user or self.changes_something or self.is_transfer or self.prepares:
            return {}
        return {
            key: str(value)
            for key, value in self.arguments.items()
            if _IDENTITY_ARGUMENT.match(key)
        }

    def verifying_facts(self, scenario: str) -> dict[str, str]:
        """Return what to ask the customer for before it is noted who it is.

        That are two facts, where possible ones that the scenario (in lower case) states.
        """
        if self.name != _NOTES_IDENTITY:
            return {}
        facts = {key: str(self.arguments[key]) for key in _VERIFYING if self.arguments.get(key)}
        known = [key for key, value in facts.items() if value.lower() in scenario]
        return {key: facts[key] for key in [*known, *facts][:_SUFFICIENT]}

    def form_fields(self) -> dict[str, str]:
        """Return the fields of a form that the step fills in, to be asked for before it."""
        fields = self.arguments.get("fields")
        if not self.changes_something or not isinstance(fields, Mapping):
            return {}
        return {name: value for name, value in fields.items() if isinstance(value, str)}


def _read(arguments: object) -> JsonObject:
    """Return arguments that are written as JSON; none where they are something else."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return {}
    return dict(arguments) if isinstance(arguments, Mapping) else {}


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
    return frozenset(text for step in plan for text in _texts(step.deed.arguments))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
