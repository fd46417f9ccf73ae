"""Tasks: the customer's scenario, the initial state, and how the end is graded.

The JSON shape is that of the public data set; unknown keys are ignored, because published files
carry annotations.
"""

from __future__ import annotations

import textwrap
import uuid
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field, ModelWrapValidatorHandler, model_validator

from tau2.data_model.message import Message, StoredMessage, ToolCall, ToolRequestor
from tau2.data_model.unknown_fields import UnknownField, unknown_fields
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue


class StructuredUserInstructions(BaseModel):
    """The instructions of the simulated user, in parts."""

    domain: str
    reason_for_call: str
    known_info: str | None = None
    unknown_info: str | None = None
    task_instructions: str

    def __str__(self) -> str:
        parts = (
            ("Domain", self.domain),
            ("Reason for call", self.reason_for_call),
            ("Known info", self.known_info),
            ("Unknown info", self.unknown_info),
            ("Task instructions", self.task_instructions),
        )
        return "\n".join(
            f"{title}: {text}" if title == "Domain" else f"{title}:\n{_indent(text)}"
            for title, text in parts
            if text is not None
        )


UserInstructions = StructuredUserInstructions | str


def _indent(text: str) -> str:
    return textwrap.indent(text, "\t")


class UserScenario(BaseModel):
    """What the simulated user plays; `str()` is the prompt text."""

    persona: str | None = None
    instructions: UserInstructions

    def __str__(self) -> str:
        blocks = []
        if self.persona is not None:
            blocks.append(f"Persona:\n{_indent(self.persona)}")
        blocks.append(f"Instructions:\n{_indent(str(self.instructions))}")
        return "\n".join(blocks)


class Description(BaseModel):
    """Notes for people; never shown to a participant."""

    purpose: str | None = None
    relevant_policies: str | None = None
    notes: str | None = None


class InitializationData(BaseModel):
    """Data merged into the databases before the episode starts."""

    agent_data: JsonObject | None = None
    user_data: JsonObject | None = None


class EnvFunctionCall(BaseModel):
    """A call of any function of a toolkit, made by the engine and not by a participant."""

    env_type: ToolRequestor
    func_name: str
    arguments: JsonObject = Field(default_factory=dict)


class EnvAssertion(EnvFunctionCall):
    """A function of a toolkit whose boolean result must equal `assert_value`."""

    assert_value: bool = True
    message: str | None = None


class InitialState(BaseModel):
    """How the databases differ from the domain's own when the episode starts."""

    initialization_data: InitializationData | None = None
    initialization_actions: list[EnvFunctionCall] | None = None
    message_history: list[StoredMessage] | None = None


class Action(BaseModel):
    """One reference tool call."""

    action_id: str
    requestor: ToolRequestor = "assistant"
    name: str
    arguments: JsonObject
    info: str | None = None
    compare_args: list[str] | None = None
    """Arguments that count when a call is compared; None compares all, [] compares none."""

    def get_func_format(self) -> str:
        """Return `name(k=v, ...)`."""
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.arguments.items())})"

    def compare_with_tool_call(
        self, tool_call: ToolCall, *, strict_compat: bool = False, any_requestor: bool = False
    ) -> bool:
        """Return whether `tool_call` carries out this action.

        All arguments of the action count (or `compare_args`), and so does the requestor. With
        `strict_compat` the keys of the *call* decide and the requestor is ignored, as in the
        original, where `{}` matches everything. With `any_requestor` the requestor is ignored
        alone.
        """
        if self.name != tool_call.name:
            return False
        if not strict_compat and not any_requestor and self.requestor != tool_call.requestor:
            return False
        given = tool_call.arguments
        wanted = self.arguments
        if self.compare_args is not None:
            keys: set[str] = set(self.compare_args)
        elif strict_compat:
            keys = set(given)
        else:
            keys = set(given) | set(wanted)
        missing = object()
        return all(_same(given.get(k, missing), wanted.get(k, missing), missing) for k in keys)


def _same(given: JsonValue, wanted: JsonValue, missing: object) -> bool:
    """Return whether two argument values are equal; an absent argument equals an explicit None."""
    if given is missing or wanted is missing:
        return (given is missing or given is None) and (wanted is missing or wanted is None)
    return bool(given == wanted)


class RewardType(StrEnum):
    """What a reward can rest on."""

    DB = "DB"
    ENV_ASSERTION = "ENV_ASSERTION"
    NL_ASSERTION = "NL_ASSERTION"
    ACTION = "ACTION"
    COMMUNICATE = "COMMUNICATE"


