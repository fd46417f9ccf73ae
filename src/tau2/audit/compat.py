"""What the original package's behaviour does to a task: its writes, executed both ways.

Only environments with `strict_compat` differ: published scores rest on the original's behaviour,
where people mean the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from pydantic import BaseModel

from tau2.audit.trajectory import call_of, is_write
from tau2.data_model.tasks import Action
from tau2.environment.cow import Table
from tau2.environment.environment import Environment
from tau2.environment.task_setup import TaskSetup
from tau2.utils.text import first_of, shortened

_MOST_SHOWN = 3  # differing places that a finding names
_LONGEST_VALUE = 60  # characters of a value that a finding shows
_HALF_A_CENT = 0.005  # dollars


def check_compat(setup: TaskSetup) -> list[str]:
    """Every write of the reference has the same effect under `strict_compat` as by the rules."""
    original = setup.start()
    if not original.strict_compat:
        return []
    corrected = by_the_rules(original)
    toolkits = ((original.tools, corrected.tools), (original.user_tools, corrected.user_tools))
    dbs = [(a.db, b.db) for a, b in toolkits if a is not None and b is not None]
    for action in setup.task.reference_actions:
        if not is_write(original, action):
            continue
        theirs, ours = _called(original, action), _called(corrected, action)
        if theirs != ours:
            return [
                f"{action.name}: the original {_outcome(theirs)}, by the rules it {_outcome(ours)}"
            ]
        places = list(chain.from_iterable(differences(*pair) for pair in dbs))
        if places:
            return [f"{action.name} does not end as the rules say: {_first(places)}"]
    return []


def by_the_rules(environment: Environment) -> Environment:
    """Return a fork that behaves as our own data does."""
    fork = environment.fork()
    fork.strict_compat = False
    for toolkit in (fork.tools, fork.user_tools):
        if hasattr(toolkit, "strict_compat"):
            setattr(toolkit, "strict_compat", False)  # noqa: B010  -- not declared by all
    return fork


def _called(environment: Environment, action: Action) -> str | None:
    """Make a call; return its error, or None."""
    result = environment.get_response(call_of(action))
    return (result.content or "Error") if result.error else None


def _outcome(error: str | None) -> str:
    return "accepts it" if error is None else f"refuses it ({error.removeprefix('Error: ')})"


def _first(places: Sequence[str]) -> str:
    """Return the first places, whole fields before their parts."""
    ordered = sorted(places, key=lambda place: place.partition(": ")[0].count("."))
    return first_of(ordered, _MOST_SHOWN, "; ")


def differences(mine: Any, theirs: Any, place: str = "") -> list[str]:
    """Return where two values of one shape differ, as `path: mine, not theirs`.

    Of two copies of one table, only touched records are compared. Floats that differ by less than
    half a cent are equal.
    """
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        keys = sorted(_compared(mine, theirs), key=str)
        parts = [(key, _at(mine, key), _at(theirs, key)) for key in keys]
        return list(chain.from_iterable(differences(a, b, f"{place}.{k}") for k, a, b in parts))
    if isinstance(mine, BaseModel) and isinstance(theirs, BaseModel):
        return differences(vars(mine), vars(theirs), place)
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        items = enumerate(zip(mine, theirs, strict=True))
        return list(chain.from_iterable(differences(a, b, f"{place}.{i}") for i, (a, b) in items))
    is_equal = mine == theirs
    if isinstance(mine, float) and isinstance(theirs, float):
        is_equal = abs(mine - theirs) < _HALF_A_CENT
    if is_equal:
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
