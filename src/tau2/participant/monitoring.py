"""What the engine needs of a monitor over simulated users; `tau2.user.monitor` is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from tau2.data_model.message import Message, UserMessage

ASKED_AGAIN = "asked_again"
"""The entry of `raw_data` of a user's message that replaced one which the monitor refused."""


class FindingProtocol(Protocol):
    """One failure of a simulated user."""

    @property
    def turn(self) -> int:
        """Index of the user's message in the conversation."""

    @property
    def reason(self) -> str:
        """One sentence for people."""

    @property
    def is_decisive(self) -> bool:
        """Whether it ends an episode; otherwise it is only recorded."""

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """Return the finding as JSON data."""


class TurnMonitor(Protocol):
    """Judges the messages of one simulated user, in the order of the conversation."""

    def observe(self, message: Message) -> Sequence[FindingProtocol]:
        """Add the next message of the conversation; return what is wrong with it."""

    def check(self, message: UserMessage) -> Sequence[FindingProtocol]:
        """Return what is wrong with a message if the user sends it next."""


@dataclass(frozen=True, slots=True)
class MonitorSetup:
    """How the user of an episode is monitored."""

    make: Callable[[], TurnMonitor]
    """Makes a monitor that has heard nothing."""
    acts: bool = True
    """Whether a finding has consequences; otherwise it is only recorded."""


class TakesBack(Protocol):
    """A model-driven user that can answer a second time."""

    def take_back(self, state: Any, length: int, objection: str) -> Any:
        """Return the state before its last turn; the model is told the objection.

        `length` is how many messages the state held before that turn.
        """


class MonitorRecord(BaseModel):
    """What a simulation's record says of its monitor (`info["user_monitor"]`)."""

    mode: str
    findings: list[dict[str, Any]]
    """What was found in the conversation as it is."""
    asked_again: list[dict[str, Any]]
    """Messages that were refused and replaced: turn, reasons, and what had been said."""
