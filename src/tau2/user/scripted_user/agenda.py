"""What a scripted customer intends and knows (the agenda), and how far it is (the state)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tau2.utils.json_types import JsonObject


class Cue(StrEnum):
    """What has to happen for a conditional instruction to be followed."""

    REFUSAL = "refusal"
    """The agent says that something cannot be done."""
    CONFIRMATION = "confirmation"
    """The agent asks whether to go ahead."""
    QUESTION = "question"
    """The agent asks for what the words name."""
    STATEMENT = "statement"
    """The agent says what the words name."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> _Frozen:
        """Return itself: nothing in it changes, so that copying an episode's state stays cheap."""
        return self


class ConditionalReply(_Frozen):
    """A conditional instruction: "if the agent says X, say Y"."""

    cue: Cue
    words: tuple[str, ...] = ()
    """Stems that the agent's words must share."""
    kinds: tuple[str, ...] = ()
    """Facts that the agent must ask for."""
    reply: str


class UserAction(_Frozen):
    """One call of a tool of the customer's own."""

    tool: str
    arguments: JsonObject = Field(default_factory=dict)
    wanted: bool | None = None
    """Whether a switch shall be on (True) or off (False) afterwards, where the agent said so."""
    missing: tuple[str, ...] = ()
    """Arguments that nobody has named yet."""


class Agenda(_Frozen):
    """Everything a customer brings to a conversation, compiled from a task."""

    opening: str
    details: tuple[str, ...] = ()
    """The rest of the reason for contacting, told over the following turns."""
    wishes: tuple[str, ...] = ()
    """Further things wanted, raised when the agent has time for them."""
    statements: tuple[str, ...] = ()
    """Sentences that answer a question about what they mention."""
    rules: tuple[ConditionalReply, ...] = ()
    facts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    unknown: dict[str, str] = Field(default_factory=dict)
    """Kind of fact → how the customer says that it is not known."""
    first: tuple[UserAction, ...] = ()
    """Done before the customer says anything."""
    last: tuple[UserAction, ...] = ()
    """Done once the agent has carried out what was wanted."""
    reference: tuple[UserAction, ...] = ()
    """The customer's part of the reference solution.

    It supplies arguments that the agent's words leave open.
    """
    refuses_transfer: bool = False


class Conversation(BaseModel):
    """Where a scripted customer stands; it round-trips through JSON."""

    agenda: Agenda
    seed: int = 0
    turn: int = 0
    calls: int = 0
    opened: bool = False
    details_told: int = 0
    wishes_told: int = 0
    rules_used: list[int] = Field(default_factory=list)
    facts_told: list[str] = Field(default_factory=list)
    correction: str = ""
    """The kind of fact that was told wrong and is still to be put right."""
    misspoke: bool = False
    queue: list[UserAction] = Field(default_factory=list)
    running: UserAction | None = None
    findings: list[str] = Field(default_factory=list)
    """What the tools said since the agent spoke last."""
    last_finding: str = ""
    """What the latest tool said, for a customer that will not leave while it looks broken."""
    done: list[UserAction] = Field(default_factory=list)
    incomplete: UserAction | None = None
    """Was asked for without all that it takes; the customer has asked back."""
    closing: bool = False
    """What is being done now is the last thing before the goodbye."""
    asked_if_all: bool = False
    pushed_back: bool = False
    stalled: int = 0
    heard: list[int] = Field(default_factory=list)
    """Checksums of the agent's latest messages, to notice a loop."""
