"""How the modules of a factory list the intents that customers come with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Something a customer wants."""

    name: str
    purpose: str
    """What it tests, for people."""
    held_out: bool = False
    """Whether no training task is about it: tasks with it are in the split `test_new` only."""


I = TypeVar("I", bound=Intent)  # noqa: E741  -- for intent
F = TypeVar("F", bound=Callable[..., Any])


def collector(
    kind: Callable[..., I], **common: Any
) -> tuple[list[I], Callable[..., Callable[[F], F]]]:
    """Return a list and a decorator that makes a function an intent of it.

    The function's name is the intent's, the first line of its docstring is the purpose (the
    decorator's `purpose`, where there is one). `common` is what the intents of a module share; the
    decorator's arguments override it.
    """
    intents: list[I] = []

    def intent(**traits: Any) -> Callable[[F], F]:
        def add(act: F) -> F:
            purpose = (act.__doc__ or "").partition("\n")[0].rstrip(".")
            traits_of_all = {"purpose": purpose, **common, **traits}
            intents.append(kind(name=act.__name__, act=act, **traits_of_all))
            return act

        return add

    return intents, intent
