"""What a scripted customer intends and knows (the agenda), and how far it is (the state)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tau2.data_model.persona import Verbosity
from tau2.utils.json_types import JsonObject


class Cue(StrEnum):
    """What has to happen for a conditional instruction to be followed."""

    REFUSAL = "refusal"
    """The agent says that something cannot be done."""
    CONFIRMATION = "confirmation"
    """The agent asks whether to go ahead."""
    READ_BACK = "read_back"
    """The agent reads an address back that lacks what the reply adds."""
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
    ends: bool = False
    """Whether the customer leaves it at that."""
    insists: bool = False
    """Whether the customer questions the refusal first."""
    stems: tuple[str, ...] = ()
    """Stems of a wish that the reply states, by which one sees whether the agent takes it up."""


class UserAction(_Frozen):
    """One call of a tool of the customer's own."""

    tool: str
    arguments: JsonObject = Field(default_factory=dict)
    wanted: bool | None = None
    """Whether a switch shall be on (True) or off (False) afterwards, where the agent said so."""
    missing: tuple[str, ...] = ()
    """Arguments that nobody has named yet."""


class Point(_Frozen):
    """Something the customer brings up, besides the reason for contacting."""

    line: str
    """How it is said."""
    wanted: bool = True
    """Whether it asks for something; otherwise it says how something should be."""
    later: bool = False
    """Whether it is brought up only when the rest is settled."""
    stems: tuple[str, ...] = ()
    """Stems of the words by which one notices that the agent has dealt with it."""


class Wanted(_Frozen):
    """Values that what an agent proposes is compared with; an empty tuple compares nothing."""

    records: tuple[str, ...] = ()
    """Ids of the orders or reservations that something is to happen to."""
    items: tuple[str, ...] = ()
    """Ids of the items that take part in a change."""
    dates: tuple[str, ...] = ()
    """New dates, as MM-DD."""
    cards: tuple[str, ...] = ()
    """Ids and last digits of what is paid with."""
    streets: tuple[str, ...] = ()
    """New addresses: house number and street, in lower case."""
    gigabytes: tuple[str, ...] = ()
    most: float | None = None
    """The highest amount that the customer is willing to pay, in dollars."""


class Agenda(_Frozen):
    """Everything a customer brings to a conversation, compiled from a task."""

    opening: str
    wishes: tuple[tuple[str, ...], ...] = ()
    """Stems of each thing that the first message asks for."""
    asked: tuple[str, ...] = ()
    """The sentences of the first message that ask for something, in the order of `wishes`."""
    points: tuple[Point, ...] = ()
    """The rest of the reason for contacting, and further wishes and conditions."""
    statements: tuple[str, ...] = ()
    """Sentences that answer a question about what they mention."""
    rules: tuple[ConditionalReply, ...] = ()
    facts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    unknown: dict[str, str] = Field(default_factory=dict)
    """Kind of fact → how the customer says that it is not known."""
    cards: dict[str, str] = Field(default_factory=dict)
    """Id of an order or reservation → what the customer pays with there."""
    first: tuple[UserAction, ...] = ()
    """Done before the customer says anything."""
    last: tuple[UserAction, ...] = ()
    """Done once the agent has carried out what was wanted."""
    reference: tuple[UserAction, ...] = ()
    """The customer's part of the reference solution.

    It supplies arguments that the agent's words leave open.
    """
    wanted: Wanted = Wanted()
    changes: bool = True
    """Whether the reference solution changes anything."""
    transfer_wanted: bool = False
    """Whether the task ends with a transfer, so that the customer waits for it."""
    verbosity: Verbosity = Verbosity.STANDARD
    """How much the customer of the scenario talks, where no persona was configured."""
    reserved: bool = False
    """Whether the customer says only what it is asked for."""
    insists: bool = False
    """Whether the customer does not take the first refusal for an answer."""
    refuses_transfer: bool = False


class Conversation(BaseModel):
    """Where a scripted customer stands; it round-trips through JSON."""

    agenda: Agenda
    seed: int = 0
    turn: int = 0
    calls: int = 0
    opened: bool = False
    points_told: list[int] = Field(default_factory=list)
    settled: list[int] = Field(default_factory=list)
    """Wishes of the first message that the agent has reported on."""
    mentioned: list[int] = Field(default_factory=list)
    """Wishes of the first message that the agent has spoken of."""
    reminded: bool = False
    """The customer has come back to a wish that the agent had passed over."""
    unheeded: list[int] = Field(default_factory=list)
    """Rules whose reply states a wish that the agent has not taken up."""
    lines_said: list[str] = Field(default_factory=list)
    """Sentences of the scenario that have answered a question."""
    last_words: str = ""
    """What the customer said last, for an agent that did not understand it."""
    with_report: list[str] = Field(default_factory=list)
    """What is said along with what the tools showed."""
    recognised: bool = False
    """The agent has named something of this customer's matter."""
    awaiting: bool = False
    """The customer has agreed to something that the agent has not yet reported done."""
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
    outcomes: int = 0
    """Messages of the agent in which something was done or refused."""
    reported: bool = False
    """The agent has reported that something was done."""
    restated: int = 0
    """How often the customer has repeated why it is here."""
    refused: bool = False
    """The agent has refused something."""
    pushed_back: int = 0
    """How often the customer has questioned a refusal."""
    stalled: int = 0
    spelled: int = 0
    """How often the customer has spelled something."""
    heard: list[int] = Field(default_factory=list)
    """Checksums of the agent's latest messages, to notice a loop."""