class EvaluationCriteria(BaseModel):
    """What has to be true at the end, and which of it counts."""

    actions: list[Action] | None = None
    env_assertions: list[EnvAssertion] | None = None
    communicate_info: list[str] | None = None
    nl_assertions: list[str] | None = None
    reward_basis: list[RewardType] = Field(
        default_factory=lambda: [RewardType.DB, RewardType.COMMUNICATE]
    )

    def info(self) -> dict[str, int]:
        """Return how many reference actions and assertions there are."""
        actions = self.actions or []
        return {
            "num_agent_actions": sum(action.requestor == "assistant" for action in actions),
            "num_user_actions": sum(action.requestor == "user" for action in actions),
            "num_env_assertions": len(self.env_assertions or []),
            "num_nl_assertions": len(self.nl_assertions or []),
        }


class TaskIssueStatus(StrEnum):
    """The state of a known problem of a task."""

    OPEN = "open"
    RESOLVED = "resolved"
    WONT_FIX = "wont_fix"


class TaskIssue(BaseModel):
    """A known problem of a task."""

    id: str
    title: str
    description: str | None = None
    status: TaskIssueStatus = TaskIssueStatus.OPEN
    resolution: str | None = None
    created_at: str | None = None
    resolved_at: str | None = None
    author_email: str | None = None
    pr_link: str | None = None
    simulation_file: str | None = None


HISTORY_TIMES: Any = {"initial_state": {"message_history": {"__all__": {"timestamp"}}}}
"""For `model_dump(exclude=...)`: when recorded messages were read is no part of a task."""


class Task(BaseModel):
    """What a customer wants, how the databases start, and what is graded.

    Fields that a task does not have are ignored, and `unknown_fields` tells of them: a run refuses
    such a task (see `tau2.environment.task_check`).
    """

    # Outside of pydantic's reach: no part of equality, dumps or copies.
    __slots__ = ("_unknown_fields",)

    id: str
    description: Description | None = None
    user_scenario: UserScenario
    ticket: str | None = None
    initial_state: InitialState | None = None
    evaluation_criteria: EvaluationCriteria | None = None
    issues: list[TaskIssue] | None = None
    required_documents: list[str] | None = None
    user_tools: list[str] | None = None
    """Names of the user's tools in this task; None permits all, [] none."""

    @model_validator(mode="wrap")
    @classmethod
    def _note_unknown_fields(cls, value: object, handler: ModelWrapValidatorHandler[Task]) -> Task:
        task = handler(value)
        if isinstance(value, dict):
            found = unknown_fields(cls, value)
            if found:
                object.__setattr__(task, "_unknown_fields", tuple(found))
        return task

    @property
    def unknown_fields(self) -> tuple[UnknownField, ...]:
        """What was given when the task was made and is no field of a task."""
        found: tuple[UnknownField, ...] = getattr(self, "_unknown_fields", ())
        return found

    def __str__(self) -> str:
        return f"Task {self.id}\n{self.user_scenario}"

    @property
    def reference_actions(self) -> list[Action]:
        """The tool calls that solve the task; empty where the task names none."""
        return (self.evaluation_criteria.actions if self.evaluation_criteria else None) or []

    @property
    def history(self) -> list[StoredMessage]:
        """The messages that were exchanged before the episode begins."""
        return (self.initial_state.message_history if self.initial_state else None) or []

    def content(self) -> JsonObject:
        """Return what makes two tasks equal, as JSON data: all but when the history was read."""
        return self.model_dump(mode="json", exclude=HISTORY_TIMES)


def make_task_id() -> str:
    """Return a fresh random id."""
    return str(uuid.uuid4())


def make_task(
    user_instructions: UserInstructions | str,
    eval_criteria: EvaluationCriteria,
    initialization_data: InitializationData | None = None,
    initialization_actions: list[EnvFunctionCall] | None = None,
    message_history: list[Message] | None = None,
) -> Task:
    """Make a task with a fresh id; every given part of the initial state is kept."""
    parts: JsonMapping = {
        "initialization_data": initialization_data,
        "initialization_actions": initialization_actions,
        "message_history": message_history,
    }
    state = InitialState(**parts) if any(part is not None for part in parts.values()) else None
    return Task(
        id=make_task_id(),
        user_scenario=UserScenario(instructions=user_instructions),
        initial_state=state,
        evaluation_criteria=eval_criteria,
    )
