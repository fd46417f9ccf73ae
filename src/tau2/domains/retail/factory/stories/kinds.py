"""What a story is, and how modules list theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tau2.domains.retail.factory.stories.base import Case


class Unfit(Exception):
    """This customer cannot have this story."""


class Told(NamedTuple):
    """The customer's side of a story."""

    reason: str
    """One to four sentences: what the customer calls about."""
    instructions: str
    """How the customer behaves, and what happens if the agent says this or that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A kind of task."""

    purpose: str
    """What it tests, for people."""
    tell: Callable[[Case], Told]
    about: str
    """What the customer calls the matter: "return" as in "the return"."""
    alone: bool = False
    """Whether it speaks of all orders or of the whole conversation, and so cannot be one matter of several."""
    profile: bool = False
    """Whether it changes the default address or rests on it."""
    hurdle: bool = False
    """Whether something is refused, sold out, missing or changed in mind on the way."""
    idle: bool = False
    """Whether nothing can be done or told, so that it needs company."""
    last: bool = False
    """Whether it ends with a hand-over, after which nothing can follow."""
    matters: int = 1
    """How many things the customer wants."""


Teller = Callable[["Case"], Told]


def collector(
    about: str, **common: Any
) -> tuple[list[Story], Callable[..., Callable[[Teller], Teller]]]:
    """Return a list and a decorator that adds a story to it; the first line of its docstring is the purpose.

    `about` and `common` are what the stories of a module share; the decorator's arguments override them.
    """
    stories: list[Story] = []

    def story(**traits: Any) -> Callable[[Teller], Teller]:
        def add(tell: Teller) -> Teller:
            purpose = (tell.__doc__ or "").partition("\n")[0].rstrip(".")
            stories.append(
                Story(purpose=purpose, tell=tell, **{"about": about, **common, **traits})
            )
            return tell

        return add

    return stories, story
