"""What the original's behaviour does to a reference: its writes, executed both ways.

Only worlds with `strict_compat` differ; there, published scores rest on the first and people mean
the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from tau2.audit.trajectory import is_write
from tau2.data_model.message import ToolCall
from tau2.data_model.tasks import Action
from tau2.environment.cow import Table, clone
from tau2.environment.environment import Environment
from tau2.environment.world import World
from tau2.utils.text import shortened

_MOST_SHOWN = 3  # differing places that a finding names
_LONGEST_VALUE = 60  # characters of a value that a finding shows
_HALF_A_CENT = 0.005  # dollars


def check_compat(world: World) -> list[str]:
    """Every write of the reference leaves the same world under `strict_compat` as by the rules."""
    original = world.start()
    if not original.strict_compat:
        return []
    corrected = by_the_rules(original)
    for action in world.task.reference_actions:
        if not is_write(original, action):
            continue
        theirs, ours = _called(original, action), _called(corrected, action)
        if theirs != ours:
            return [
                f"{action.name}: the original {_outcome(theirs)}, by the rules it {_outcome(ours)}"
            ]
        places = [place for kits in _kits(original, corrected) for place in differences(*kits)]
        if places:
            return [f"{action.name} leaves another world than the rules: {_some(places)}"]
    return []


def by_the_rules(environment: Environment) -> Environment:
    """Return a fork that behaves as our own data does."""
    twin = environment.fork()
    twin.strict_compat = False
    for toolkit in (twin.tools, twin.user_tools):
        if hasattr(toolkit, "strict_compat"):
            setattr(toolkit, "strict_compat", False)  # noqa: B010  -- not declared by all
    return twin


def _called(world: Environment, action: Action) -> str | None:
    """Make a call; return its error, or None."""
    call = ToolCall(
        id="audit", name=action.name, arguments=clone(action.arguments), requestor=action.requestor
    )
    result = world.get_response(call)
    return (result.content or "Error") if result.error else None


def _outcome(error: str | None) -> str:
    return "accepts it" if error is None else f"refuses it ({error.removeprefix('Error: ')})"


def _kits(one: Environment, other: Environment) -> Iterator[tuple[Any, Any]]:
    for mine, theirs in ((one.tools, other.tools), (one.user_tools, other.user_tools)):
        if mine is not None and theirs is not None:
            yield mine.db, theirs.db


def _some(places: Sequence[str]) -> str:
    """Return the first places, whole fields before their parts."""
    first = sorted(places, key=lambda place: place.partition(": ")[0].count("."))[:_MOST_SHOWN]
    more = len(places) - len(first)
    return "; ".join(first) + (f" (+{more} more)" if more > 0 else "")


def differences(mine: Any, theirs: Any, place: str = "") -> list[str]:
    """Return where two values of one shape differ, as `path: mine, not theirs`.

    Views of one table compare what was touched; sums that differ by less than half a cent are
    equal.
    """
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        keys = sorted(_compared(mine, theirs), key=str)
        return [
            d
            for key in keys
            for d in differences(_at(mine, key), _at(theirs, key), f"{place}.{key}")
        ]
    if isinstance(mine, BaseModel) and isinstance(theirs, BaseModel):
        return differences(vars(mine), vars(theirs), place)
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        pairs = enumerate(zip(mine, theirs, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{place}.{i}")]
    if _equal(mine, theirs):
        return []
    ours = shortened(repr(mine), _LONGEST_VALUE)
    others = shortened(repr(theirs), _LONGEST_VALUE)
    return [f"{place.removeprefix('.')}: {ours}, not {others}"]


def _compared(mine: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> set[Any]:
    if isinstance(mine, Table) and isinstance(theirs, Table) and mine.base is theirs.base:
        return mine.touched() | theirs.touched()
    return set(mine) | set(theirs)


def _at(values: Mapping[Any, Any], key: Any) -> Any:
    return values.peek(key) if isinstance(values, Table) else values.get(key)


def _equal(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, float) and isinstance(theirs, float):
        return abs(mine - theirs) < _HALF_A_CENT
    return bool(mine == theirs)
