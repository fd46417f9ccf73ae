"""A task in the making: the reference actions are executed on a fork and recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Generic, NamedTuple, TypeVar

from tau2.data_model.conventions import TRANSFER_TOOL
from tau2.environment.toolkit import ToolKitBase
from tau2.errors import ToolError

T = TypeVar("T")
K = TypeVar("K", bound=ToolKitBase)


class UnsuitableCustomer(Exception):
    """The customer's records lack what an intent needs."""


class ReferenceCall(NamedTuple):
    """One call of the agent's tools."""

    name: str
    arguments: dict[str, Any]


class Temptation(NamedTuple):
    """A change that only an agent makes who leaves a duty out; the reference does not hold it."""

    skipped: str
    """"consent": the customer was not asked before. "check": nobody looked whether it is right."""
    call: ReferenceCall


class TaskDraft(Generic[K]):
    """What the ideal agent does for one customer, recorded while it is executed on a fork."""

    def __init__(self, tools: K, rng: Random) -> None:
        """Begin with no calls; `tools` belong to this draft alone."""
        self.tools = tools
        self.rng = rng
        self.calls: list[ReferenceCall] = []
        self.communicate: list[str] = []
        """What the agent has to tell the customer."""
        self.temptations: list[Temptation] = []
        self._skipped = ""
        self.lacks_number = False
        """Whether the customer speaks of an order or reservation without naming its number."""

    def one(self, choices: Iterable[T]) -> T:
        """Return one of the choices at random. Raise UnsuitableCustomer when there is none."""
        listed = list(choices)
        if not listed:
            raise UnsuitableCustomer
        return self.rng.choice(listed)

    def some(self, choices: Iterable[T], count: int) -> list[T]:
        """Return `count` choices in random order. Raise UnsuitableCustomer when there are fewer."""
        listed = list(choices)
        if len(listed) < count:
            raise UnsuitableCustomer
        return self.rng.sample(listed, count)

    def look(self, name: str, **arguments: str) -> None:
        """Record a look-up, once."""
        call = ReferenceCall(name, arguments)
        if call not in self.calls:
            self.calls.append(call)

    def do(self, name: str, **arguments: Any) -> None:
        """Execute a change and record it. Raise UnsuitableCustomer when the tool refuses it."""
        if self._skipped:
            call = ReferenceCall(name, arguments)
            self.temptations.append(Temptation(self._skipped, call))
            return
        try:
            getattr(self.tools, name)(**arguments)
        except ToolError as error:
            raise UnsuitableCustomer(str(error)) from error
        self.calls.append(ReferenceCall(name, arguments))

    def hand_over(self, summary: str) -> None:
        """Transfer the customer to a human agent."""
        self.do(TRANSFER_TOOL, summary=summary)

    @contextmanager
    def tempted(self, skipped: str) -> Iterator[None]:
        """Record the changes made in this block as temptations; nothing is executed."""
        self._skipped = skipped
        try:
            yield
        finally:
            self._skipped = ""
